"""Whether one system is better than another on the same documents.

Approximate randomisation (Noreen 1989, "Computer-Intensive Methods for Testing Hypotheses"; Yeh
2000, "More accurate tests for the statistical significance of result differences") gives p-values,
the paired bootstrap intervals. Both treat documents as a whole, because entities of one document
are not independent, and F1, which is no mean over entities, has no simpler test (Dror et al. 2018,
"The hitchhiker's guide to testing statistical significance in natural language processing").
"""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from ...metrics.bootstrap import percentile_interval, resample
from ...metrics.spans import scores_of

# Differences of scores that are the same but for rounding.
ROUNDING = 1e-12
# Numbers of a block of swaps that are in memory at a time: 64 MB.
MAX_NUMBERS = 8_000_000


@dataclass(frozen=True)
class Randomisation:
    """p-values of the differences between two systems.

    p: (2 + n_labels, 3) float, rows and columns as in score_table.
    swaps (int): How many ways to swap documents were looked at.
    exact (bool): Whether these are all ways there are, so that no chance is in the p-values.
    """

    p: np.ndarray
    swaps: int
    exact: bool


def score_table(counts: np.ndarray) -> np.ndarray:
    """Scores of a corpus, or of many, in one table.

    counts: (..., n_labels, 3) true positives, false positives, false negatives.
    RETURNS: (..., 2 + n_labels, 3), rows micro, macro, then each label; columns precision, recall,
        F1.
    """
    scores = scores_of(counts)
    summary = np.stack([scores.micro, scores.macro], axis=-2)
    return np.concatenate([summary, scores.types], axis=-2)


def difference_intervals(
    counts_a: np.ndarray, counts_b: np.ndarray, samples: int, seed: int
) -> np.ndarray | None:
    """95 % intervals of score_table of B minus that of A.

    This is the percentile bootstrap, with the same documents drawn for both.

    counts_a, counts_b: (n_docs, n_labels, 3), of the same documents and labels.
    RETURNS: (2 + n_labels, 3, 2), lower and upper end; None with fewer than two documents.
    """
    if len(counts_a) < 2:
        return None
    # (samples, 2, n_labels, 3)
    drawn = resample(np.stack([counts_a, counts_b], axis=1), samples, seed)
    return percentile_interval(_difference(drawn[:, 0], drawn[:, 1]))


def randomisation(
    counts_a: np.ndarray, counts_b: np.ndarray, swaps: int, seed: int
) -> Randomisation:
    """How probable a difference as large as that between A and B is by chance.

    It is counted in either direction, as if it were chance which of both outputs of a document is
    A's and which is B's.

    counts_a, counts_b: (n_docs, n_labels, 3), of the same documents and labels.
    swaps (int): How often documents are swapped at random. If there are no more ways than that to
        swap the documents on which the systems differ, each is looked at once.
    RETURNS: p = share of the ways with such a difference; (n + 1) / (swaps + 1) of random ones,
        where n have it, which never is 0.
    """
    sum_a, sum_b = counts_a.sum(axis=0), counts_b.sum(axis=0)  # (n_labels, 3)
    change = counts_b - counts_a
    # swapping equal outputs changes nothing
    change = change[change.any(axis=(1, 2))].astype(np.float64)  # (n_differing, n_labels, 3)
    n_differing = len(change)
    limit = np.abs(_difference(sum_a, sum_b)) - ROUNDING
    exact = n_differing < 63 and 2**n_differing <= swaps
    rows = max(1, MAX_NUMBERS // max(1, n_differing, 2 * change[0].size if n_differing else 1))
    blocks = _all_swaps(n_differing, rows) if exact else _random(n_differing, swaps, rows, seed)
    n_looked_at, n_as_large = 0, np.zeros(limit.shape, dtype=np.int64)
    for swapped in blocks:  # (block, n_differing) of 0.0 and 1.0
        moved = np.tensordot(swapped, change, axes=1)  # (block, n_labels, 3)
        differences = _difference(sum_a + moved, sum_b - moved)
        n_as_large += (np.abs(differences) >= limit).sum(axis=0)
        n_looked_at += len(swapped)
    p = n_as_large / n_looked_at if exact else (n_as_large + 1) / (n_looked_at + 1)
    return Randomisation(p, n_looked_at, exact)


def holm(p: np.ndarray) -> np.ndarray:
    """p-values corrected for how many there are.

    So the chance of any false alarm stays below the level (Holm 1979, "A simple sequentially
    rejective multiple test procedure").

    p: (n, ...), corrected along the first axis.
    """
    n = len(p)
    order = np.argsort(p, axis=0, kind="stable")
    factors = np.arange(n, 0, -1).reshape(n, *[1] * (p.ndim - 1))
    stepped = np.maximum.accumulate(np.take_along_axis(p, order, axis=0) * factors, axis=0)
    corrected = np.empty_like(p)
    np.put_along_axis(corrected, order, np.minimum(stepped, 1.0), axis=0)
    return corrected


def _difference(counts_a: np.ndarray, counts_b: np.ndarray) -> np.ndarray:
    return score_table(counts_b) - score_table(counts_a)


def _all_swaps(n: int, rows: int) -> Iterator[np.ndarray]:
    """All rows of n zeros and ones, in blocks of (at most rows, n)."""
    for start in range(0, 2**n, rows):
        numbers = np.arange(start, min(start + rows, 2**n), dtype=np.int64)
        yield (numbers[:, None] >> np.arange(n) & 1).astype(np.float64)


def _random(n: int, swaps: int, rows: int, seed: int) -> Iterator[np.ndarray]:
    """As many random rows of n zeros and ones, in blocks of (at most rows, n)."""
    random = np.random.default_rng(seed)
    for start in range(0, swaps, rows):
        block = min(rows, swaps - start)
        octets = random.integers(0, 256, size=(block, -(-n // 8)), dtype=np.uint8)
        yield np.unpackbits(octets, axis=1, count=n).astype(np.float64)
