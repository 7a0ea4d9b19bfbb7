"""The best set of spans that do not overlap."""

import numpy as np

from .set_values import as_units, reading_order, set_values


def best_flat(
    starts: np.ndarray, ends: np.ndarray, labels: np.ndarray, weights: np.ndarray
) -> np.ndarray:
    """The spans of the set without overlaps that has the highest sum of weights.

    Weighted interval scheduling (Kleinberg and Tardos 2005, "Algorithm design", 6.1), in n log n.
    Ties are decided as set_values says, so spans of weight 0 are taken where there is room.

    starts, ends: (n,) int64 tokens, end exclusive. labels: (n,) int64, which only decide ties.
    weights: (n,) float64, at least 0.
    RETURNS: (n_taken,) int64, indices in the order of reading.
    """
    order = reading_order(starts, ends, labels)  # (n,)
    starts, ends = starts[order], ends[order]
    values = set_values(as_units(weights[order]), ends - starts)
    # the first span that begins where this one ends, or later
    after = np.searchsorted(starts, ends).tolist()
    n = len(values)
    best = [0] * (n + 1)  # of the spans from this one on
    for i in range(n - 1, -1, -1):
        best[i] = max(best[i + 1], values[i] + best[after[i]])
    taken, i = [], 0
    while i < n:
        if values[i] + best[after[i]] == best[i]:
            taken.append(i)
            i = after[i]
        else:
            i += 1
    return order[np.array(taken, dtype=np.int64)]
