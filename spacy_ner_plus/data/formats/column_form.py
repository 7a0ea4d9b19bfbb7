"""What the lines of a column file are like: the layout, and where the tags are."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from .column_choice import choose_columns
from .column_layouts import (
    ColumnLayout,
    find_layout,
    find_plus_layout,
    is_document_marker,
    most_common_length,
)
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
    lines: Sequence[Line],
    name: str,
    wanted: Sequence[int | str] = (),
    label: str | None = None,
) -> Form:
    """The form of a file of a layout.

    name (str): The layout.
    wanted (Sequence[Union[int, str]]), label (str): See choose_columns.
    RAISES (ValueError): The layout is unknown, or see choose_columns.
    """
    layout = find_layout(name)
    if name == "conllu":
        layout = find_plus_layout(lines) or layout
    solid = [line for line in lines if not line.is_blank and not is_document_marker(line)]
    plain = [line for line in solid if not line.content.startswith("#")] or solid
    rows = [without_empty_end(layout.split(line.content)) for line in plain]
    n_columns = layout.n_columns
    if not n_columns:
        n_columns = (max(layout.token + 2, most_common_length(rows) if rows else 0),)
    if not layout.is_numbered:  # a token may be a hash
        rows = [without_empty_end(layout.split(line.content)) for line in solid]
    path = lines[0].path if lines else Path()
    tags = choose_columns(path, rows, min(n_columns), layout, wanted, label)
    return Form(name, layout, n_columns, tags)


def without_empty_end(columns: list[str]) -> list[str]:
    """Columns without empty ones behind the last that is not."""
    n = len(columns)
    while n > 1 and not columns[n - 1].strip():
        n -= 1
    return columns[:n]
