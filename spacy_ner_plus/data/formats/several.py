"""The annotated texts of several files, one after the other."""

from collections import Counter
from collections.abc import Iterator, Sequence
from pathlib import Path

from ...records import TextRecord
from .form import RecordSource
from .repairs import MOST_PLACES
from .unsound_spans import UnsoundSpan


class SeveralRecords:
    """The records of several sources.

    sources (Sequence[Tuple[Path, RecordSource]]): The files, in their order.
    passed_over (Sequence[Path]): Files that were beside them, and are of no format that is read.
    blank (Sequence[Path]): Files with nothing in them.
    counts (Counter[str]), notes (List[str]), warnings (List[str]): What is worth telling of them,
        once all was read. Notes and warnings name the file, unless it is the same of all.
    """

    def __init__(
        self,
        sources: Sequence[tuple[Path, RecordSource]],
        passed_over: Sequence[Path] = (),
        blank: Sequence[Path] = (),
    ) -> None:
        self._sources = sources
        self._blank = blank
        self._unsound: list[UnsoundSpan] | None = None
        self.counts: Counter[str] = Counter()
        self.notes: list[str] = []
        self.warnings: list[str] = []
        self._tell_files("files of other formats passed over", passed_over)

    @property
    def unsound(self) -> list[UnsoundSpan] | None:
        """That of all files; see RecordSource."""
        return self._unsound

    @unsound.setter
    def unsound(self, unsound: list[UnsoundSpan] | None) -> None:
        self._unsound = unsound
        for _, source in self._sources:
            source.unsound = unsound

    def _tell_files(self, what: str, paths: Sequence[Path]) -> None:
        """Count files, in words in the plural, and name the first."""
        if n := len(paths):
            self.counts[what] = n
            first = ", ".join(map(str, paths[:MOST_PLACES])) + ", ..." * (n > MOST_PLACES)
            self.warnings.append(f"{what} ({n:,}): {first}")

    def records(self) -> Iterator[tuple[str, TextRecord]]:
        """See RecordSource.records."""
        empty = list(self._blank)
        for path, source in self._sources:
            is_empty = True
            for found in source.records():
                is_empty = False
                yield found
            if is_empty:
                empty.append(path)
            self.counts.update(source.counts)
            self.warnings += [f"{path}: {one}" for one in source.warnings]
        self._tell_files("files without texts", empty)
        notes = [(path, note) for path, source in self._sources for note in source.notes]
        n_files = Counter(note for _, note in notes)
        of_all = [note for note, n in n_files.items() if n == len(self._sources)]
        own = [f"{path}: {note}" for path, note in notes if note not in of_all]
        self.notes += [*of_all, *own]
