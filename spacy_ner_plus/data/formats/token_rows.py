"""Rows of JSON that have tokens instead of a text: their texts, and their spans in tokens.

Tokens are joined by single spaces, as in column files (see column_records), unless the row has its
text too. A record whose text or tokens that would not give again is written with its `text`, and
with `token_starts` where tokens of white space leave it open; tools pass over both.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import accumulate
from typing import TYPE_CHECKING, Any

from ...records import SpanRecord, TextRecord, TokenRecord
from .json_rows import object_at
from .offset_units import CHARACTERS
from .tool_records import ToolRecords

if TYPE_CHECKING:
    from spacy.language import Language

TEXT, STARTS, SENTENCE_STARTS = "text", "token_starts", "sentence_starts"


@dataclass
class TokenRecords(ToolRecords):
    """Rows whose offsets are numbers of tokens; see ToolRecords.

    RAISES (ValueError): A unit of offsets is given.
    """

    def __post_init__(self) -> None:
        if self.offsets is not None:
            raise ValueError(
                f"{self.path} has tokens instead of offsets: leave {self.offsets!r} out."
            )
        self.offsets = CHARACTERS  # of the texts that are made of tokens


class TextError(ValueError):
    """Tokens are not those of a text."""


def take_words(entry: Any, key: str) -> tuple[dict[str, Any], Any]:
    """A row without its tokens, which are under a key, and these. RAISES (ValueError): It has none.

    They are as they stand there: see read_tokens.
    """
    row = dict(object_at(entry, "a row"))
    if key not in row:
        raise ValueError(f"a row must have {key}, got {str(row)[:80]}.")
    return row, row.pop(key)


def read_tokens(
    words: Any, row: dict[str, Any], key: str, *, is_sentence: bool
) -> tuple[str, list[dict[str, Any]]]:
    """The text of a row, and its tokens as rows of our schema.

    words: What the row has as its tokens. key (str): Where it has them.
    row (Dict[str, Any]): What is read from it is taken out of it.
    is_sentence (bool): Whether it is a sentence, if it says nothing else.
    RAISES (ValueError): They are no tokens, or not those of the text.
    """
    if not isinstance(words, list) or not all(isinstance(word, str) for word in words):
        raise ValueError(f"{key} must be a list of strings, got {str(words)[:80]}.")
    if "" in words:
        raise ValueError(f"{key}[{words.index('')}] is empty: take it out, and count spans anew.")
    text, starts = row.pop(TEXT, None), row.pop(STARTS, None)
    sentences = row.pop(SENTENCE_STARTS, None)
    if text is not None and not isinstance(text, str):
        raise ValueError(f"{TEXT} must be a string, got {str(text)[:80]}.")
    if text is None:
        text, places = _joined(words)
    elif starts is None:
        places = places_in(text, words)
    else:
        places = [(at, at + len(word)) for at, word in zip(starts, words, strict=True)]
    if sentences is None:
        sentences = _default(len(places), is_sentence)
    return text, [
        {"start": start, "end": end, "sentence_start": is_start}
        for (start, end), is_start in zip(places, sentences, strict=True)
    ]


def _default(n_tokens: int, is_sentence: bool) -> list[bool | None]:
    return [is_first if is_sentence else None for is_first in [True, *[False] * n_tokens]][
        :n_tokens
    ]


def _joined(words: list[str]) -> tuple[str, list[tuple[int, int]]]:
    ends = list(accumulate(len(word) + 1 for word in words))
    places = [(end - len(word) - 1, end - 1) for word, end in zip(words, ends, strict=True)]
    return " ".join(words), places


def places_in(text: str, words: Sequence[str]) -> list[tuple[int, int]]:
    """Where tokens are in their text, from left to right; white space may be between them.

    RAISES (TextError): They don't make up the text.
    """
    places, at = [], 0
    for i, word in enumerate(words):
        if not text.startswith(word, at):
            at += len(text[at:]) - len(text[at:].lstrip())
        if not text.startswith(word, at):
            raise TextError(
                f"token {i}, {word!r}, is not in the text at character {at}: "
                f"{text[at : at + 30]!r}. The tokens must make up the text: correct one of them."
            )
        places.append((at, at + len(word)))
        at += len(word)
    if rest := text[at:].strip():
        raise TextError(f"no token holds {rest[:60]!r} at the end of the text: add them.")
    return places


def write_tokens(record: TextRecord, *, is_sentence: bool) -> tuple[list[str], dict[str, Any]]:
    """The tokens of a record that has some, and the keys that say what they don't.

    is_sentence (bool): See read_tokens.
    """
    tokens = record.tokens or ()
    places = [(token.start, token.end) for token in tokens]
    words = [record.text[start:end] for start, end in places]
    row: dict[str, Any] = {}
    if _joined(words) != (record.text, places):
        row[TEXT] = record.text
        if found_places(record.text, words) != places:
            row[STARTS] = [start for start, _ in places]
    sentence_starts = [token.sentence_start for token in tokens]
    if sentence_starts != _default(len(tokens), is_sentence):
        row[SENTENCE_STARTS] = sentence_starts
    return words, row


def found_places(text: str, words: Sequence[str]) -> list[tuple[int, int]] | None:
    """Where a reader finds tokens in their text; None if it doesn't.

    White space may be taken for a token of white space further on.
    """
    try:
        return places_in(text, words)
    except TextError:
        return None


def tokenized(record: TextRecord, nlp: "Language | None", what: str) -> TextRecord:
    """A record with tokens.

    nlp (Language): Its tokenizer cuts the text, if the record has none.
    what (str): The format, in the plural.
    RAISES (ValueError): It has none, and there is no tokenizer.
    """
    if record.tokens is not None:
        return record
    if nlp is None:
        raise ValueError(
            f"it has no tokens, of which {what} are made: give nlp, a pipeline whose tokenizer "
            "makes them, or write .jsonl."
        )
    doc = nlp.make_doc(record.text)
    tokens = tuple(TokenRecord(one.idx, one.idx + len(one)) for one in doc)
    return replace(record, tokens=tokens)


class TokensOfSpans:
    """The tokens of a record by where they start and end."""

    def __init__(self, record: TextRecord) -> None:
        self._firsts = {token.start: i for i, token in enumerate(record.tokens or ())}
        self._lasts = {token.end: i for i, token in enumerate(record.tokens or ())}

    def find(self, span: SpanRecord) -> tuple[int, int] | None:
        """The first and the last token of a span; None if it is not on token boundaries."""
        first, last = self._firsts.get(span.start), self._lasts.get(span.end)
        return None if first is None or last is None else (first, last)

    def tokens(self, span: SpanRecord) -> tuple[int, int]:
        """The same. RAISES ValueError: It is not on token boundaries."""
        if (found := self.find(span)) is None:
            raise ValueError(
                f"{span.label} at characters {span.start}-{span.end} is not on token boundaries. "
                "Correct it, or write .jsonl, which holds all."
            )
        return found


def place_of(
    tokens: list[dict[str, Any]], first: Any, last: Any, name: str, counted: str
) -> tuple[int, int]:
    """The characters from a token to another, which is part of them.

    counted (str): How the tool counts, for the error: "its end is inclusive".
    RAISES (ValueError): They are no tokens of the text.
    """
    if type(first) is type(last) is int and 0 <= first <= last < len(tokens):
        return tokens[first]["start"], tokens[last]["end"]
    raise ValueError(
        f"{name} is not within the {len(tokens)} tokens of the text, which are counted from 0; "
        f"{counted}."
    )
