"""Figures as the page shows them."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol, TypeVar

NONE = "\N{EN DASH}"


class HasSupport(Protocol):
    """Scores of a type that know how many gold entities it has."""

    @property
    def support(self) -> int:
        """How many gold entities the type has."""
        ...


Supported = TypeVar("Supported", bound=HasSupport)


def percent(share: float | None) -> str:
    """A share in percent, with one decimal; a dash for none."""
    return NONE if share is None else f"{100 * share:.1f}"


def decimals(number: float | None, n: int = 3) -> str:
    """A number with n decimals; a dash for none."""
    return NONE if number is None else f"{number:.{n}f}"


def count(number: float) -> str:
    """A whole number, with commas between thousands."""
    return f"{number:,.0f}"


def size(n_bytes: float) -> str:
    """A number of bytes in MB, or in GB from 1 GB on."""
    return f"{n_bytes / 1e9:.1f} GB" if n_bytes >= 1e9 else f"{n_bytes / 1e6:.0f} MB"


def interval(ends: tuple[float, float] | None) -> str:
    """Two shares in percent, from one to the other; a dash for none."""
    return NONE if ends is None else f"{percent(ends[0])} to {percent(ends[1])}"


def last_part(path: str) -> str:
    """The name of a folder or file without where it is."""
    return path.rstrip("/\\").replace("\\", "/").rpartition("/")[2] or path


def by_support(types: Mapping[str, Supported]) -> dict[str, Supported]:
    """The types with most gold entities first."""
    order = sorted(types, key=lambda label: (-types[label].support, label))
    return {label: types[label] for label in order}


@dataclass(frozen=True)
class Cell:
    """A number of the confusion matrix.

    label (Optional[str]): The type of its column; None for no entity.
    count (Optional[int]): The number; None where there can't be one.
    share (float): How dark it is, from 0 to 1.
    right (bool): Whether it is on the diagonal.
    """

    label: str | None
    count: int | None
    share: float
    right: bool


@dataclass(frozen=True)
class ConfusionRow:
    """A gold type with what was predicted in its place.

    label (Optional[str]): The type; None for no entity.
    total (int): The sum of the row.
    cells (List[Cell]): In the order of the rows.
    """

    label: str | None
    total: int
    cells: list[Cell]


def confusion(labels: Sequence[str | None], counts: Sequence[Sequence[int]]) -> list[ConfusionRow]:
    """Rows of the table; the last row and column are for no entity.

    A cell's shade is its share of the row; in the last row, of predicted entities that stand for
    nothing, its share of the column. The cell of no gold entity and none predicted is empty.
    """
    columns = [sum(column) for column in zip(*counts, strict=True)]
    rows = []
    for label, row in zip(labels, counts, strict=True):
        cells = []
        for other, n, column in zip(labels, row, columns, strict=True):
            whole = column if label is None else sum(row)
            is_void = label is None and other is None
            share = n / whole if whole else 0.0
            cells.append(Cell(other, None if is_void else n, share, right=label == other))
        rows.append(ConfusionRow(label, sum(row), cells))
    return rows
