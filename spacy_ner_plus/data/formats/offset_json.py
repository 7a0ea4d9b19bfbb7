"""Texts with character offsets as people write them for spaCy and others: read and written.

    {"text": "Aspirin helps.", "entities": [[0, 7, "Chemical"]]}
    {"text": "Aspirin helps.", "entities": [{"start": 0, "end": 7, "label": "Chemical"}]}
    ["Aspirin helps.", {"entities": [[0, 7, "Chemical"]]}]

The last is spaCy 2's. Lines, or the elements of one list. Other programs know nothing of what is
missing, rejected or ignored there, so none of it is written.
"""

from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from itertools import chain
from pathlib import Path
from typing import Any, ClassVar

from ...records import TextRecord
from ..sources.json_values import json_values
from ..sources.rows import RowError
from ..sources.text_inputs import numbered_lines, read_json
from .complete import check_complete
from .form import Format, Sample
from .json_rows import LINES, bare_row, text_at, with_free, write_rows
from .offset_rows import ANSWER, KEYS, NO_ANSWERS, SPANS, LabelUse, as_object, holds_spans, own_row
from .offset_units import CHARACTERS, from_characters
from .tool_records import ToolRecords
from .written import Written, among

TRIPLES, OBJECTS, PAIRS = "triples", "objects", "pairs"
SHAPES = (TRIPLES, OBJECTS, PAIRS)


@dataclass
class OffsetRecords(ToolRecords):
    """The rows of a file, in any of these shapes; see ToolRecords."""

    unit: ClassVar[str | None] = None

    def entries(self) -> Iterator[tuple[str, Any]]:
        """See ToolRecords.entries."""
        uses = LabelUse()
        for where, value in _values(self.path):
            if isinstance(value, (dict, list)):
                try:
                    uses.check(where, as_object(value))
                except ValueError:
                    if isinstance(value, dict):
                        raise
            yield where, value

    def row(self, entry: Any, counts: Counter[str]) -> dict[str, Any]:
        """See ToolRecords.row."""
        row, _, form = own_row(entry)
        text_at(row)
        counts[form] += 1
        return row


def _values(path: Path) -> Iterator[tuple[str, Any]]:
    """A file whose first line is a pair of spaCy 2 has a row a line, and is not one list."""
    lines = ((n, line) for n, line in numbered_lines(path) if line.strip())
    first = next(lines, (0, b""))
    if not _is_pair_line(first[1]):
        yield from json_values(path)
        return
    for number, line in chain([first], lines):
        yield f"{path}, line {number}", read_json(line)


def _is_pair_line(line: bytes) -> bool:
    try:
        return is_pair(read_json(line))
    except RowError:
        return False


def is_pair(value: Any) -> bool:
    """Whether it is a row of spaCy 2: a text and an object."""
    is_list = isinstance(value, list) and len(value) == 2
    return is_list and isinstance(value[0], str) and isinstance(value[1], dict)


def write_offsets(
    records: Iterable[TextRecord],
    path: Path,
    shape: str = TRIPLES,
    key: str = "entities",
    offsets: str = CHARACTERS,
    container: str = LINES,
) -> Written:
    """Write records as texts with character offsets.

    shape (str): "triples": entities as [start, end, label]. "objects": with start, end, label and
        what else is known. "pairs": rows of the text and an object with triples.
    key (str): Where entities are, one of KEYS.
    offsets (str): The unit of offsets, one of UNITS.
    container (str): "lines": a row a line. "list": one JSON list.
    RAISES (ValueError): There is no such shape or key; a record whose annotation is not complete.
    """
    for name, value, known in (("shape", shape, SHAPES), ("key", key, KEYS)):
        if value not in known:
            raise ValueError(f"{name} {value!r} must be one of {', '.join(known)}.")

    def rows(record: TextRecord, lost: Counter[str]) -> Iterator[Any]:
        row = _as_row(record, key, shape, offsets, lost)
        yield [row.pop("text"), row] if shape == PAIRS else row

    return write_rows(records, path, rows, container)


def _as_row(
    record: TextRecord, key: str, shape: str, offsets: str, lost: Counter[str]
) -> dict[str, Any]:
    if record.spans is not None:
        check_complete(record, "such rows")
    entities = tuple(span for span in record.spans or () if span.is_accepted)
    relations = among(record.relations, entities)
    lost["rejected spans"] += len(record.spans or ()) - len(entities)
    lost["relations of rejected spans"] += len(record.relations) - len(relations)
    spans = [span.to_json() for span in entities]
    if shape != OBJECTS:
        lost.update(f"{name} of spans" for span in spans for name in span if name not in _HELD)
        lost["relations"] += len(relations)
        relations = ()
    bare = replace(record, spans=None if record.spans is None else entities, relations=relations)
    row = from_characters(bare_row(bare), offsets)
    if record.spans is not None:
        places = row.pop("spans")
        if shape != OBJECTS:
            places = [[one["start"], one["end"], one["label"]] for one in places]
        row = {"text": row.pop("text"), key: places, **row}
    return with_free(row, _sayable(record, key, lost), "", lost)


_HELD = ("start", "end", "label", "text")


def _sayable(record: TextRecord, key: str, lost: Counter[str]) -> dict[str, Any]:
    """Keys of the record that a reader would not take for its annotation."""
    kept = {}
    for name, value in record.other.items():
        is_annotation = (name in KEYS and holds_spans(name, value)) or (
            name == ANSWER and value in NO_ANSWERS
        )
        if is_annotation:
            lost[name] += 1
        else:
            kept[name] = value
    return kept


def _recognises(sample: Sample) -> bool:
    """One list of rows; rows on lines, pairs too, are found by the format jsonl."""
    value = sample.value
    if is_pair(value):
        return True
    if not isinstance(value, dict) or not isinstance(value.get("text"), str):
        return False
    if bool(sample.lines) and sample.lines[0].lstrip().startswith("["):
        return True
    spans = value.get(SPANS)
    if isinstance(spans, list):  # objects are our own records
        return any(isinstance(span, list) for span in spans)
    return any(holds_spans(key, value.get(key)) for key in KEYS)


FORMAT = Format((), OffsetRecords, write_offsets, _recognises)
