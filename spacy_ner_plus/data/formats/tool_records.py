"""What the readers of annotation tools' files have in common."""

from abc import ABC, abstractmethod
from collections import Counter
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, ClassVar

from ...records import TextRecord
from .locating import Locating
from .offset_evidence import UnitEvidence
from .offset_units import CHARACTERS, check_unit
from .repairs import Errors, Repairs, checked
from .unsound_spans import UnsoundSpan


@dataclass
class ToolRecords(ABC):
    """The texts of a tool's file. A subclass says what its entries are, and what they say.

    A file may be read twice to find the unit of its offsets: `entries` and `row` give the same
    again.

    path (Path): The file or folder.
    offsets (str): The unit of its offsets, one of UNITS; None to find it.
    lenient (bool): As in JsonLinesRecords; annotations without a place are left out, too, and their
        texts are unknown.
    counts (Counter[str]): What was found, left out and repaired, by words in the plural, once all
        was read.
    notes, warnings (List[str]): The same in words.
    unsound (List[UnsoundSpan]): Gets annotations without a place in their text; None: they are
        errors.
    """

    # What the format says that offsets count. Where the texts of spans say otherwise, they are
    # believed. None: it says nothing, or not all of its writers keep to it, so that a file in which
    # it matters must tell.
    unit: ClassVar[str | None] = CHARACTERS

    path: Path
    offsets: str | None = None
    lenient: bool = False
    counts: Counter[str] = field(default_factory=Counter, init=False)
    notes: list[str] = field(default_factory=list, init=False)
    warnings: list[str] = field(default_factory=list, init=False)
    unsound: list[UnsoundSpan] | None = field(default=None, init=False, repr=False)

    @abstractmethod
    def entries(self) -> Iterator[tuple[str, Any]]:
        """What the file has of each text, as it stands there, with where it is in words."""

    @abstractmethod
    def row(self, entry: Any, counts: Counter[str]) -> dict[str, Any] | None:
        """An entry as a row of our schema (docs/records.md), its offsets as the file has them.

        A span's `text` is what the file says that it covers, if it does.

        counts (Counter[str]): What is passed over is counted here, by words in the plural.
        RETURNS: None for an entry that is no text, and was counted.
        RAISES (ValueError): What is wrong, where in the entry, and what to do.
        """

    def readings(self, entry: Any, row: dict[str, Any]) -> list[dict[str, Any]]:
        """The rows that say what an entry's offsets count: its own, unless that is made of several.

        RAISES (ValueError): As of `row`.
        """
        return [row]

    def records(self) -> Iterator[tuple[str, TextRecord]]:
        """Each record, with where it is.

        RAISES (ValueError): Entries can't be read, with where and what to do. All are listed, up to
            one behind which the file can't be read on.
        """
        check_unit(self.offsets)
        repairs, errors = Repairs(), Errors("texts can't be read")
        locating, evidence = Locating(self.lenient, self.unsound), UnitEvidence(self.unit)
        unit, prefix = self.offsets, f"{self.path}, "
        for where, entry in self._entries(errors):
            try:
                row = self.row(entry, self.counts)
                if row is None:
                    continue
                is_open = unit is None and self._look_at(evidence, where, entry, row)
            except ValueError as error:
                errors.add(f"{where}: {error}")
                continue
            if is_open:
                evidence = self._all_evidence()
                unit = evidence.unit()
            try:
                place = where.removeprefix(prefix)
                record = locating.record(row, unit or self.unit or CHARACTERS, place)
                record = checked(record, place, repairs, lenient=self.lenient)
            except ValueError as error:
                errors.add(f"{where}: {error}")
                continue
            if not errors.n_errors:  # else what comes next is not used
                yield where, record
        errors.check()
        self.counts.update(locating.found.counts)
        self.counts.update(repairs.counts)
        note = None if self.offsets else evidence.note(unit or evidence.unit())
        self.notes += [note] if note else []
        self.warnings += [*locating.found.told(), *repairs.told()]

    def _entries(self, errors: Errors) -> Iterator[tuple[str, Any]]:
        """The entries up to one that can't be read at all, which is noted."""
        try:
            yield from self.entries()
        except ValueError as error:
            if not errors.n_errors:
                raise
            errors.add(str(error))

    def _look_at(self, evidence: UnitEvidence, where: str, entry: Any, row: dict[str, Any]) -> bool:
        """See UnitEvidence.look_at."""
        looks = [evidence.look_at(where, one) for one in self.readings(entry, row)]
        return any(looks)

    def _all_evidence(self) -> UnitEvidence:
        """What the whole file says about the unit of its offsets. It is read once more for it."""
        evidence = UnitEvidence(self.unit)
        kept = Counter(self.counts), list(self.notes), list(self.warnings)
        try:
            for where, entry in self.entries():
                # what can't be read is told when its turn comes
                with suppress(ValueError):
                    self._look_at(evidence, where, entry, self.row(entry, Counter()) or {})
        except ValueError:
            pass
        self.counts.clear()
        self.counts.update(kept[0])
        self.notes[:], self.warnings[:] = kept[1:]
        return evidence
