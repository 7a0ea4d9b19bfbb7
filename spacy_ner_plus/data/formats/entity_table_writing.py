"""Records as a table with a row an entity."""

import csv
import json
import pickle
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from tempfile import TemporaryFile
from typing import Any

from ...records import SpanRecord, TextRecord, keys_of
from .entity_columns import ANNOTATED, META, OF_SPANS, RECORD
from .written import Written, keys_of_tokens

_ID, _FIXED = "doc_id", ("text", "start", "end", "label", "entity")
_RESERVED = (_ID, *_FIXED, *OF_SPANS, ANNOTATED, META, RECORD, "")
_HELD = ("text", "id", "meta", "spans", "annotated_labels", "unknown")
_HELD_OF_SPANS = ("start", "end", "label", "text", "id", "kb_id", "probability", "status",
                  "grounding")  # fmt: skip


def write_entity_table(
    records: Iterable[TextRecord], path: Path, delimiter: str | None = None
) -> Written:
    """Write a row an entity, and one without for a text that has none.

    records (Iterable[TextRecord]): Entities may nest and overlap.
    path (Path): The file. Cells are quoted as in RFC 4180.
    delimiter (str): Between cells; None for a tab if `.tsv` is among the suffixes, else a comma.
    RAISES (ValueError): A record whose annotation is not complete.
    """
    if delimiter is None:
        delimiter = "\t" if ".tsv" in path.suffixes else ","
    lost: Counter[str] = Counter()
    columns: dict[str, None] = {}
    n_records, keys, is_clear = 0, set(), True
    with TemporaryFile() as spool:  # the columns are known in the end
        for number, record in enumerate(records, start=1):
            try:
                rows = list(_rows(record, lost))
            except ValueError as error:
                raise ValueError(f"Record {number}, {record.text[:60]!r}: {error}") from None
            columns.update(dict.fromkeys(name for row in rows for name in row))
            key = hash((rows[0].get(_ID), record.text))
            is_clear, n_records = is_clear and key not in keys, number
            keys.add(key)
            pickle.dump([{RECORD: str(number), **row} for row in rows], spool)
        spool.seek(0)
        names = _ordered(columns, is_clear=is_clear)
        with path.open("w", encoding="utf8", newline="") as file:
            writer = csv.writer(file, delimiter=delimiter, lineterminator="\r\n")
            writer.writerow(names)
            for _ in range(n_records):
                for row in pickle.load(spool):  # our own
                    writer.writerow([row.get(name, "") for name in names])
    return Written(n_records, +lost)


def _ordered(columns: Mapping[str, None], *, is_clear: bool) -> list[str]:
    """The header. Without a number for each record, two with the same text would be one."""
    own = [name for name in (*OF_SPANS, ANNOTATED, META) if name in columns]
    others = [name for name in columns if name not in _RESERVED]
    return [*([] if is_clear else [RECORD]), _ID, *_FIXED, *own, *others]


def _rows(record: TextRecord, lost: Counter[str]) -> Iterator[dict[str, str]]:
    if record.unknown or record.annotated_labels is not None:
        what = "stretches are unknown" if record.unknown else "it is annotated for some types only"
        raise ValueError(
            f"its annotation is not complete, and a table of entities has no place for that: {what}"
            ". Complete it, leave the record out, or write .jsonl."
        )
    lost.update(_lost(record))
    common = {"text": record.text}
    if record.id not in (None, ""):
        common[_ID] = _cell("id", record.id, lost)
    if record.spans is None:
        common[ANNOTATED] = "no"
    if record.meta:
        common[META] = json.dumps(record.meta, ensure_ascii=False)
    for name, value in record.other.items():
        if name not in _RESERVED and value != "":
            common[name] = _cell(name, value, lost)
    for span in record.spans or ():
        yield common | _of_span(span, record.text, lost)
    if not record.spans:
        yield common


def _of_span(span: SpanRecord, text: str, lost: Counter[str]) -> dict[str, str]:
    row = {"start": str(span.start), "end": str(span.end), "label": span.label}
    row["entity"] = text[span.start : span.end]
    if span.id not in (None, ""):
        row["span_id"] = _cell("id of spans", span.id, lost)
    if span.probability is not None:
        row["probability"] = repr(float(span.probability))
    for name in ("kb_id", "status", "grounding"):
        if value := getattr(span, name):
            row[name] = value
    return row


def _cell(name: str, value: Any, lost: Counter[str]) -> str:
    """A value as text. What it was, a table does not say."""
    if isinstance(value, str):
        return value
    lost[f"type of {name}"] += 1
    return json.dumps(value, ensure_ascii=False)


def _lost(record: TextRecord) -> Iterator[str]:
    row = record.to_json()
    yield from (key for key in keys_of(TextRecord) if key not in _HELD and key in row)
    yield from keys_of_tokens(record)
    yield from (key or "a column without name" for key in _left_out(record.other))
    if record.id == "":
        yield "id"
    for span in record.spans or ():
        yield from (f"{key} of spans" for key in span.to_json() if key not in _HELD_OF_SPANS)
        empty = [name for name in ("id", "kb_id", "grounding") if getattr(span, name) == ""]
        yield from (f"{name} of spans" for name in empty)


def _left_out(other: Mapping[str, Any]) -> Sequence[str]:
    return [key for key, value in other.items() if key in _RESERVED or value == ""]
