"""The best set of spans that do not cross: they may nest, and be equal but for the label.

Spans that cross none are in it. The others fall into groups that crossings join, and each group is
decided by itself: if it is small, exactly, by dynamic programming over what is between two points;
else by taking the heaviest span that crosses none of those that were taken, again and again.
"""

from dataclasses import dataclass

import numpy as np

from .crossing import crossing_groups
from .set_values import as_units, reading_order, set_values

# The exact way takes time with the square of a group's size: 2 ms for a hundred spans, each of
# which crosses all others.
LARGEST_EXACT_GROUP = 100


@dataclass(frozen=True)
class NestedSet:
    """A set of spans that do not cross.

    taken: (n_taken,) int64, indices in the order of reading.
    n_groups (int): How many groups of crossing spans there were.
    n_greedy (int): How many of these were too large for the exact way, so that a better set may
        exist.
    """

    taken: np.ndarray
    n_groups: int
    n_greedy: int


def best_nested(
    starts: np.ndarray,
    ends: np.ndarray,
    labels: np.ndarray,
    weights: np.ndarray,
    *,
    largest_exact: int = LARGEST_EXACT_GROUP,
) -> NestedSet:
    """The set without crossings that has the highest sum of weights.

    Ties are decided as set_values says.

    starts, ends: (n,) int64 tokens, end exclusive. labels: (n,) int64, no two of the same tokens
        are the same. weights: (n,) float64, at least 0.
    largest_exact (int): How many spans a group may have to be decided exactly; those of the same
        tokens count once, as they cross the same others.
    """
    order = reading_order(starts, ends, labels)  # (n,)
    starts, ends = starts[order], ends[order]
    is_new = np.diff(starts, prepend=-1) != 0  # (n,)
    is_new |= np.diff(ends, prepend=-1) != 0
    first = np.flatnonzero(is_new)  # (n_extents,)
    n_labels = np.diff(first, append=len(starts))  # (n_extents,)
    starts, ends = starts[first], ends[first]
    units = as_units(weights[order])  # (n,)
    if len(first):
        units = np.add.reduceat(units, first)  # (n_extents,)
    extents = _Extents(
        starts.tolist(), ends.tolist(), set_values(units, (ends - starts) * n_labels)
    )
    is_taken = np.ones(len(first), dtype=bool)
    groups = crossing_groups(starts, ends)
    n_greedy = 0
    for group in groups:
        is_small = len(group) <= largest_exact
        n_greedy += not is_small
        own = extents.of(group)
        is_taken[group] = False
        is_taken[[group[i] for i in (_best if is_small else _greedy)(own)]] = True
    return NestedSet(order[np.repeat(is_taken, n_labels)], len(groups), n_greedy)


@dataclass(frozen=True)
class _Extents:
    """Different stretches of tokens, in the order of reading, with their values in a set."""

    starts: list[int]
    ends: list[int]
    values: list[int]

    def of(self, chosen: list[int]) -> "_Extents":
        """Some of them, in points: numbers of the places where one of these begins or ends."""
        starts, ends = ([column[i] for i in chosen] for column in (self.starts, self.ends))
        points = {place: i for i, place in enumerate(sorted({*starts, *ends}))}
        return _Extents(
            [points[start] for start in starts],
            [points[end] for end in ends],
            [self.values[i] for i in chosen],
        )


def _best(extents: _Extents) -> list[int]:
    """The best set of extents that do not cross.

    Between two points i and j: the extent from i to j is in it, as it crosses none there. Of the
    others that begin at i let the longest in it end at k; what remains is between i and k, or
    between k and j. If none begins at i, all is between i + 1 and j.

    extents (_Extents): Starts and ends are points.
    """
    n_points = max(extents.ends) + 1
    beginning: list[list[tuple[int, int]]] = [[] for _ in range(n_points)]  # ends, longest first
    for i, (start, end) in enumerate(zip(extents.starts, extents.ends, strict=True)):
        beginning[start].append((end, i))
    best = [[0] * n_points for _ in range(n_points)]  # from a point to a point
    longest = [[0] * n_points for _ in range(n_points)]  # where that ends; 0 for none
    for i in range(n_points - 2, -1, -1):
        if not beginning[i]:
            best[i] = best[i + 1]
            continue
        for j in range(i + 1, n_points):
            value, own = best[i + 1][j], 0
            for k, extent in beginning[i]:
                if k == j:
                    own = extents.values[extent]
                # the longer one wins a tie, and each wins over none
                elif k < j:
                    split = best[i][k] + best[k][j]
                    if split > value or (split == value and not longest[i][j]):
                        value, longest[i][j] = split, k
            best[i][j] = value + own
    return _read(beginning, longest)


def _read(beginning: list[list[tuple[int, int]]], longest: list[list[int]]) -> list[int]:
    """The extents of the best set between the first and the last point."""
    taken = []
    between = [(0, len(beginning) - 1)]
    while between:
        i, j = between.pop()
        if i >= j:
            continue
        taken += [extent for end, extent in beginning[i] if end == j]
        k = longest[i][j]
        between += [(i, k), (k, j)] if k else [(i + 1, j)]
    return taken


def _greedy(extents: _Extents) -> list[int]:
    """Extents that do not cross: the best one first, then the best of those that cross none.

    extents (_Extents): Starts and ends are points.
    """
    n_points = max(extents.ends) + 1
    last_end = [0] * n_points  # of those taken, by where they start
    first_start = [n_points] * n_points  # of those taken, by where they end
    taken = []
    # sorting keeps the order of reading where values are equal
    for i in sorted(range(len(extents.values)), key=lambda i: -extents.values[i]):
        start, end = extents.starts[i], extents.ends[i]
        within = slice(start + 1, end)
        if max(last_end[within], default=0) > end or min(first_start[within], default=end) < start:
            continue
        taken.append(i)
        last_end[start] = max(last_end[start], end)
        first_start[end] = min(first_start[end], start)
    return taken
