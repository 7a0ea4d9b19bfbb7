"""What doccano exports and imports: JSON lines of texts with labels, or entities and relations.

`label` has [start, end, label] of each entity; a project with relations has `entities`, objects
with `start_offset` and `end_offset`, and `relations` from one's id to another's. Older versions say
`labels` or `annotations`, and `data` for the text. All else in a row, such as `Comments` and the
columns that were imported, is kept, and comes out again.
"""

from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryFile
from typing import Any, ClassVar

from ...records import VERSION, RelationRecord, SpanRecord, TextRecord
from ..sources.json_values import json_values
from ..sources.text_inputs import read_json
from .form import Format, Sample
from .json_rows import (
    bare_row,
    dumped,
    free_ids,
    object_at,
    objects_at,
    text_at,
    with_free,
    write_rows,
)
from .offset_rows import LABELS, LabelUse, as_span, holds_spans, with_our_names
from .offset_units import CHARACTERS, from_characters
from .tool_records import ToolRecords
from .written import Written, among

TEXT, LABEL, ENTITIES, RELATIONS = "text", "label", "entities", "relations"
# Where a project without relations, or with them, has its spans, in any version.
_TEXTS = (TEXT, "data")
_KEYS = (*LABELS, ENTITIES, "annotations")
FORMS = ("labels", "relations")
# The id of a span or relation that is no number, which doccano's must be.
SOURCE_ID = "source_id"


@dataclass
class DoccanoRecords(ToolRecords):
    """The rows of a file; see ToolRecords.

    text_field (str), label_field (str): The keys of the text and of its entities, if they are
        others than doccano's own.
    """

    # Characters, or what looks like one, as a project has it; versions differ on emoji.
    unit: ClassVar[str | None] = None

    text_field: str | None = None
    label_field: str | None = None

    def entries(self) -> Iterator[tuple[str, Any]]:
        """See ToolRecords.entries."""
        uses = LabelUse()
        for where, value in json_values(self.path):
            if isinstance(value, dict) and self.label_field is None:
                uses.check(where, value)
            yield where, value

    def row(self, entry: Any, counts: Counter[str]) -> dict[str, Any]:
        """See ToolRecords.row."""
        row = dict(object_at(entry, "a row"))
        text_field = self.text_field or next((key for key in _TEXTS if key in row), TEXT)
        if text_field not in row:
            raise ValueError(
                f"a row must have {text_field!r}, its text, got {', '.join(row) or 'no keys'}: "
                "give text_field, and label_field for its entities."
            )
        text = text_at(row, text_field)
        del row[text_field]
        key = self.label_field or _key_of_labels(row)
        if key is None or row.get(key) is None:
            counts["rows without labels, taken for unknown"] += 1
            return row | {TEXT: text}
        row = with_our_names(row, key)
        spans = row.pop(key)
        if not isinstance(spans, list):
            raise ValueError(f"{key} must be a list, got {str(spans)[:80]}.")
        read = [_span(f"{key}[{i}]", one) for i, one in enumerate(spans)]
        relations = [dict(one) for one in objects_at(row, RELATIONS)]
        ids = {one["id"]: one[SOURCE_ID] for one in read if SOURCE_ID in one and "id" in one}
        for relation in relations:
            relation |= {
                end: ids.get(relation[end], relation[end])
                for end in ("head", "tail")
                if isinstance(relation.get(end), (str, int))
            }
        for one in [*read, *relations]:
            if SOURCE_ID in one:
                one["id"] = one.pop(SOURCE_ID)
        return row | {TEXT: text, "spans": read, RELATIONS: relations}


def _key_of_labels(row: dict[str, Any]) -> str | None:
    """Where the entities of a row are; other exports of doccano leave one of two lists empty."""
    found = [key for key in _KEYS if key in row and row[key] is not None]
    found = [key for key in found if holds_spans(key, row[key])]
    full = [key for key in found if row[key]]
    if len(full) > 1:
        raise ValueError(
            f"it has entities under {' and '.join(map(repr, full))}: give label_field, the one "
            "that is meant."
        )
    return next(iter([*full, *found]), None)


def _span(name: str, value: Any) -> dict[str, Any]:
    span = dict(object_at(as_span(name, value), name))
    if type(span.get("label")) is int:
        raise ValueError(
            f"{name}: its label is the number {span['label']}, as doccano exported them before "
            "1.0: export JSONL with text labels."
        )
    return span


def write_doccano(
    records: Iterable[TextRecord],
    path: Path,
    form: str | None = None,
    text_field: str = TEXT,
    label_field: str = LABEL,
    offsets: str = CHARACTERS,
) -> Written:
    """Write records as doccano imports them.

    form (str): "labels": entities as [start, end, label]. "relations": with entities and relations.
        None: with relations, if any record has some.
    text_field (str), label_field (str): The keys of the text and, in form "labels", its entities.
    offsets (str): The unit of offsets, one of UNITS.
    RAISES (ValueError): There is no such form.
    """
    if form not in (None, *FORMS):
        raise ValueError(f"form {form!r} must be one of {', '.join(FORMS)}.")

    def written(records: Iterable[TextRecord], form: str) -> Written:
        def rows(record: TextRecord, lost: Counter[str]) -> Iterator[dict[str, Any]]:
            row = _as_row(record, form, text_field, label_field, offsets, lost)
            yield with_free(row, record.other, "", lost)

        return write_rows(records, path, rows)

    if form is not None:
        return written(records, form)
    with TemporaryFile() as spool:  # until it is known whether any has relations
        has_relations = False
        for record in records:
            has_relations |= record.relations != ()
            spool.write(dumped(record.to_json()).encode("utf8") + b"\n")
        spool.seek(0)
        again = (TextRecord.from_json(read_json(line)) for line in spool)
        return written(again, FORMS[has_relations])


def _as_row(
    record: TextRecord,
    form: str,
    text_field: str,
    label_field: str,
    offsets: str,
    lost: Counter[str],
) -> dict[str, Any]:
    """Of spans that are no entities, doccano would say that they are: they are left out."""
    entities = tuple(span for span in record.spans or () if span.is_accepted)
    unknown = [list(one) for one in record.unknown]
    for span in record.spans or ():
        if span.status == "ignored":
            unknown.append([span.start, span.end])
        if not span.is_accepted:
            lost[f"{span.status} spans"] += 1
    relations = among(record.relations, entities)
    lost["relations of spans that are no entities"] += len(record.relations) - len(relations)
    ids = _numbered(entities)
    row: dict[str, Any] = {text_field: record.text}
    moved = from_characters(
        {
            TEXT: record.text,
            "spans": [span.to_json() for span in entities],
            "tokens": [token.to_json() for token in record.tokens or ()],
            "unknown": unknown,
            "blocked": [list(one) for one in record.blocked],
        },
        offsets,
    )
    places = [(one["start"], one["end"]) for one in moved["spans"]]
    placed = list(zip(entities, places, strict=True))
    if record.spans is not None and form == "labels":
        row[label_field] = [[start, end, span.label] for span, (start, end) in placed]
        lost.update(_lost_of(placed))
        lost["relations"] += len(relations)
    elif record.spans is not None:
        row[ENTITIES] = [_entity(span, place, ids, lost) for span, place in placed]
        row[RELATIONS] = [_relation(one, ids, lost) for one in relations]
    row |= bare_row(record, TEXT, "spans", RELATIONS, "tokens", "unknown", "blocked")
    if record.tokens is not None:
        row["tokens"] = moved["tokens"]
    return row | {key: moved[key] for key in ("unknown", "blocked") if moved[key]}


def _lost_of(placed: list[tuple[SpanRecord, tuple[int, int]]]) -> Iterator[str]:
    for span, _ in placed:
        yield from (
            f"{key} of spans" for key in span.to_json() if key not in ("start", "end", LABEL, TEXT)
        )


def _numbered(entities: Iterable[SpanRecord]) -> dict[Any, int]:
    """The number of each id that is none: those of doccano are numbers."""
    ids = dict.fromkeys(span.id for span in entities if span.id is not None)
    free = free_ids(ids)
    return {id: next(free) for id in ids if not isinstance(id, int) or id < 0}


def _entity(
    span: SpanRecord, place: tuple[int, int], ids: dict[Any, int], lost: Counter[str]
) -> dict[str, Any]:
    row = {key: one for key, one in span.to_json().items() if key not in span.other}
    row = _with_number(row, ids.get(span.id))
    row |= {"start_offset": place[0], "end_offset": place[1]}
    del row["start"], row["end"]
    return with_free(row, span.other, " of spans", lost)


def _relation(relation: RelationRecord, ids: dict[Any, int], lost: Counter[str]) -> dict[str, Any]:
    row = {key: one for key, one in relation.to_json().items() if key not in relation.other}
    head, tail = row.pop("head"), row.pop("tail")
    row |= {"from_id": ids.get(head, head), "to_id": ids.get(tail, tail), "type": row.pop(LABEL)}
    if isinstance(row.get("id"), str):
        row[SOURCE_ID] = row.pop("id")
    return with_free(row, relation.other, " of relations", lost)


def _with_number(row: dict[str, Any], number: int | None) -> dict[str, Any]:
    return row if number is None else row | {"id": number, SOURCE_ID: row["id"]}


def _recognises(sample: Sample) -> bool:
    value = sample.value
    if not isinstance(value, dict) or VERSION in value:
        return False
    if not any(isinstance(value.get(key), str) for key in _TEXTS):
        return False
    entities = value.get(ENTITIES)
    if isinstance(entities, list) and entities:
        return isinstance(entities[0], dict) and "start_offset" in entities[0]
    annotations = value.get("annotations")
    if isinstance(annotations, list) and annotations:
        return isinstance(annotations[0], dict) and "start_offset" in annotations[0]
    label = value.get(LABEL, value.get("labels"))
    is_listed = isinstance(label, list) and all(
        isinstance(one, list) and len(one) == 3 for one in label
    )
    return is_listed and (label != [] or "Comments" in value)


FORMAT = Format((), DoccanoRecords, write_doccano, _recognises)
