"""Which spans lie inside any of some others."""

import numpy as np


def lie_inside(
    starts: np.ndarray, ends: np.ndarray, around_starts: np.ndarray, around_ends: np.ndarray
) -> np.ndarray:
    """Whether one of the others has all tokens of each span and more, (n,) bool.

    Spans may be among the others: none lies inside itself. It takes time of n log n.

    starts, ends: (n,) int64, end exclusive. around_starts, around_ends: (n_others,) int64.
    """
    if not len(around_starts):
        return np.zeros(len(starts), dtype=bool)
    order = np.lexsort((around_ends, around_starts))  # (n_others,)
    others = around_starts[order]  # (n_others,)
    reach = np.maximum.accumulate(around_ends[order])  # (n_others,) of those that start no later
    # One that starts earlier may end with it, one that starts with it must end later.
    before = np.searchsorted(others, starts, side="left") - 1  # (n,), -1 for none
    until = np.searchsorted(others, starts, side="right") - 1  # (n,), -1 for none
    starts_before = (before >= 0) & (reach[before] >= ends)  # (n,)
    ends_after = (until >= 0) & (reach[until] > ends)  # (n,)
    found: np.ndarray = starts_before | ends_after
    return found
