"""Thresholds: the least probability that an entity must have, one for all types or one for each."""

from collections.abc import Iterable, Mapping

import numpy as np

Threshold = float | Mapping[str, float] | None


def check_threshold(threshold: Threshold) -> None:
    """RAISES ValueError: If a threshold is no probability."""
    values = threshold.values() if isinstance(threshold, Mapping) else [threshold or 0.0]
    for value in values:
        if not 0.0 <= value <= 1.0:
            raise ValueError(f"threshold = {value} must be a probability, from 0 to 1.")


def thresholds(threshold: Threshold, labels: Iterable[str]) -> np.ndarray:
    """(n_labels,) the least probability of an entity of each type; 0 where none is set.

    RAISES ValueError: If a threshold is set for a type that there is not.
    """
    labels = list(labels)
    if not isinstance(threshold, Mapping):
        return np.full(len(labels), threshold or 0.0)
    check_labels("threshold", threshold, labels)
    return np.array([threshold.get(label, 0.0) for label in labels])


def check_labels(setting: str, values: Mapping[str, float], labels: list[str]) -> None:
    """Check a setting that has a value for some of the types.

    RAISES ValueError: If it has one for a type that there is not.
    """
    unknown = sorted(set(values) - set(labels))
    if unknown:
        raise ValueError(f"{setting} names the types {unknown}, but the types are {labels}.")
