"""JSON Lines as records: our own, and texts with character offsets as people write them.

The entities of a row are under one of KEYS: objects, as docs/records.md has them, or lists of
start, end and label. A row may also be a list of the text and an object, as spaCy 2 had it. Other
keys are kept, but for those of doccano, which get our names, and what Prodigy says of a whole row:
if its answer is "reject" or "ignore", nothing is known about its entities. With a `schema_version`,
a row is a record, whatever other keys it has.
"""

import json
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from ...records import SCHEMA_VERSION, VERSION, TextRecord
from ..sources.json_values import json_rows
from ..sources.rows import RowError
from .repairs import Errors, Repairs, checked
from .written import Written

SPANS = "spans"
LABELS = ("label", "labels")
KEYS = (SPANS, "entities", *LABELS)
# Of Prodigy.
ANSWER = "answer"
NO_ANSWERS = ("reject", "ignore")
# Of doccano.
_SPAN_NAMES = {"start_offset": "start", "end_offset": "end"}
_RELATION_NAMES = {"from_id": "head", "to_id": "tail", "type": "label"}


@dataclass
class JsonLinesRecords:
    """The rows of a .jsonl file, or the elements of a list; blank lines are passed over.

    path (Path): The file.
    lenient (bool): Take white space away around labels and at the edges of spans, and count it.
    counts (Dict[str, int]): How many rows had their entities where, and what was repaired, once
        they were read.
    notes (List[str]): None.
    warnings (List[str]): Where it was repaired.
    """

    path: Path
    lenient: bool = False
    counts: Counter[str] = field(default_factory=Counter, init=False)
    notes: list[str] = field(default_factory=list, init=False)
    warnings: list[str] = field(default_factory=list, init=False)
    _uses: dict[tuple[str, bool], str] = field(default_factory=dict, init=False, repr=False)

    def records(self) -> Iterator[tuple[str, TextRecord]]:
        """Each record, with the file and line where it is.

        RAISES (ValueError): A row is none, with file, line and what to do. All such rows are
            listed.
        """
        repairs = Repairs()
        errors = Errors("rows can't be read")
        for where, value in json_rows(self.path):
            place = where.removeprefix(f"{self.path}, ")
            try:
                if isinstance(value, RowError):
                    raise value
                row = _as_object(value)
                record, form = read_row(row)
                record = checked(record, place, repairs, lenient=self.lenient)
            except ValueError as error:
                errors.add(f"{where}: {error}")
                continue
            if not errors.n_errors:  # else what comes next is not used
                self._check_use(where, row)
                self.counts[form] += 1
                yield where, record
        errors.check()
        self.counts.update(repairs.counts)
        self.warnings = list(repairs.told())

    def _check_use(self, where: str, row: dict[str, Any]) -> None:
        """An empty list of labels says that there are no entities, unless labels are of texts."""
        if row.get(VERSION) is not None:
            return
        for key in LABELS:
            if (value := row.get(key)) is not None:
                use = _holds_spans(key, value)
                self._uses.setdefault((key, use), where)
                if (key, not use) in self._uses:
                    places = [self._uses[key, of_spans] for of_spans in (True, False)]
                    raise ValueError(
                        f"{places[0]}: '{key}' is a list of entities, perhaps an empty one, but in "
                        f"{places[1]} it says something else: give it another name there."
                    )


def read_row(row: Any) -> tuple[TextRecord, str]:
    """The record that a row is, and in words where its entities were.

    RAISES (ValueError): What is wrong, where in the row, and what to do.
    """
    row = _as_object(row)
    key = _key_of_spans(row)
    if key is None:
        return TextRecord.from_json(row), "rows without annotation"
    if row.get(VERSION) is None:
        if (answer := row.get(ANSWER)) in NO_ANSWERS:
            bare = {name: value for name, value in row.items() if name not in (key, "relations")}
            return TextRecord.from_json(bare), f"rows with answer {answer!r}, taken for unknown"
        row = _with_our_names(row, key)
    spans = row[key]
    if not isinstance(spans, list):
        raise ValueError(f"{key} must be a list, got {str(spans)[:80]}.")
    is_listed = any(isinstance(span, list) for span in spans)
    form = f"rows with '{key}'" + " as [start, end, label]" * is_listed
    row = {name: value for name, value in row.items() if name != key}
    row[SPANS] = [_as_span(f"{key}[{i}]", span) for i, span in enumerate(spans)]
    try:
        return TextRecord.from_json(row), form
    except ValueError as error:
        raise ValueError(str(error).replace(f"{SPANS}[", f"{key}[", 1)) from None


def _as_object(row: Any) -> dict[str, Any]:
    is_pair = isinstance(row, list) and len(row) == 2
    if is_pair and isinstance(row[0], str) and isinstance(row[1], dict) and "text" not in row[1]:
        return {"text": row[0], **row[1]}
    if not isinstance(row, dict):
        raise ValueError(
            f"a row is an object, or a list of a text and an object, got {str(row)[:80]}."
        )
    return row


def _key_of_spans(row: dict[str, Any]) -> str | None:
    """Where the entities of a row are."""
    if row.get(VERSION) is not None:
        return SPANS if row.get(SPANS) is not None else None
    found = [key for key in KEYS if _holds_spans(key, row.get(key))]
    if len(found) > 1:
        raise ValueError(
            f"it has entities under {' and '.join(map(repr, found))}: leave one of them out, or "
            f"say with \"{VERSION}\": {SCHEMA_VERSION} that '{SPANS}' is meant."
        )
    return found[0] if found else None


def _holds_spans(key: str, value: Any) -> bool:
    """A label may also be what a whole text is about, or a list of such."""
    if key not in LABELS:
        return value is not None
    return isinstance(value, list) and all(isinstance(one, (list, dict)) for one in value)


def _with_our_names(row: dict[str, Any], key: str) -> dict[str, Any]:
    """With our names in its spans and relations."""
    renamed = row.copy()
    for name, names in ((key, _SPAN_NAMES), ("relations", _RELATION_NAMES)):
        if isinstance(row.get(name), list):
            renamed[name] = [_renamed(one, names) for one in row[name]]
    return renamed


def _renamed(value: Any, names: dict[str, str]) -> Any:
    """An object with other names of keys, unless it has one of those already."""
    if not isinstance(value, dict) or any(new in value for new in names.values()):
        return value
    return {names.get(key, key): one for key, one in value.items()}


def _as_span(where: str, span: Any) -> Any:
    if not isinstance(span, list):
        return span
    if len(span) != 3:
        raise ValueError(f"{where} must be [start, end, label], got {str(span)[:80]}.")
    return dict(zip(("start", "end", "label"), span, strict=True))


def write_json_lines(records: Iterable[TextRecord], path: Path) -> Written:
    """Write a record a line."""
    n_records = 0
    with path.open("w", encoding="utf8", newline="\n") as file:
        for record in records:
            row = record.to_json()
            is_answer = record.other.get(ANSWER) in NO_ANSWERS
            if is_answer or any(_holds_spans(key, record.other.get(key)) for key in KEYS):
                row[VERSION] = SCHEMA_VERSION
            file.write(json.dumps(row, ensure_ascii=False, allow_nan=False) + "\n")
            n_records += 1
    return Written(n_records, Counter())
