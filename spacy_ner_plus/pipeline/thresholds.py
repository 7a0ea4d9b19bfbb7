"""Thresholds: the least probability that an entity must have, one for all types or one for each."""

from collections.abc import Iterable, Mapping
from typing import Any

import numpy as np

from ..support.numbers import as_float

Threshold = float | Mapping[str, float] | None


def read_threshold(threshold: Any) -> Threshold:
    """A threshold as it was given, with numbers for those that are written as text.

    RAISES ValueError: If one is no probability.
    """
    if threshold is None:
        return None
    if isinstance(threshold, Mapping):
        return {label: _probability(value, f" of {label!r}") for label, value in threshold.items()}
    return _probability(threshold)


def _probability(value: Any, of_label: str = "") -> float:
    try:
        number = as_float(value, "threshold")
    except ValueError:
        number = float("nan")
    if not 0.0 <= number <= 1.0:  # false for NaN, too
        raise ValueError(f"threshold = {value!r}{of_label} must be a probability, from 0 to 1.")
    return number


def thresholds(
    threshold: Threshold, labels: Iterable[str], unset: np.ndarray | float = 0.0
) -> np.ndarray:
    """(n_labels,) float64, the least probability of an entity of each type.

    unset: That of types for which none is set, one for all or (n_labels,) float64.
    RAISES ValueError: If a threshold is no probability, or set for a type that there is not.
    """
    threshold = read_threshold(threshold)  # it may have been set since the component was made
    labels = list(labels)
    found = np.full(len(labels), unset, dtype=np.float64)  # (n_labels,)
    if isinstance(threshold, Mapping):
        check_labels("threshold", threshold, labels)
        for label, value in threshold.items():
            found[labels.index(label)] = value
    elif threshold is not None:
        found[:] = threshold
    return found


def check_labels(setting: str, values: Mapping[str, Any], labels: list[str]) -> None:
    """Check a setting that has a value for some of the types.

    RAISES ValueError: If it has one for a type that there is not.
    """
    unknown = sorted(set(values) - set(labels))
    if unknown:
        raise ValueError(f"{setting} names the types {unknown}, but the types are {labels}.")
