"""Settings of learning that need looking at: label weights, smoothing, focal loss, consistency."""

from collections import Counter
from collections.abc import Iterable, Mapping
from typing import Any

from ...support.numbers import as_float
from ..thresholds import check_labels

LabelWeights = str | Mapping[str, float] | None

BALANCED = "balanced"


def read_label_weights(weights: Any) -> LabelWeights:
    """Label weights as they were given, with numbers for those that are written as text.

    RAISES ValueError: If they are no weights over 0, nor "balanced".
    """
    if weights is None or weights == BALANCED:
        return weights
    if not isinstance(weights, Mapping):
        raise ValueError(
            f'label_weights = {weights!r} is unknown: use "{BALANCED}", or a weight for each '
            'type, such as {"Disease": 2.0}.'
        )
    read = {
        label: as_float(weight, f"label_weights: {label!r}") for label, weight in weights.items()
    }
    for label, weight in read.items():
        if not 0.0 < weight < float("inf"):
            raise ValueError(f"label_weights: the weight {weight} of {label!r} must be over 0.")
    return read


def read_label_smoothing(smoothing: Any) -> float:
    """A share. RAISES ValueError: If it is not at least 0 and less than 1."""
    share = as_float(smoothing, "label_smoothing")
    if not 0.0 <= share < 1.0:
        raise ValueError(f"label_smoothing = {smoothing} must be at least 0 and less than 1.")
    return share


def read_focal_gamma(gamma: Any) -> float:
    """An exponent. RAISES ValueError: If it is not at least 0, or without end."""
    exponent = as_float(gamma, "focal_gamma")
    if not 0.0 <= exponent < float("inf"):
        raise ValueError(f"focal_gamma = {gamma} must be at least 0.")
    return exponent


def read_consistency(weight: Any, *, learns_rule_weights: bool) -> float:
    """A weight.

    RAISES ValueError: If it is less than 0 or without end, or if weights of rules are to be learned
        too: what is held out for these is in none of the two passes' losses, but would be here.
    """
    value = as_float(weight, "consistency")
    if not 0.0 <= value < float("inf"):
        raise ValueError(f"consistency = {weight} must be at least 0.")
    if value and learns_rule_weights:
        raise ValueError(
            f"consistency = {weight} can't be used with learn_rule_weights = true, which keeps "
            "phrases out of the loss: set one of them to its default."
        )
    return value


def read_learn_rule_weights(learns: Any) -> bool:
    """RAISES ValueError: If it is neither true nor false."""
    if not isinstance(learns, bool):
        raise ValueError(f"learn_rule_weights = {learns!r} must be true or false.")
    return learns


def check_weighted_labels(weights: LabelWeights, labels: Iterable[str]) -> None:
    """RAISES ValueError: If a weight is set for a type that there is not."""
    if isinstance(weights, Mapping):
        check_labels("label_weights", weights, list(labels))


def balanced_weights(counts: Counter[str], labels: Iterable[str]) -> dict[str, float]:
    """Weights that are inversely proportional to the numbers of entities, 1 for the mean number.

    counts (Counter): Entities by type. Types without any have weight 1.
    """
    seen = {label: counts[label] for label in labels if counts[label]}
    mean = sum(seen.values()) / max(1, len(seen))
    return {label: mean / count for label, count in seen.items()}


def fault_of_weights(weights: Any) -> str | None:
    """What is wrong with the weights of labels in a cfg that was saved; None if nothing is."""
    if not isinstance(weights, dict) or not all(
        isinstance(weight, int | float) and 0 < weight < float("inf") for weight in weights.values()
    ):
        return "has no weights of labels"
    return None
