"""Which of two systems is better at entities inside of others."""

from collections.abc import Sequence

import numpy as np

from ...metrics.bootstrap import percentile_interval, resample
from ...metrics.depth_scores import depth_scores
from ...nesting.nesting_counts import NestingCounts, count_nesting
from ..documents import Document
from ..nested_scores import LEVELS, level_counts, level_scores
from .comparison_schema import LevelComparison, NestingComparison


def compare_nesting(
    a: Sequence[Document], b: Sequence[Document], samples: int, seed: int
) -> NestingComparison | None:
    """Compare scores of outermost entities, and of those inside of others.

    a, b (Sequence[Document]): The same documents with the predictions of each.
    samples, seed (int): Of the paired bootstrap.
    RETURNS: None if no gold entities share a token, nor any that one system predicts.
    """
    sides = [[e.span for e in side] for doc in (*a, *b) for side in (doc.gold, doc.predicted)]
    if not any(count_nesting(side).any_overlap for side in sides):
        return None
    counts = np.stack([level_counts(a), level_counts(b)], axis=1)  # (n_docs, 2 systems, 2, 4)
    of_a, of_b = (level_scores(LEVELS, its) for its in counts.sum(axis=0))
    ends = _intervals(counts, samples, seed)
    outer, inner = (
        LevelComparison(
            its_a,
            its_b,
            difference=None if its_a.f1 is None or its_b.f1 is None else its_b.f1 - its_a.f1,
            interval=interval if its_a.gold else None,
        )
        for its_a, its_b, interval in zip(of_a, of_b, ends, strict=True)
    )
    golds = (count_nesting(entity.span for entity in doc.gold) for doc in a)
    gold = sum(golds, start=NestingCounts())
    return NestingComparison(gold=gold, outer=outer, inner=inner)


def _intervals(counts: np.ndarray, samples: int, seed: int) -> list[tuple[float, float] | None]:
    """Of F1 of B minus that of A at each level. counts: (n_docs, 2 systems, 2 levels, 4)."""
    if len(counts) < 2:
        return [None, None]
    f1 = depth_scores(resample(counts, samples, seed))[..., 2]  # (samples, 2 systems, 2 levels)
    return [(low, high) for low, high in percentile_interval(f1[:, 1] - f1[:, 0]).tolist()]
