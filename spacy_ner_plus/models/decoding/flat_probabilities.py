"""The probabilities of spans, given that none of those that are there overlap.

A span i is there with probability p_i, independently of others. Given that no two that are there
overlap, the probability of a set S without overlaps is

    P(S) = product over i in S of p_i / (1 - p_i), over Z,

where Z is the sum of that product over all such sets, and P(i) is the sum of P(S) over those that
have i. Sums over the sets to the left and to the right of each span give all of it in n log n: the
sum-product algorithm on the lattice on which best_flat finds the most probable set. Parts of a
document that no span joins are independent, so each has sums of its own. Logarithms of sums are
kept as whole numbers, which are as exact after ten thousand spans as after one.
"""

import math
from itertools import pairwise

import numpy as np

from .log_odds import log_odds

_UNITS = 2.0**60  # of logarithms, in a nat


def flat_probabilities(
    starts: np.ndarray, ends: np.ndarray, probabilities: np.ndarray
) -> np.ndarray:
    """P(the span is there | no two spans that are there overlap), (n,) float64.

    That of a span that overlaps no other is its own. Others are at most as probable as alone, and
    spans of the same tokens share what there is. 0 and 1 count as the numbers next to them.

    starts, ends: (n,) int64 tokens, end exclusive; of all spans that may be there.
    probabilities: (n,) float64, of each on its own.
    """
    order = np.argsort(starts, kind="stable")  # (n,)
    starts, ends = starts[order], ends[order]
    own = probabilities[order]  # (n,)
    edges = _edges(starts, ends)  # (n_parts + 1,)
    is_joined = np.repeat(np.diff(edges) > 1, np.diff(edges))  # (n,)
    if is_joined.any():
        own[is_joined] = _of_parts(starts, ends, log_odds(own), edges)[is_joined]
    found = np.empty_like(own)
    found[order] = own
    return found


def _edges(starts: np.ndarray, ends: np.ndarray) -> np.ndarray:
    """Where spans that no overlaps join to those before begin, and n; (n_parts + 1,) int64.

    starts, ends: (n,) int64, by start.
    """
    reached = np.maximum.accumulate(ends)  # (n,)
    is_first = np.ones(len(starts) + 1, dtype=bool)
    is_first[1:-1] = starts[1:] >= reached[:-1]
    return np.flatnonzero(is_first)


def _of_parts(
    starts: np.ndarray, ends: np.ndarray, scores: np.ndarray, edges: np.ndarray
) -> np.ndarray:
    """(n,) float64, the probabilities of spans by start; 1 for a span that is a part alone.

    scores: (n,) float64 log odds. edges: (n_parts + 1,) int64.
    """
    by_end = np.argsort(ends, kind="stable")  # (n,) the same parts, each by end
    # how many spans end where one begins, or before; how many begin before one ends
    n_before = np.searchsorted(ends[by_end], starts, side="right")  # (n,)
    n_until = np.searchsorted(starts, ends, side="left")  # (n,)
    units = [int(score * _UNITS) for score in scores.tolist()]
    befores, untils, ends_first = n_before.tolist(), n_until.tolist(), by_end.tolist()
    log_probs = np.zeros(len(starts))
    for first, stop in pairwise(edges.tolist()):
        if stop - first == 1:
            continue
        left = [0]  # log sums over the sets of the first spans by end
        for i in ends_first[first:stop]:
            left.append(_log_add(left[-1], units[i] + left[befores[i] - first]))
        right = [0]  # over those of the last spans by start
        for i in range(stop - 1, first - 1, -1):
            right.append(_log_add(right[-1], units[i] + right[stop - untils[i]]))
        for i in range(first, stop):
            with_span = left[befores[i] - first] + units[i] + right[stop - untils[i]]
            log_probs[i] = (with_span - left[-1]) / _UNITS
    return np.exp(np.minimum(log_probs, 0.0))


def _log_add(one: int, other: int) -> int:
    """log(exp(one) + exp(other)), all in units."""
    high, low = (one, other) if one > other else (other, one)
    return high + int(math.log1p(math.exp((low - high) / _UNITS)) * _UNITS)
