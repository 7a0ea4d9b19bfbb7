"""Why a span does not start or end where a token does: by the characters at its edge."""

from collections.abc import Iterable, Iterator

from ..records import SpanRecord
from .audited import AuditedText
from .odd_characters import character_name

SPACE_WITHIN, IN_WORD, LETTER_DIGIT = "white space at the edge", "within a word", "letter and digit"


def edges_off(text: AuditedText, spans: Iterable[SpanRecord]) -> Iterator[tuple[str, SpanRecord]]:
    """Each edge of spans that is at no edge of a token: why, in words, and the span."""
    starts = {token.idx for token in text.doc}
    ends = {token.idx + len(token) for token in text.doc}
    chars = text.record.text
    for span in spans:
        if span.start not in starts or chars[span.start].isspace():
            yield _why(chars, span.start, is_start=True), span
        if span.end not in ends or chars[span.end - 1].isspace():
            yield _why(chars, span.end, is_start=False), span


def _why(text: str, at: int, *, is_start: bool) -> str:
    """What is at an edge: the mark on either side of it, that outside first."""
    before, after = text[at - 1 : at], text[at : at + 1]
    outside, inside = (before, after) if is_start else (after, before)
    if inside.isspace():
        return SPACE_WITHIN
    for char in (outside, inside):
        if char and not char.isalnum() and not char.isspace():
            return character_name(char)
    return IN_WORD if before.isalpha() == after.isalpha() else LETTER_DIGIT
