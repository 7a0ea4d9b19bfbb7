"""Of phrases that overlap in a text, some that do not: by spaCy's rule, for millions of hits."""

import numpy as np


def longest_first(starts: np.ndarray, ends: np.ndarray, n_tokens: int) -> np.ndarray:
    """The rule of spacy.util.filter_spans: the longest first, of equally long ones the first.

    starts, ends: (n_hits,) int64, in any order; ends exclusive.
    n_tokens (int): Of the texts that they are in. Hits of different texts never overlap.
    RETURNS: (n_hits,) bool, which are taken. Of hits of the same place, the first in order is.
    """
    lengths = ends - starts  # (n_hits,)
    order = np.lexsort((starts, -lengths))  # (n_hits,) stable
    is_taken = np.zeros(len(starts), dtype=bool)
    is_covered = np.zeros(n_tokens, dtype=bool)
    if not len(order):
        return is_taken
    sizes, firsts = np.unique(-lengths[order], return_index=True)
    for size, group in zip(-sizes, np.split(order, firsts[1:]), strict=True):
        # what is taken already is no shorter, so that it covers one of the ends of what it overlaps
        free = group[~(is_covered[starts[group]] | is_covered[ends[group] - 1])]
        taken = free[_leftmost(starts[free], int(size))]
        is_taken[taken] = True
        is_covered[(starts[taken][:, None] + np.arange(size)).ravel()] = True  # (n_taken * size,)
    return is_taken


def _leftmost(starts: np.ndarray, size: int) -> np.ndarray:
    """Which hits of one length do not overlap, taken from left to right: (n,) bool.

    starts: (n,) int64, ascending.
    """
    is_taken = np.ones(len(starts), dtype=bool)
    overlaps = np.diff(starts) < size  # (n - 1,) the one before
    free_from = -1
    for i in (np.flatnonzero(overlaps) + 1).tolist():
        if is_taken[i - 1]:
            free_from = starts[i - 1] + size
        is_taken[i] = starts[i] >= free_from
    return is_taken
