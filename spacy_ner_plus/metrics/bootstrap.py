"""Confidence intervals of scores: the bootstrap over documents.

Efron and Tibshirani (1993), "An Introduction to the Bootstrap", chapter 13: the percentile
interval. Documents are what is drawn, because entities of one document are not independent.
"""

import numpy as np

from .spans import Scores, scores_of

LEVEL = 0.95
# Weights of samples and documents that are in memory at a time: 64 MB.
MAX_WEIGHTS = 8_000_000


def resample(counts: np.ndarray, samples: int, seed: int) -> np.ndarray:
    """The sums over documents drawn with replacement, as many as there are.

    counts: (n_docs, ...) numbers of each document. The same seed draws the same documents, so that
        two systems on the same documents are compared in pairs.
    RETURNS: (samples, ...) float64; whole numbers stay whole.
    """
    n_docs = len(counts)
    flat = counts.reshape(n_docs, -1).astype(np.float64)  # (n_docs, n_numbers)
    random = np.random.default_rng(seed)
    sums = np.empty((samples, flat.shape[1]))
    step = max(1, MAX_WEIGHTS // max(1, n_docs))
    share = np.full(n_docs, 1.0 / n_docs)
    for start in range(0, samples, step):
        n = min(step, samples - start)
        # (n, n_docs): how often each document is drawn
        sums[start : start + n] = random.multinomial(n_docs, share, size=n) @ flat
    return sums.reshape(samples, *counts.shape[1:])


def bootstrap(counts: np.ndarray, samples: int = 2000, seed: int = 0) -> Scores:
    """Scores of bootstrap samples: (samples, ...) in each array.

    counts: (n_docs, n_labels, 3), see count_spans; one document at least.
    """
    return scores_of(resample(counts, samples, seed))


def percentile_interval(values: np.ndarray, level: float = LEVEL) -> np.ndarray:
    """What the middle share of bootstrap samples lies between.

    values: (samples, ...). RETURNS: (..., 2), lower and upper end.
    """
    outside = (1.0 - level) / 2.0
    return np.moveaxis(np.quantile(values, [outside, 1.0 - outside], axis=0), 0, -1)


def known_interval(values: np.ndarray) -> tuple[float, float] | None:
    """The percentile interval of those samples that have a value.

    values: (samples,), NaN where the documents that were drawn have nothing to measure.
    RETURNS: None if there is none.
    """
    known = values[~np.isnan(values)]
    if not len(known):
        return None
    low, high = percentile_interval(known).tolist()
    return low, high
