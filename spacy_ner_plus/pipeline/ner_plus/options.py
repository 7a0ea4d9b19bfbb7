"""Settings of the component that need looking at: thresholds and label weights."""

from collections import Counter
from collections.abc import Iterable, Mapping

import numpy as np

Threshold = float | Mapping[str, float] | None
LabelWeights = str | Mapping[str, float] | None

EXISTING_ENTS = ("keep", "overwrite", "constrain")
BALANCED = "balanced"


def check_existing_ents(value: str) -> None:
    if value not in EXISTING_ENTS:
        raise ValueError(f"existing_ents = {value!r} is unknown: use one of {EXISTING_ENTS}.")


def check_threshold(threshold: Threshold) -> None:
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
    _check_labels("threshold", threshold, labels)
    return np.array([threshold.get(label, 0.0) for label in labels])


def check_label_weights(weights: LabelWeights) -> None:
    if isinstance(weights, str):
        if weights != BALANCED:
            raise ValueError(
                f"label_weights = {weights!r} is unknown: use \"{BALANCED}\", or a weight for each "
                "type, such as {\"Disease\": 2.0}."
            )
    else:
        for label, weight in (weights or {}).items():
            if not 0.0 < weight < float("inf"):
                raise ValueError(f"label_weights: the weight {weight} of {label!r} must be over 0.")


def check_label_smoothing(smoothing: float) -> None:
    if not 0.0 <= smoothing < 1.0:
        raise ValueError(f"label_smoothing = {smoothing} must be at least 0 and less than 1.")


def check_weighted_labels(weights: LabelWeights, labels: Iterable[str]) -> None:
    """RAISES ValueError: If a weight is set for a type that there is not."""
    if isinstance(weights, Mapping):
        _check_labels("label_weights", weights, list(labels))


def balanced_weights(counts: Counter[str], labels: Iterable[str]) -> dict[str, float]:
    """Weights that are inversely proportional to the numbers of entities, 1 for the mean number.

    counts (Counter): Entities by type. Types without any have weight 1.
    """
    seen = {label: counts[label] for label in labels if counts[label]}
    mean = sum(seen.values()) / max(1, len(seen))
    return {label: mean / count for label, count in seen.items()}


def _check_labels(setting: str, values: Mapping[str, float], labels: list[str]) -> None:
    unknown = sorted(set(values) - set(labels))
    if unknown:
        raise ValueError(f"{setting} names the types {unknown}, but the types are {labels}.")
