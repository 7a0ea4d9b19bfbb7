"""Confidence intervals of the exact scores, by drawing documents."""

from collections.abc import Sequence

import numpy as np

from ..metrics.bootstrap import LEVEL, bootstrap, percentile_interval
from .score_types import Intervals, MeasureIntervals


def intervals(
    labels: Sequence[str], counts: np.ndarray, samples: int = 2000, seed: int = 0
) -> Intervals | None:
    """Bootstrap intervals of all scores.

    labels (Sequence[str]), counts: (n_docs, n_labels, 3), see exact.document_counts.
    RETURNS: None with fewer than two documents, of which nothing can be drawn.
    """
    if len(counts) < 2:
        return None
    scores = bootstrap(counts, samples, seed)
    types = percentile_interval(scores.types)  # (n_labels, 3, 2)
    return Intervals(
        level=LEVEL,
        samples=samples,
        seed=seed,
        micro=measure_intervals(percentile_interval(scores.micro)),
        macro=measure_intervals(percentile_interval(scores.macro)),
        weighted=measure_intervals(percentile_interval(scores.weighted)),
        types={label: measure_intervals(ends) for label, ends in zip(labels, types, strict=True)},
    )


def measure_intervals(ends: np.ndarray) -> MeasureIntervals:
    """ends: (3, 2) float, the lower and the upper end of each measure."""
    precision, recall, f1 = ((low, high) for low, high in ends.tolist())
    return MeasureIntervals(precision, recall, f1)
