"""How well spans inside of others are found: counts by depth, and their scores.

What depth is, `nesting.span_relations` says.
"""

from collections import Counter
from collections.abc import Sequence

import numpy as np

from ..nesting.span_relations import depths

Span = tuple[int, int, str]
"""Start, end (exclusive) and label."""

GOLD, FOUND, PREDICTED, RIGHT = range(4)
"""Columns of tables of counts by depth: see count_by_depth."""


def count_by_depth(
    gold: Sequence[Sequence[Span]], predicted: Sequence[Sequence[Span]]
) -> np.ndarray:
    """Compare the spans of each document, by their depth among those of their own side.

    gold, predicted (Sequence[Sequence[Span]]): By document, as in spans.count_spans.
    RETURNS: (n_docs, n_depths, 4) int64, by the depth of gold spans how many there are and how many
        are found, by that of predicted spans how many there are and how many are right: columns
        GOLD, FOUND, PREDICTED, RIGHT. Found and right ones are the same spans, but a span may have
        another depth on the other side. There is one depth at least.
    """
    rows = [_counted_by_depth(*pair) for pair in zip(gold, predicted, strict=True)]
    n_depths = max([1, *(depth + 1 for row in rows for depth, _ in row)])
    counts = np.zeros((len(rows), n_depths, 4), dtype=np.int64)
    for table, row in zip(counts, rows, strict=True):
        for (depth, column), n in row.items():
            table[depth, column] = n
    return counts


def depth_scores(counts: np.ndarray) -> np.ndarray:
    """Precision, recall and F1 of counts by depth. A ratio without cases is 0.0.

    counts: (..., 4), see count_by_depth; sums over documents or depths too.
    RETURNS: (..., 3) float64. F1 is the harmonic mean of the precision of predicted spans at a
        depth and the recall of gold spans there.
    """
    counts = np.asarray(counts, dtype=np.float64)
    precision = _ratio(counts[..., RIGHT], counts[..., PREDICTED])
    recall = _ratio(counts[..., FOUND], counts[..., GOLD])
    f1 = _ratio(2 * precision * recall, precision + recall)
    return np.stack([precision, recall, f1], axis=-1)


def _counted_by_depth(gold: Sequence[Span], predicted: Sequence[Span]) -> Counter[tuple[int, int]]:
    """Of one document, by depth and column."""
    wanted, found = Counter(gold), Counter(predicted)
    common = wanted & found
    row: Counter[tuple[int, int]] = Counter()
    for side, all_column, right_column in ((wanted, GOLD, FOUND), (found, PREDICTED, RIGHT)):
        depth_of = depths(span[:2] for span in side)
        for span, n in side.items():
            row[depth_of[span[:2]], all_column] += n
            row[depth_of[span[:2]], right_column] += common[span]
    return row


def _ratio(part: np.ndarray, whole: np.ndarray) -> np.ndarray:
    return np.divide(part, whole, out=np.zeros(np.shape(part)), where=np.asarray(whole) != 0)
