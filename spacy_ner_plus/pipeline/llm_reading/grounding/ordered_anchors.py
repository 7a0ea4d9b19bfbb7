"""Which of the mentions whose places are known were named in the order of the text."""

from bisect import bisect_left
from collections import Counter
from collections.abc import Sequence


def ordered_anchors(starts: Sequence[int]) -> list[int]:
    """The members of every longest increasing subsequence.

    A mention that was named late or early is not among them, so that it says nothing of where
    others are; nor are those of which one or another may be out of order.

    starts (Sequence[int]): The places, in the order in which they were named.
    RETURNS (List[int]): Indices, ascending.
    """
    up_to = _lengths(starts)
    onward = _lengths([-start for start in reversed(starts)])[::-1]
    longest = max(up_to, default=0)
    members = [i for i in range(len(starts)) if up_to[i] + onward[i] - 1 == longest]
    n_at = Counter(up_to[i] for i in members)
    return [i for i in members if n_at[up_to[i]] == 1]


def _lengths(values: Sequence[int]) -> list[int]:
    """How long the longest strictly increasing subsequence is that ends with each value."""
    least_ends: list[int] = []
    lengths = []
    for value in values:
        at = bisect_left(least_ends, value)
        least_ends[at : at + 1] = [value]
        lengths.append(at + 1)
    return lengths
