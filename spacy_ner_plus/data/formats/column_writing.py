"""Records as column files: tokens and BIO tags."""

from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path

from ...records import SpanRecord, TextRecord, TokenRecord, keys_of
from .complete import open_places
from .written import Written, keys_of_tokens

WRITTEN_LAYOUTS = ("tsv", "uner")
# Of records and of spans: what columns hold, or what is refused where they would say otherwise.
_HELD = ("text", "spans", "tokens", "unknown", "annotated_labels")
_HELD_OF_SPANS = ("start", "end", "label", "text", "status")


@dataclass(frozen=True)
class _Sentence:
    """words: its tokens but white space. tags: as many. text: from its first token to its last."""

    words: list[str]
    tags: list[str]
    text: str


def write_columns(records: Iterable[TextRecord], path: Path, layout: str = "tsv") -> Written:
    """Write records as tokens and BIO tags.

    records (Iterable[TextRecord]): With tokens. Those that are white space are left out.
    path (Path): The file.
    layout (str): "tsv": a token and its tag; of the text, white space becomes one space between any
        two tokens. "uner": the text of each sentence too; white space between sentences becomes one
        space.
    RAISES (ValueError): A record of which columns would say something else, and why.
    """
    if layout not in WRITTEN_LAYOUTS:
        raise ValueError(f"Layout {layout!r} can't be written: use one of {WRITTEN_LAYOUTS}.")
    lost: Counter[str] = Counter()
    n_written = 0
    with path.open("w", encoding="utf8", newline="\n") as file:
        for number, record in enumerate(records, start=1):
            try:
                sentences = _sentences(record)
                lines = [line for one in sentences for line in _lines(one, layout)]
            except ValueError as error:
                raise ValueError(f"Record {number}, {record.text[:60]!r}: {error}") from None
            lost.update(_lost(record, sentences, layout))
            if sentences:
                opening = ["# newdoc"] if layout == "uner" else ["-DOCSTART-\tO", ""]
                file.write("\n".join([*opening, *lines]) + "\n")
                n_written += 1
    return Written(n_written, lost)


def _sentences(record: TextRecord) -> list[_Sentence]:
    rows: list[tuple[TokenRecord, str, str]] = []
    starts = []
    is_start = True
    for token, tag in zip(record.tokens or (), _tags(record), strict=True):
        word = record.text[token.start : token.end]
        # one that starts with white space starts with the word behind it
        is_start = is_start or token.sentence_start is True
        if not word.isspace():
            if is_start:
                starts.append(len(rows))
            rows.append((token, word, tag))
            is_start = False
    return [
        _Sentence(
            [word for _, word, _ in rows[first:last]],
            [tag for _, _, tag in rows[first:last]],
            record.text[rows[first][0].start : rows[last - 1][0].end],
        )
        for first, last in pairwise([*starts, len(rows)])
    ]


def _tags(record: TextRecord) -> list[str]:
    """The tag of each token. RAISES ValueError: If columns would say something else."""
    if record.tokens is None:
        raise ValueError(
            "it has no tokens, of which columns are made: write .jsonl, or first a .spacy file, "
            "for which a tokenizer makes them."
        )
    if places := list(open_places(record)):
        raise ValueError(
            f"its annotation is not complete, and columns have no tag for that: "
            f"{', '.join(places)}. Complete it, leave the record out, or write .jsonl or "
            ".spacy."
        )
    firsts = {token.start: i for i, token in enumerate(record.tokens)}
    lasts = {token.end: i for i, token in enumerate(record.tokens)}
    tags = ["O"] * len(record.tokens)
    for span in record.spans or ():
        if not span.is_accepted:  # rejected, so that the tags are what the rest says
            continue
        first, last = firsts.get(span.start), lasts.get(span.end)
        if first is None or last is None:
            raise _refusal(span, "is not on token boundaries")
        if tags[first : last + 1] != ["O"] * (last + 1 - first):
            raise _refusal(span, "overlaps another, which in columns it can't")
        if any(token.sentence_start for token in record.tokens[first + 1 : last + 1]):
            raise _refusal(span, "runs over the start of a sentence, which in columns it can't")
        _check(span.label)
        tags[first : last + 1] = [f"B-{span.label}", *[f"I-{span.label}"] * (last - first)]
        edges = (record.tokens[first], record.tokens[last])
        if any(record.text[token.start : token.end].isspace() for token in edges):
            raise _refusal(span, "starts or ends on a white space token, which is left out")
    return tags


def _lines(sentence: _Sentence, layout: str) -> list[str]:
    for word in sentence.words:
        _check(word)
        if word != word.strip() or word == "-DOCSTART-":
            raise ValueError(f"columns can't hold the token {word!r}.")
    rows = zip(sentence.words, sentence.tags, strict=True)
    if layout == "tsv":
        return [*(f"{word}\t{tag}" for word, tag in rows), ""]
    _check(sentence.text, "\r\n")
    numbered = (f"{i}\t{word}\t{tag}" for i, (word, tag) in enumerate(rows, start=1))
    return [f"# text = {sentence.text}", *numbered, ""]


def _lost(record: TextRecord, sentences: list[_Sentence], layout: str) -> list[str]:
    """What a record has and columns have not, by name."""
    parts = (s.text if layout == "uner" else " ".join(s.words) for s in sentences)
    lost = [] if " ".join(parts) == record.text else ["white space"]
    lost += ["records without tokens"] * (not sentences)
    row = record.to_json()
    lost += [key for key in keys_of(TextRecord) if key not in _HELD and key in row]
    lost += _lost_starts(record)
    lost += keys_of_tokens(record)
    for span in record.spans or ():
        lost += [f"{key} of spans" for key in span.to_json() if key not in _HELD_OF_SPANS]
        lost += [f"{span.status} spans"] * (not span.is_accepted)
    return lost + sorted(record.other)


def _lost_starts(record: TextRecord) -> Iterator[str]:
    """Columns say of each word whether a sentence starts with it, and that one does with the first.

    White space before a word is part of it, as in _sentences.
    """
    is_first, known = True, []
    for token in record.tokens or ():
        known.append(token.sentence_start)
        if not record.text[token.start : token.end].isspace():
            if is_first and True not in known and False in known:
                yield "first words that start no sentence"
            elif not is_first and True not in known and None in known:
                yield "unknown sentence starts"
            is_first, known = False, []


def _check(value: str, forbidden: str = "\t\r\n") -> None:
    if any(char in value for char in forbidden):
        raise ValueError(f"columns can't hold {value!r}, for its tabs or line breaks.")


def _refusal(span: SpanRecord, why: str) -> ValueError:
    return ValueError(
        f"{span.label} at characters {span.start}-{span.end} {why}. Correct it, or write .jsonl, "
        "which holds all."
    )
