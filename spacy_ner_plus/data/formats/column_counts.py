"""What stands in the columns of a file that may hold tags, counted row by row."""

from collections import Counter
from collections.abc import Sequence

from .column_layouts import ColumnLayout
from .tag_columns import SPACE_KEYS, TagColumn, misc_of

# Values of a column that are counted: one that has more holds words, not tags.
MOST_VALUES = 10_000


class ColumnCounts:
    """How often each value is in each column behind the token, and under each key of MISC.

    n_columns (int): Rows of another length don't count: they are told of line by line.
    n_rows (int): Those that count.
    """

    def __init__(self, n_columns: int, layout: ColumnLayout) -> None:
        names, fixed = layout.names, (layout.token, layout.number, layout.misc)
        self.n_rows = 0
        self._n_columns = n_columns
        self._misc = layout.misc
        self._headings = {
            i: names[i] if names else None
            for i in range(0 if names else layout.token + 1, n_columns)
            if i not in fixed
        }
        self._values: dict[int, Counter[str]] = {i: Counter() for i in self._headings}
        self._keys: dict[str, Counter[str]] = {}
        self._n_with: Counter[str] = Counter()

    def look_at(self, row: Sequence[str]) -> None:
        """Count a row."""
        if len(row) != self._n_columns:
            return
        self.n_rows += 1
        for i, values in self._values.items():
            _count(values, row[i].strip())
        if self._misc is not None:
            for key, value in misc_of(row[self._misc]).items():
                self._n_with[key] += 1
                _count(self._keys.setdefault(key, Counter()), value.strip())

    @property
    def columns(self) -> list[TagColumn]:
        """Those that may hold tags, keys of MISC last, in the order of the file."""
        columns = [TagColumn(i, heading) for i, heading in self._headings.items()]
        if self._misc is not None:
            columns += [TagColumn(self._misc, key=k) for k in self._keys if k not in SPACE_KEYS]
        return columns

    def values(self, column: TagColumn) -> Counter[str]:
        """How often each value is in a column, at most MOST_VALUES of them."""
        if column.key is None:
            return self._values[column.index]
        values = Counter(self._keys[column.key])
        if n_without := self.n_rows - self._n_with[column.key]:
            values["_"] += n_without
        return values


def _count(values: Counter[str], value: str) -> None:
    if value in values or len(values) < MOST_VALUES:
        values[value] += 1
