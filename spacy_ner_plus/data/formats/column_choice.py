"""Which columns of a file hold the tags of entities."""

from collections import Counter
from collections.abc import Iterable, Sequence
from pathlib import Path

from .column_layouts import ColumnLayout
from .column_tags import is_tag

OUTSIDE = ("O", "_")
# Phrases, whose tags look like those of entities: of CoNLL-2000 and -2003, English and German.
_CHUNKS = frozenset(
    ["NP", "VP", "PP", "ADVP", "ADJP", "SBAR", "PRT", "CONJP", "INTJ", "LST", "UCP",
     "NC", "VC", "PC"]
)  # fmt: skip
# A column holds tags if as many of its values are such: some may be misspelt, and no other column
# has so many.
_MOST = 0.5


def choose_columns(
    path: Path,
    rows: Iterable[Sequence[str]],
    n_columns: int,
    layout: ColumnLayout,
    wanted: Sequence[int] = (),
) -> tuple[int, ...]:
    """The columns with tags, from 0: those that are wanted, else the only one that can be meant.

    path (Path): The file, for errors.
    rows: Its rows. Those of another length don't count: they are told of line by line.
    wanted (Sequence[int]): Columns from 1, or from the end if negative.
    RAISES (ValueError): There is no such column, or several hold tags of entities.
    """
    first = layout.token + 1
    if wanted:
        return tuple(_index(path, number, first, n_columns) for number in wanted)
    if layout.tag is not None:
        return (layout.tag,)
    rows = [row for row in rows if len(row) == n_columns]
    tags = {i: _tags(rows, i) for i in range(first, n_columns)}
    found = {i: kinds for i, kinds in tags.items() if kinds}
    names = {i: kinds for i, kinds in found.items() if not _CHUNKS.issuperset(kinds)}
    if len(names) > 1:
        raise ValueError(_which(path, names))
    return tuple(names) or (n_columns - 1,)


def _index(path: Path, number: int, first: int, n_columns: int) -> int:
    index = number - 1 if number > 0 else n_columns + number
    if not number or not first <= index < n_columns:
        raise ValueError(
            f"--column {number}: {path} has {n_columns} columns, and tags may be in columns "
            f"{first + 1} to {n_columns}. Negative numbers count from the last, -1."
        )
    return index


def _tags(rows: Sequence[Sequence[str]], column: int) -> Counter[str]:
    """How often each label is in a column; none if it does not hold tags."""
    values = Counter(row[column].strip() for row in rows)
    labels: Counter[str] = Counter()
    for value, n in values.items():
        if is_tag(value):
            labels[value[2:]] += n
    n_tags = labels.total() + sum(values[tag] for tag in OUTSIDE)
    return labels if n_tags >= _MOST * len(rows) else Counter()


def _which(path: Path, found: dict[int, Counter[str]]) -> str:
    shown = " and ".join(
        f"column {i + 1} ({', '.join(label for label, _ in kinds.most_common(3))})"
        for i, kinds in found.items()
    )
    options = " or ".join(f"--column {i + 1}" for i in found)
    both = " ".join(f"--column {i + 1}" for i in found)
    return (
        f"{path}: {shown} hold tags of entities. Say to convert which with {options}. For entities "
        f"that nest, name them all: {both} --spans-key KEY."
    )
