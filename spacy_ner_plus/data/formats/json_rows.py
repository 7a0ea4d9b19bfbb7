"""What writers of tools' JSON have in common: a row a record, and keys that tools leave free."""

import json
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping
from itertools import count
from pathlib import Path
from typing import Any

from ...records import TextRecord, keys_of
from .written import Written

LINES, LIST = "lines", "list"
_ENCODER = json.JSONEncoder(ensure_ascii=False, allow_nan=False)

Rows = Callable[[TextRecord, "Counter[str]"], Iterable[Any]]
"""The rows that a record becomes. What they have no place for is counted, by name."""


def write_rows(
    records: Iterable[TextRecord],
    path: Path,
    rows_of: Rows,
    container: str = LINES,
    rest: Callable[[], Iterable[Any]] = tuple,
) -> Written:
    """Write the rows of records.

    rows_of (Rows): The rows of a record.
    container (str): "lines": a row a line. "list": one JSON list, a row a line too.
    rest (Callable): The rows that are left in the end, if `rows_of` keeps some back.
    RAISES (ValueError): A record that can't be written, with its number and text, and why.
    """
    if container not in (LINES, LIST):
        raise ValueError(f"container {container!r} must be {LINES!r} or {LIST!r}.")
    lost: Counter[str] = Counter()
    n_records = 0

    def rows() -> Iterator[Any]:
        nonlocal n_records
        for n_records, record in enumerate(records, start=1):
            try:
                yield from list(rows_of(record, lost))
            except ValueError as error:
                raise ValueError(f"Record {n_records}, {record.text[:60]!r}: {error}") from None
        yield from rest()

    with path.open("w", encoding="utf8", newline="\n") as file:
        if container == LINES:
            file.writelines(f"{dumped(row)}\n" for row in rows())
        else:
            edge = "[\n"
            for row in rows():
                file.write(edge + dumped(row))
                edge = ",\n"
            file.write("[]\n" if edge == "[\n" else "\n]\n")
    return Written(n_records, +lost)


def dumped(row: Any) -> str:
    """A row as a line of JSON."""
    return _ENCODER.encode(row)


def bare_row(record: TextRecord, *without: str) -> dict[str, Any]:
    """A record's own row without some of its keys, and without those that the schema does not know.

    without (str): Such as "spans".
    """
    row = record.to_json()
    return {key: row[key] for key in keys_of(TextRecord) if key in row and key not in without}


def with_free(
    row: dict[str, Any], other: Mapping[str, Any], of: str, lost: Counter[str]
) -> dict[str, Any]:
    """A row with the keys that a tool or person gave it, unless the tool says something by them.

    of (str): What the row is, such as " of spans", for the names of what is lost.
    """
    for key, value in other.items():
        if key in row:
            lost[f"{key}{of}"] += 1
        else:
            row[key] = value
    return row


def object_at(value: Any, what: str) -> dict[str, Any]:
    """RAISES ValueError: If it is no JSON object.

    what (str): Such as "spans[3]".
    """
    if not isinstance(value, dict):
        raise ValueError(f"{what} must be an object, got {str(value)[:80]}.")
    return value


def text_at(row: Mapping[str, Any], key: str = "text") -> str:
    """The text of a row. RAISES ValueError: It has none, or it is no string."""
    text = row.get(key)
    if isinstance(text, str):
        return text
    if text is None:
        raise ValueError(f"{key} must be given, got {str(dict(row))[:80]}.")
    raise ValueError(f"{key} must be a string, got {str(text)[:80]}.")


def list_at(row: Mapping[str, Any], key: str) -> list[Any]:
    """The list under a key, empty if there is none or null. RAISES ValueError: It is no list."""
    value = row.get(key)
    if value is None:
        return []
    if not isinstance(value, list):
        raise ValueError(f"{key} must be a list, got {str(value)[:80]}.")
    return value


def objects_at(row: Mapping[str, Any], key: str) -> Iterator[dict[str, Any]]:
    """The objects in the list under a key. RAISES ValueError: It is no list of objects."""
    for i, one in enumerate(list_at(row, key)):
        yield object_at(one, f"{key}[{i}]")


def free_ids(taken: Iterable[Any]) -> Iterator[int]:
    """Numbers from 0 that are no id yet."""
    known = set(taken)
    return (number for number in count() if number not in known)
