"""Which layout a column file has: counted over all its lines, none of which is kept."""

import re
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field

from .column_layouts import (
    CONLLU,
    LAYOUTS,
    by_blanks,
    by_tabs,
    find_plus_layout,
    is_document_marker,
)
from .column_lines import Line
from .tag_forms import OUTSIDE, is_tag

_NUMBER = re.compile(r"\d+([-.]\d+)?")


@dataclass
class RowCounts:
    """Counts of rows that are cut into columns in one way."""

    lengths: Counter[int] = field(default_factory=Counter)
    _n_numbered: int = 0
    # Of those of more than three columns, and of these, those that have a hyphen in the fourth.
    _n_long: int = 0
    _n_marked: int = 0

    def look_at(self, row: Sequence[str]) -> None:
        """Count a row."""
        self.lengths[len(row)] += 1
        self._n_numbered += len(row) > 2 and _NUMBER.fullmatch(row[0]) is not None
        if len(row) > 3:
            self._n_long += 1
            self._n_marked += row[3] == "-"

    @property
    def usual_length(self) -> int:
        """How many columns most rows have: of several equally frequent numbers, the first."""
        [(length, _)] = self.lengths.most_common(1)
        return length

    @property
    def are_numbered(self) -> bool:
        """Whether most rows begin with a number."""
        return self._n_numbered * 2 > self.lengths.total()

    @property
    def are_of_uner(self) -> bool:
        """Whether rows that begin with a number are those of Universal NER."""
        return self.usual_length in (3, 5) and self._n_marked * 2 >= self._n_long


@dataclass
class _Hashes:
    """Lines that begin with a hash: tokens, or comments."""

    are_pairs: bool = True
    are_tagged: bool = True

    def look_at(self, row: Sequence[str]) -> None:
        self.are_pairs &= len(row) == 2
        self.are_tagged &= len(row) > 2 and (is_tag(row[-1]) or row[-1] in OUTSIDE)

    @property
    def layout(self) -> str:
        """Of a file that has no other lines."""
        return "tsv" if self.are_pairs or self.are_tagged else "uner"


def solid_lines(lines: Iterable[Line]) -> Iterator[Line]:
    """Those that are neither blank nor open a document."""
    return (line for line in lines if not line.is_blank and not is_document_marker(line))


def detect_layout(lines: Iterable[Line]) -> str:
    """The layout of a file, from most of its lines.

    lines (Iterable[Line]): They are gone through more than once.
    RETURNS (str): One of `LAYOUTS`; "tsv" if there is no line with a token.
    RAISES (ValueError): The lines fit no layout.
    """
    if find_plus_layout(lines) is not None:
        return "conllu"
    hashes, tabs = _Hashes(), RowCounts()
    first: Line | None = None
    n_solid, n_commas = 0, set[int]()
    for line in solid_lines(lines):
        if line.content.startswith("#"):
            hashes.look_at(by_tabs(line.content))
            continue
        first = first or line
        n_solid += 1
        n_commas.add(line.content.count(","))
        if "\t" in line.content:
            tabs.look_at(by_tabs(line.content))
    if first is None:
        return hashes.layout
    if tabs.lengths.total() * 2 >= n_solid:
        return _layout_of_tabs(tabs)
    if n_solid > 1 and len(n_commas) == 1 and n_commas != {0}:
        raise first.error(
            "The columns seem to be parted by commas: save the file with tabs between them, and "
            "with a blank line behind each sentence."
        )
    return _layout_of_blanks(lines)


def _layout_of_tabs(rows: RowCounts) -> str:
    if not rows.are_numbered:
        return "tsv"
    if rows.usual_length == len(CONLLU):
        return "conllu"
    return "uner" if rows.are_of_uner else "numbered"


def _layout_of_blanks(lines: Iterable[Line]) -> str:
    rows, is_plain = RowCounts(), True
    short: Line | None = None
    for line in solid_lines(lines):
        if line.content.startswith("#"):
            continue
        row = by_blanks(line.content)
        rows.look_at(row)
        is_plain = is_plain and len(row) == len(line.content.split(" ")) == 4
        if short is None and len(row) < 2:
            short = line
    if short is not None and rows.usual_length < 2:
        known = "; ".join(f"{name}: {layout.described}" for name, layout in LAYOUTS.items())
        raise short.error(f"This fits no known layout. Convert the file to one of them ({known}).")
    if rows.are_numbered:
        return "numbered"
    return "conll2003" if is_plain else "blanks"
