"""JSON Lines as records: our own, and texts with character offsets in any shape.

With a `schema_version`, a row is a record, whatever other keys it has. See offset_rows for others.
"""

from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from ...records import SCHEMA_VERSION, VERSION, TextRecord
from ..sources.json_values import json_rows
from ..sources.rows import RowError
from .form import Format, Sample
from .json_rows import dumped
from .offset_rows import SPANS, LabelUse, as_object, own_row
from .offset_units import as_offset, has_wide
from .repairs import Errors, Repairs, checked
from .unsound_spans import UnsoundSpan, without_unsound
from .written import Written


@dataclass
class JsonLinesRecords:
    """The rows of a .jsonl file, or the elements of a list; blank lines are passed over.

    path (Path): The file.
    lenient (bool): Take white space away around labels and at the edges of spans, and count it.
    unsound (List[UnsoundSpan]): Set to a list, it gets the spans of each row that have no place in
        its text, before the row's record comes; None: they are errors.
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
    unsound: list[UnsoundSpan] | None = field(default=None, init=False)
    _uses: LabelUse = field(default_factory=LabelUse, init=False, repr=False)

    def records(self) -> Iterator[tuple[str, TextRecord]]:
        """Each record, with the file and line where it is.

        RAISES (ValueError): A row is none, with file, line and what to do. All such rows are
            listed.
        """
        repairs = Repairs()
        errors, prefix = Errors("rows can't be read"), f"{self.path}, "
        lacks_text = False
        for where, value in json_rows(self.path):
            place = where.removeprefix(prefix)
            try:
                if isinstance(value, RowError):
                    raise value
                row = as_object(value)
                record, form = read_row(row, self.unsound)
                record = checked(record, place, repairs, lenient=self.lenient)
            except ValueError as error:
                errors.add(f"{where}: {error}")
                lacks_text |= isinstance(value, dict) and "text" not in value
                continue
            if not errors.n_errors:  # else what comes next is not used
                self._uses.check(where, row)
                self.counts[form] += 1
                yield where, record
        errors.check(_OTHER_KEYS if lacks_text else "")
        self.counts.update(repairs.counts)
        self.warnings = list(repairs.told())


_OTHER_KEYS = (
    "If text and entities have other keys, name them: --from doccano --text-field KEY "
    "--label-field KEY."
)


def read_row(row: Any, unsound: list[UnsoundSpan] | None = None) -> tuple[TextRecord, str]:
    """The record that a row is, and in words where its entities were.

    unsound (List[UnsoundSpan]): Gets spans that have no place in the text; None: they are errors.
    RAISES (ValueError): What is wrong, where in the row, and what to do.
    """
    ours, key, form = own_row(row)
    if key is not None and form != f"rows with {SPANS!r}":
        _check_unit(ours)
    if unsound is not None:
        ours, found = without_unsound(ours)
        unsound += found
    try:
        return TextRecord.from_json(ours), form
    except ValueError as error:
        raise ValueError(str(error).replace(f"{SPANS}[", f"{key or SPANS}[", 1)) from None


def _check_unit(row: dict[str, Any]) -> None:
    """RAISES ValueError: Offsets of rows that are not ours may count something else."""
    text = row.get("text")
    if not isinstance(text, str) or not has_wide(text):
        return
    for i, span in enumerate(row[SPANS]):
        end = as_offset(span.get("end")) if isinstance(span, dict) else None
        if end is not None and span.get("text") is None and has_wide(text[:end]):
            raise ValueError(
                f"the offsets of entity {i} may count characters or UTF-16 units, of which "
                "characters before it, such as emoji, have two: say with --from offsets --offsets "
                "characters, utf16 or bytes."
            )


def write_json_lines(records: Iterable[TextRecord], path: Path) -> Written:
    """Write a record a line."""
    n_records = 0
    with path.open("w", encoding="utf8", newline="\n") as file:
        for record in records:
            row = record.to_json()
            if record.other:  # whatever format it would be taken for by them
                row[VERSION] = SCHEMA_VERSION
            file.write(dumped(row) + "\n")
            n_records += 1
    return Written(n_records, Counter())


def _recognises(sample: Sample) -> bool:
    """What has a format of its own is recognised before."""
    value = sample.value
    is_pair = isinstance(value, list) and len(value) == 2 and isinstance(value[1], dict)
    return is_pair or (isinstance(value, dict) and "text" in value)


FORMAT = Format((".jsonl", ".ndjson"), JsonLinesRecords, write_json_lines, _recognises)
