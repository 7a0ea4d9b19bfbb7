"""Thresholds: the least probability that an entity must have, one for all types or one for each."""

from collections.abc import Iterable, Mapping
from numbers import Real
from typing import Any

import numpy as np

Threshold = float | Mapping[str, float] | None


def check_threshold(threshold: Threshold) -> None:
    """RAISES ValueError: If a threshold is no probability."""
    if isinstance(threshold, Mapping):
        for label, value in threshold.items():
            _check_probability(value, f" of {label!r}")
    elif threshold is not None:
        _check_probability(threshold)


def _check_probability(value: Any, of_label: str = "") -> None:
    is_number = isinstance(value, Real) and not isinstance(value, bool)
    if not is_number or not 0.0 <= value <= 1.0:  # false for NaN, too
        raise ValueError(f"threshold = {value!r}{of_label} must be a probability, from 0 to 1.")


def thresholds(threshold: Threshold, labels: Iterable[str]) -> np.ndarray:
    """(n_labels,) float64, the least probability of an entity of each type; 0 where none is set.

    RAISES ValueError: If a threshold is no probability, or set for a type that there is not.
    """
    check_threshold(threshold)  # it may have been set since the component was made
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
