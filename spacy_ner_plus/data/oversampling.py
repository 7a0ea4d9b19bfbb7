"""How often documents are read that have entities of rare types. Numpy only.

It is the repeat factor sampling of Gupta, Dollar and Girshick (2019), "LVIS: A Dataset for Large
Vocabulary Instance Segmentation", with documents for images, and with a cap. Each document with a
label that a share f of the documents has is read

    r(label) = max(1, sqrt(threshold / f))

times, and a document as often as its rarest label says, but not more than max_repeats times:

    r(document) = min(max_repeats, max over its labels of r(label))

Factors are no whole numbers. `draw_repeats` rounds them so that each document comes r times on
average, and all together as often as the sum says, give or take one (systematic sampling).
"""

from collections import Counter
from collections.abc import Collection, Sequence

import numpy as np

from ..support.numbers import as_float


def repeat_factors(
    labels: Sequence[Collection[str]], threshold: float, max_repeats: float
) -> np.ndarray:
    """How often each document is read on average.

    labels (Sequence[Collection[str]]): The types of the entities in each document.
    threshold (float): The share of documents below which a label is rare.
    max_repeats (float): The cap.
    RETURNS: (n_docs,) float64, at least 1.
    """
    n_having = Counter(label for one in labels for label in set(one))
    of_label = {
        label: max(1.0, float(np.sqrt(threshold * len(labels) / n)))
        for label, n in n_having.items()
    }
    factors = [max((of_label[label] for label in one), default=1.0) for one in labels]
    return np.minimum(np.array(factors, dtype=np.float64), max_repeats)


def draw_repeats(factors: np.ndarray, start: float) -> np.ndarray:
    """Whole numbers for repeat factors.

    factors: (n_docs,) float64, at least 1.
    start (float): From 0 to less than 1, drawn alike for all numbers.
    RETURNS: (n_docs,) int64, each its factor rounded up or down.
    """
    extra = np.cumsum(np.concatenate([[start], factors - 1.0]))  # (n_docs + 1,)
    # sums of the same factors in another order may differ in the last digit: a whole stays one
    whole = np.floor(np.round(extra, 9)).astype(np.int64)
    return 1 + np.diff(whole)


def read_oversampling(threshold: float | None, max_repeats: float) -> tuple[float | None, float]:
    """The settings, as numbers.

    RAISES ValueError: The threshold is not over 0 and at most 1, or the cap less than 1.
    """
    if threshold is not None:
        threshold = as_float(threshold, "oversample")
        if not 0.0 < threshold <= 1.0:
            raise ValueError(
                f"oversample = {threshold} must be over 0 and at most 1, a share of documents."
            )
    cap = as_float(max_repeats, "max_repeats")
    if not 1.0 <= cap < float("inf"):
        raise ValueError(f"max_repeats = {max_repeats} must be at least 1.")
    return threshold, cap


def effect_of(
    labels: Sequence[Collection[str]], factors: np.ndarray
) -> dict[str, tuple[int, float]]:
    """For each label, how many documents have it, and how often they are read in all, on average.

    The rarest ones come first.
    """
    n_having: Counter[str] = Counter()
    n_read: dict[str, float] = {}
    for one, factor in zip(labels, factors.tolist(), strict=True):
        for label in set(one):
            n_having[label] += 1
            n_read[label] = n_read.get(label, 0.0) + factor
    order = sorted(n_having, key=lambda label: (n_having[label], label))
    return {label: (n_having[label], n_read[label]) for label in order}
