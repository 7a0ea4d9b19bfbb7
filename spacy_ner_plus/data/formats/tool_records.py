"""What the readers of annotation tools' files have in common."""

from abc import ABC, abstractmethod
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, ClassVar

from ...records import TextRecord
from .offset_units import CHARACTERS, in_characters
from .repairs import Errors, Repairs, checked


@dataclass
class ToolRecords(ABC):
    """The texts of a tool's file. A subclass says what its entries are, and what they say.

    path (Path): The file or folder.
    offsets (str): The unit of its offsets; None to find it.
    lenient (bool): As in JsonLinesRecords.
    counts (Counter[str]): What was found, left out and repaired, by words in the plural, once all
        was read.
    notes, warnings (List[str]): The same in words.
    """

    # What the tool itself counts offsets in, if a file does not tell.
    unit: ClassVar[str] = CHARACTERS

    path: Path
    offsets: str | None = None
    lenient: bool = False
    counts: Counter[str] = field(default_factory=Counter, init=False)
    notes: list[str] = field(default_factory=list, init=False)
    warnings: list[str] = field(default_factory=list, init=False)

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

    def records(self) -> Iterator[tuple[str, TextRecord]]:
        """Each record, with where it is.

        RAISES (ValueError): Entries can't be read, with where and what to do. All are listed.
        """
        repairs, errors = Repairs(), Errors("texts can't be read")
        unit = self.offsets or self.unit
        for where, entry in self.entries():
            try:
                row = self.row(entry, self.counts)
                if row is None:
                    continue
                record = TextRecord.from_json(in_characters(row, unit))
                record = checked(record, where, repairs, lenient=self.lenient)
            except ValueError as error:
                errors.add(f"{where}: {error}")
                continue
            if not errors.n_errors:  # else what comes next is not used
                yield where, record
        errors.check()
        self.counts.update(repairs.counts)
        self.warnings = list(repairs.told())
