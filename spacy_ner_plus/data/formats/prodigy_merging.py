"""Several decisions about one text as one record, and back."""

from collections.abc import Sequence
from dataclasses import replace
from typing import Any
from zlib import crc32

from ...records import SpanRecord, TextRecord, keys_of
from .prodigy_answers import beside

INPUT, ANNOTATORS = "_input_hash", ("_annotator_id", "_session_id")


def annotator_of(record: TextRecord) -> Any:
    """Who answered, if the row says it."""
    return next((name for key in ANNOTATORS if (name := record.other.get(key)) is not None), None)


def input_of(record: TextRecord) -> Any:
    """What tells that rows are about the same text."""
    return record.other.get(INPUT, record.text)


def belong_together(one: TextRecord, other: TextRecord) -> bool:
    """Whether the decisions of two records are about the same text, by the same annotator."""
    return (
        INPUT in one.other
        and input_of(one) == input_of(other)
        and annotator_of(one) == annotator_of(other)
        and one.text == other.text
        and one.id == other.id
        and one.tokens == other.tokens
        and one.annotated_labels == other.annotated_labels
        and one.blocked == other.blocked
        and not one.relations
        and not other.relations
    )


def joined(records: Sequence[TextRecord]) -> TextRecord | None:
    """Decisions that belong together as one record.

    What their rows say alike is the record's; what they don't, such as `_task_hash`, is their
    spans'. None if spans say something else by the same keys.
    """
    first = records[0]
    if len(records) == 1:
        return first
    other = _shared([one.other for one in records])
    meta = first.meta if all(one.meta == first.meta for one in records) else {}
    spans: list[SpanRecord] = []
    for one in records:
        rest = {key: value for key, value in one.other.items() if key not in other}
        rest_of_meta = {} if one.meta == meta else one.meta
        for span in one.spans or ():
            taken = {*span.other, *keys_of(SpanRecord)}
            if not taken.isdisjoint(rest) or not span.meta.keys().isdisjoint(rest_of_meta):
                return None
            spans.append(
                replace(span, other={**span.other, **rest}, meta={**span.meta, **rest_of_meta})
            )
    if other.get(INPUT) in own_hashes(first.text):
        del other[INPUT]
    unknown = beside(spans, len(first.text))
    return replace(first, spans=tuple(spans), unknown=unknown, meta=meta, other=other)


def _shared(objects: Sequence[dict[str, Any]]) -> dict[str, Any]:
    return {
        key: value
        for key, value in objects[0].items()
        if all(key in one and one[key] == value for one in objects)
    }


def apart(record: TextRecord, *, rows_of_keys: bool) -> list[TextRecord]:
    """A record as one of each of its spans, without what the answer says of it.

    rows_of_keys (bool): Whether keys of spans that start with "_" are the row's, as in Prodigy.
    """
    parts = []
    for span in record.spans or ():
        moved = {key: one for key, one in span.other.items() if key[:1] == "_" and rows_of_keys}
        if not moved.keys().isdisjoint(record.other):
            moved = {}
        kept = {key: one for key, one in span.other.items() if key not in moved}
        shown = replace(span, status=span.status if span.is_accepted else None, other=kept)
        parts.append(replace(record, spans=(shown,), unknown=(), other={**record.other, **moved}))
    return parts


def own_hashes(text: str) -> tuple[int, int]:
    """Two numbers for a text, as `_input_hash` of rows that belong together and have none."""
    data = text.encode("utf8")
    low, high = (crc32(data + mark) - 2**31 for mark in (b"\0", b"\1"))
    return low, high
