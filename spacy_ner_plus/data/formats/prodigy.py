"""Prodigy's JSON lines, as `db-out` gives and `db-in` and all recipes take them.

What an answer says depends on the view: see prodigy_answers. Decisions that follow each other and
are about one text are one record. `token_start`, `token_end` and what tokens repeat of the text
are left out, and made again when the record is written; all other keys are kept.
"""

from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from typing import Any, ClassVar

from ...records import VERSION, TextRecord
from ..sources.json_values import json_values
from .annotators import AGREED, ALL, CHOICES, FIRST, agreed, with_annotator
from .form import Format, Sample
from .json_rows import object_at, text_at
from .offset_units import CHARACTERS
from .prodigy_answers import (
    ANSWER,
    ANSWERS,
    BINARY,
    KINDS,
    MANUAL,
    REJECT,
    VIEW,
    beside,
    decided,
    kind_of,
)
from .prodigy_merging import annotator_of, belong_together, input_of, joined
from .prodigy_rows import foreign_key, read_spans, without_repeats
from .prodigy_writing import write_prodigy
from .tool_records import ToolRecords

Placed = tuple[str, TextRecord]

# Rows of these have no text.
_MEDIA = ("image", "audio", "video", "html")


@dataclass
class ProdigyRecords(ToolRecords):
    """The rows of a file; see ToolRecords.

    view (str): "manual" or "binary": how rows were answered that don't say their `_view_id`.
    merge (bool): Whether binary decisions that follow each other, of one annotator about one text,
        are one record.
    annotator (str): Of texts with several: "all": a record each, with the annotator in `meta`.
        "first": that of the first. "agreed": one record, unknown where they differ. None: a record
        each. "first" keeps the hashes of texts in memory, "agreed" the whole file.
    """

    unit: ClassVar[str | None] = CHARACTERS  # those of its server, which is written in Python

    view: str = MANUAL
    merge: bool = True
    annotator: str | None = None
    _names: set[Any] = field(default_factory=set, init=False, repr=False)

    def __post_init__(self) -> None:
        if self.view not in KINDS:
            raise ValueError(f"view {self.view!r} must be one of {', '.join(KINDS)}.")
        if self.annotator not in (None, *CHOICES):
            raise ValueError(f"annotator {self.annotator!r} must be one of {', '.join(CHOICES)}.")

    def entries(self) -> Iterator[tuple[str, Any]]:
        """See ToolRecords.entries."""
        return json_values(self.path)

    def row(self, entry: Any, counts: Counter[str]) -> dict[str, Any] | None:
        """See ToolRecords.row. Its spans are those that were shown, whatever the answer."""
        row = dict(object_at(entry, "a row"))
        if row.get("text") is None and any(key in row for key in _MEDIA):
            counts["rows without text passed over"] += 1
            return None
        text_at(row)
        self._count_answer(row, counts)
        read_spans(row, counts)
        return row

    def _count_answer(self, row: dict[str, Any], counts: Counter[str]) -> None:
        if (answer := row.get(ANSWER)) is None:
            counts["rows without answer"] += 1
            return
        if answer not in ANSWERS:
            raise ValueError(f"{ANSWER} is {answer!r}, and must be one of {', '.join(ANSWERS)}.")
        kind = kind_of(row, self.view)
        counts[f"rows with answer {answer!r} in {kind or 'other'} views"] += 1
        if row.get(VIEW) is None and answer == REJECT and self.view == MANUAL:
            counts["rows rejected without _view_id"] += 1
        if kind == BINARY and answer == REJECT and len(row.get("spans") or ()) > 1:
            counts["rows rejected with several spans, taken for unknown"] += 1

    def records(self) -> Iterator[Placed]:
        """See ToolRecords.records."""
        by_annotator = {FIRST: self._of_first, AGREED: self._of_agreed}.get(self.annotator or ALL)
        placed = self._merged(super().records())
        yield from by_annotator(placed) if by_annotator else placed
        if n := self.counts["rows rejected without _view_id"]:
            self.warnings.append(
                f"rejected rows that don't say in which view ({n:,}) were taken for manual ones, "
                "about which nothing is known then: if single spans were decided, give "
                "view='binary'."
            )
        if self.annotator is None and len(self._names) > 1:
            self.warnings.append(
                f"there are {len(self._names):,} annotators, and each row is a record: give "
                "annotator='first' or 'agreed' for one record a text."
            )

    def _merged(self, placed: Iterable[Placed]) -> Iterator[Placed]:
        """Answers as they are meant, and decisions about one text as one record."""
        group: list[Placed] = []
        for where, shown in placed:
            bare = without_repeats(shown, self.counts)
            record = decided(bare, self.view)
            self._names |= {annotator_of(record)}
            is_decision = self.merge and ANSWER in bare.other and ANSWER not in record.other
            is_decision &= kind_of(bare.other, self.view) == BINARY
            if group and not (is_decision and belong_together(group[0][1], record)):
                yield from self._joined(group)
                group = []
            if is_decision:
                group.append((where, record))
            else:
                yield where, self._named(record)
        yield from self._joined(group)

    def _joined(self, group: list[Placed]) -> Iterator[Placed]:
        whole = joined([record for _, record in group]) if group else None
        if whole is None:
            yield from ((where, self._named(record)) for where, record in group)
            return
        if len(group) > 1:
            self.counts["decisions put to others about their texts"] += len(group) - 1
        yield group[0][0], self._named(whole)

    def _named(self, record: TextRecord) -> TextRecord:
        name = annotator_of(record)
        return with_annotator(record, name) if self.annotator == ALL else record

    def _of_first(self, placed: Iterable[Placed]) -> Iterator[Placed]:
        firsts: dict[Any, Any] = {}
        for where, record in placed:
            name = annotator_of(record)
            if firsts.setdefault(input_of(record), name) == name:
                yield where, record
            else:
                self.counts["records of other annotators passed over"] += 1

    def _of_agreed(self, placed: Iterable[Placed]) -> Iterator[Placed]:
        texts: dict[Any, dict[Any, list[Placed]]] = {}
        for where, record in placed:
            names = texts.setdefault((input_of(record), record.text), {})
            names.setdefault(annotator_of(record), []).append((where, record))
        for names in texts.values():
            voices = [self._voice([record for _, record in rows]) for rows in names.values()]
            answered = [one for one in voices if ANSWER not in one.other] or voices[:1]
            where = next(iter(names.values()))[0][0]
            yield where, agreed(answered)

    def _voice(self, records: list[TextRecord]) -> TextRecord:
        """What an annotator said of a text: all decisions, or the last answer."""
        are_partial = all(
            one.spans and one.unknown == beside(one.spans, len(one.text)) for one in records
        )
        can_join = all(belong_together(records[0], one) for one in records[1:])
        whole = joined(records) if are_partial and can_join else None
        if whole is None and len(records) > 1:
            self.counts["earlier answers of the same annotator passed over"] += len(records) - 1
        return whole or records[-1]


def _recognises(sample: Sample) -> bool:
    """By its hashes or an answer; rows of one's own may have been written for it by hand."""
    value = sample.value
    if not isinstance(value, dict) or foreign_key(value) is not None:
        return False
    is_told = "_task_hash" in value or "_input_hash" in value or VIEW in value
    is_told |= value.get(ANSWER) in ANSWERS and "text" in value
    return is_told and VERSION not in value


FORMAT = Format((), ProdigyRecords, write_prodigy, _recognises)
