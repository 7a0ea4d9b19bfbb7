"""Sentences of column files -> records.

Column files without the original text do not say which tokens had a space between them. Their
tokens are joined by single spaces: no guess is made (detokenisers depend on the language and are
wrong now and then), every token keeps its exact offsets, and nothing is lost. The text then looks
like "Parkinson ' s disease", and a model trained on it has seen only such text.

Where the file gives the original text of a sentence, the text holds it verbatim. Sentences of a
document are joined by one space in both cases, unless the file gives the white space behind one.
"""

import re
from collections.abc import Iterable, Iterator
from itertools import accumulate

from ...records import LAYER, SpanRecord, TextRecord, TokenRecord, add_white_space
from .column_comments import comments_meta
from .columns import Sentence

_WHITE_SPACE = re.compile(r"\s*")


def group_sentences(
    sentences: Iterable[Sentence], group: int = 1, *, by_marker: bool = False
) -> Iterator[list[Sentence]]:
    """Group sentences to documents: by the file's markers, or by number.

    sentences (Iterable[Sentence]): In the order of the file.
    group (int): Sentences a document, the last may have fewer. The default of 1 assumes nothing
        about what belongs together: many column files hold unrelated sentences.
    by_marker (bool): Sentences that open a document decide instead.
    YIELDS (List[Sentence]): The sentences of a document.
    RAISES (ValueError): `group` is below 1.
    """
    if group < 1:
        raise ValueError(f"The number of sentences a document must be 1 or more, got {group}.")
    document: list[Sentence] = []
    for sentence in sentences:
        is_full = sentence.opens_document if by_marker else len(document) == group
        if is_full and document:
            yield document
            document = []
        document.append(sentence)
    if document:
        yield document


def make_record(sentences: Iterable[Sentence], id: str | None = None) -> TextRecord:
    """A record of the sentences, with tokens and sentence starts.

    What is outside of entities is annotated as such, not missing, also in a sentence without
    entities.

    sentences (Iterable[Sentence]): The sentences of one document.
    id (str): Of the record.
    RETURNS (TextRecord): White space that is more than one space is a token of its own, as in
        spaCy's tokenizer. Entities of a file with several columns of tags have their layer in their
        meta; the record has comment lines there, see column_comments.
    RAISES (ValueError): The tokens of a sentence do not make up its text.
    """
    words: list[str] = []
    spaces: list[bool] = []
    sentence_starts: list[bool] = []
    spans: list[tuple[int, int, str, dict[str, int]]] = []
    commented: list[tuple[int, tuple[str, ...]]] = []
    between: str | None = ""
    for sentence in sentences:
        between = " " if between is None else between  # a text before may end with one of its own
        sentence_starts += [False] * add_white_space(between, words, spaces)
        between = sentence.space_after
        sentence_words, sentence_spaces, positions = _align_text(sentence)
        offset = len(words)
        metas = [{LAYER: layer} for layer in sentence.layers] or [{} for _ in sentence.spans]
        spans += [
            (offset + positions[start], offset + positions[end - 1] + 1, label, meta)
            for (start, end, label), meta in zip(sentence.spans, metas, strict=True)
        ]
        commented.append((offset + positions[0], sentence.comments))
        words += sentence_words
        spaces += sentence_spaces
        sentence_starts += [True] + [False] * (len(sentence_words) - 1)
    sentence_starts += [False] * add_white_space(between or "", words, spaces)
    text = "".join(word + " " * space for word, space in zip(words, spaces, strict=True))
    lengths = [len(word) + space for word, space in zip(words, spaces, strict=True)]
    starts = [end - n for end, n in zip(accumulate(lengths), lengths, strict=True)]
    ends = [start + len(word) for start, word in zip(starts, words, strict=True)]
    return TextRecord(
        text,
        id=id,
        meta=comments_meta((starts[first], lines) for first, lines in commented),
        spans=tuple(
            SpanRecord(starts[s], ends[e - 1], label, meta=meta) for s, e, label, meta in spans
        ),
        tokens=tuple(map(TokenRecord, starts, ends, sentence_starts)),
    )


def _align_text(sentence: Sentence) -> tuple[list[str], list[bool], list[int]]:
    """Words, whether a space follows each, and the word index of each token of the sentence."""
    if sentence.text is None:
        n_tokens = len(sentence.tokens)
        return list(sentence.tokens), [True] * (n_tokens - 1) + [False], list(range(n_tokens))
    words: list[str] = []
    spaces: list[bool] = []
    positions: list[int] = []
    at = 0
    for i, token in enumerate(sentence.tokens):
        if not sentence.text.startswith(token, at):  # else white space is the token itself
            at = _pass_white_space(sentence.text, at, words, spaces)
        if not sentence.text.startswith(token, at):
            raise _text_error(sentence, f"Token {i + 1}, {token!r}, is not in the text at", at)
        positions.append(len(words))
        words.append(token)
        spaces.append(False)
        at += len(token)
    at = _pass_white_space(sentence.text, at, words, spaces)
    if at < len(sentence.text):
        raise _text_error(sentence, "No token is left for the text at", at)
    return words, spaces, positions


def _pass_white_space(text: str, at: int, words: list[str], spaces: list[bool]) -> int:
    """Where the white space ends that is here."""
    match = _WHITE_SPACE.match(text, at)
    assert match is not None  # an empty run matches too
    add_white_space(match.group(), words, spaces)
    return match.end()


def _text_error(sentence: Sentence, message: str, at: int) -> ValueError:
    return ValueError(
        f"{sentence.where}: {message} character {at}: {(sentence.text or '')[at : at + 30]!r}. "
        "Correct the text or the tokens of this sentence: the tokens must make up the text."
    )
