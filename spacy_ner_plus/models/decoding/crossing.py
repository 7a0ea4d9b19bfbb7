"""Which spans cross: they overlap, and neither is inside of the other."""

import numpy as np


def crossing_groups(starts: np.ndarray, ends: np.ndarray) -> list[list[int]]:
    """The groups of spans that crossings join, without the spans that cross none.

    One pass from left to right with a stack of the groups that are open, in n log n: when a span
    ends that is not in the group on top, it crosses those that are above its own.

    starts, ends: (n,) int64 tokens, end exclusive; no two spans are equal.
    RETURNS (List[List[int]]): Of each group at least two spans, ascending.
    """
    n = len(starts)
    parents = list(range(n))
    n_open = [1] * n  # by the group's root
    stack: list[int] = []  # of roots
    for event in _events(starts, ends):
        if event >= n:
            stack.append(event - n)
            continue
        root = _root(parents, event)
        while stack[-1] != root:
            above = stack.pop()
            parents[above] = root
            n_open[root] += n_open[above]
        n_open[root] -= 1
        if not n_open[root]:
            stack.pop()
    groups: dict[int, list[int]] = {}
    for i in range(n):
        groups.setdefault(_root(parents, i), []).append(i)
    return [group for group in groups.values() if len(group) > 1]


def _events(starts: np.ndarray, ends: np.ndarray) -> list[int]:
    """Where spans end (their numbers) and begin (n more), from left to right, (2 * n,).

    Those that end come first, the inner before the outer ones; the outer ones begin first.
    """
    positions = np.concatenate([ends, starts])  # (2 * n,)
    opens = np.arange(2 * len(starts)) >= len(starts)  # (2 * n,)
    others = np.concatenate([-starts, -ends])  # (2 * n,)
    found: list[int] = np.lexsort((others, opens, positions)).tolist()
    return found


def _root(parents: list[int], i: int) -> int:
    """The root of a node of a forest, whose path is halved (Tarjan and van Leeuwen 1984)."""
    while parents[i] != i:
        parents[i] = parents[parents[i]]
        i = parents[i]
    return i
