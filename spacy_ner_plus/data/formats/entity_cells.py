"""What the cells of a table of entities say."""

import json
from collections.abc import Collection, Mapping
from typing import Any

from ...records import STATUSES, TextRecord, keys_of
from .entity_columns import META, RECORD, EntityColumns

OURS = (*keys_of(TextRecord), "other", "schema_version")
_SPAN_KEYS = ("start", "end", "label", "text", "id", "meta", "other")


def span_of(
    row: Mapping[str, str], columns: EntityColumns, of_texts: Collection[str]
) -> dict[str, Any] | None:
    """The entity of a row; None if it has none.

    of_texts (Collection[str]): The columns that say something of its text.
    """
    start, end, label = row[columns.start], row[columns.end], row[columns.label]
    if not (start or end or label):
        return None
    for name, value in ((columns.start, start), (columns.end, end), (columns.label, label)):
        if not value:
            raise ValueError(
                f"{name!r} is empty, and the row has more of an entity: complete it, or leave "
                "out all of it."
            )
    span: dict[str, Any] = {
        "start": _number(columns.start, start),
        "end": _number(columns.end, end),
        "label": label,
    }
    if columns.entity is not None and row[columns.entity]:
        span["text"] = row[columns.entity]
    meta: dict[str, str] = {}
    for name, value in row.items():
        if name in columns.used or name in of_texts or name == RECORD or not value:
            continue
        if name in _SPAN_KEYS or (name == "status" and value not in STATUSES):
            meta[name] = value
        else:
            span |= _of_span(name, value)
    if meta:
        span["meta"] = meta
    return span


def _of_span(name: str, value: str) -> dict[str, Any]:
    """What a column says of an entity, under our names."""
    if name == "span_id":
        return {"id": value}
    if name == "probability":
        try:
            return {name: float(value)}
        except ValueError:
            raise ValueError(f"{name!r} must be a number, got {value!r}.") from None
    return {name: value}


def is_whole(text: str, start: str, end: str) -> bool:
    """Whether a text is as long as the entity: then it is that of the entity."""
    is_known = start.isdecimal() and end.isdecimal()
    return is_known and len(text) == int(end) - int(start)


def _number(name: str, value: str) -> int:
    """Spreadsheets and pandas write 12.0 where other rows have none."""
    digits = value.strip().removesuffix(".0")
    if not digits.isdecimal():
        raise ValueError(f"{name!r} must be a whole number of characters, got {value!r}.")
    return int(digits)


def as_object(value: str) -> dict[str, Any]:
    """What the cell of meta says."""
    if not value:
        return {}
    try:
        found = json.loads(value)
    except ValueError:
        return {META: value}
    return found if isinstance(found, dict) else {META: value}
