"""Mean and standard deviation of scores over runs."""

from collections.abc import Sequence
from statistics import mean, stdev
from typing import Any

from .trial import MEASURES


def summarise(runs: Sequence[dict[str, Any]]) -> dict[str, Any]:
    """Put the scores of runs together.

    runs (Sequence[Dict[str, Any]]): Scores as trial.read_scores gives them.
    RETURNS (Dict[str, Any]): "micro", "macro" and, by label, "per_type": of precision, recall and
        f1 the "mean", the sample standard deviation "sd" (None of one run) and the number "n" of
        runs; a type counts in those where it has gold or predicted entities.
    """
    labels = sorted(set().union(*(run["per_type"] for run in runs)))
    return {
        "micro": _summarise([run["micro"] for run in runs]),
        "macro": _summarise([run["macro"] for run in runs]),
        "per_type": {
            label: _summarise(
                [run["per_type"][label] for run in runs if label in run["per_type"]]
            )
            for label in labels
        },
    }


def spread(values: Sequence[float]) -> dict[str, Any]:
    """Mean, sample standard deviation (None of one value) and number of values."""
    return {
        "mean": mean(values),
        "sd": stdev(values) if len(values) > 1 else None,
        "n": len(values),
    }


def _summarise(scores: Sequence[dict[str, Any]]) -> dict[str, Any]:
    return {name: spread([score[name] for score in scores]) for name in MEASURES}
