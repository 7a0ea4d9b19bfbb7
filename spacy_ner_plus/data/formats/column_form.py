"""What the lines of a column file are like: the layout, and where the tags are."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from .column_choice import choose_columns
from .column_detection import RowCounts, solid_lines
from .column_layouts import ColumnLayout, find_layout, find_plus_layout
from .column_lines import Line
from .tag_columns import TagColumn
from .tag_forms import OUTSIDE


@dataclass(frozen=True)
class Form:
    """What the lines of a file are like.

    name (str), layout (ColumnLayout): How they are cut.
    n_columns (Tuple[int, ...]): How many columns they may have.
    tags (Tuple[TagColumn, ...]): Those with tags.
    """

    name: str
    layout: ColumnLayout
    n_columns: tuple[int, ...]
    tags: tuple[TagColumn, ...]

    def is_comment(self, line: Line) -> bool:
        """Whether a line before a sentence is none of its rows."""
        if not line.content.startswith("#"):
            return False
        if self.layout.is_numbered:
            return True
        columns = self.layout.split(line.content)
        if len(columns) not in self.n_columns:
            return True
        return not any(
            tag.form.fits(tag.value(columns)) or tag.value(columns) in OUTSIDE for tag in self.tags
        )


def find_form(
    path: Path,
    lines: Iterable[Line],
    name: str,
    wanted: Sequence[int | str] = (),
    label: str | None = None,
) -> Form:
    """The form of a file of a layout.

    path (Path): The file, for errors.
    lines (Iterable[Line]): They are gone through more than once.
    name (str): The layout.
    wanted (Sequence[Union[int, str]]), label (str): See choose_columns.
    RAISES (ValueError): The layout is unknown, or see choose_columns.
    """
    layout = find_layout(name)
    if name == "conllu":
        layout = find_plus_layout(lines) or layout
    counts = {is_hash: RowCounts() for is_hash in (False, True)}
    for is_hash, row in _rows(lines, layout):
        counts[is_hash].look_at(row)
    has_plain = counts[False].lengths.total() > 0
    n_columns = layout.n_columns
    if not n_columns:
        found = counts[not has_plain]
        n_columns = (max(layout.token + 2, found.usual_length if found.lengths else 0),)
    takes_all = not layout.is_numbered or not has_plain  # a token may be a hash
    rows = (row for is_hash, row in _rows(lines, layout) if takes_all or not is_hash)
    tags = choose_columns(path, rows, min(n_columns), layout, wanted, label)
    return Form(name, layout, n_columns, tags)


def _rows(lines: Iterable[Line], layout: ColumnLayout) -> Iterator[tuple[bool, list[str]]]:
    """The rows, each with whether it begins with a hash."""
    for line in solid_lines(lines):
        row = without_empty_end(layout.split(line.content))
        yield line.content.startswith("#"), row


def without_empty_end(columns: list[str]) -> list[str]:
    """Columns without empty ones behind the last that is not."""
    n = len(columns)
    while n > 1 and not columns[n - 1].strip():
        n -= 1
    return columns[:n]
