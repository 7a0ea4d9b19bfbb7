"""How far the probabilities of predicted entities can be trusted, and where to cut them off."""

import json
from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from ..metrics.reliability import expected_calibration_error, log_loss, reliability_bins
from .intervals import MEASURES
from .judged import Judged

MOST_POINTS = 200
LEAST_DIGITS = 2


def confidence(
    gold: Sequence[Judged],
    predicted: Sequence[Judged],
    *,
    wanted_precision: float,
    least: Mapping[str, float],
) -> dict[str, Any] | None:
    """Reliability, curves over the threshold and the best thresholds, as metrics.json has them.

    wanted_precision (float): What the second kind of threshold is to reach.
    least (Mapping[str, float]): Thresholds by type that the pipeline has already, other than 0.
    RETURNS: None if no predicted entity has a probability. Those without one, such as of an
        entity_ruler, stay at any threshold, and reliability is not about them.
    """
    sure = [one for one in predicted if one.entity.probability is not None]
    always = [one for one in predicted if one.entity.probability is None]
    if not sure:
        return None
    probabilities = _array([one.entity.probability for one in sure])
    right = np.array([one.right for one in sure], dtype=bool)
    bare = _array([one.entity.uncalibrated for one in sure])
    has_bare = ~np.isnan(bare)
    labels = np.array([one.entity.label for one in sure])
    n_gold = Counter(one.entity.label for one in gold)
    n_always = Counter((one.entity.label, one.right) for one in always)
    cuts = {
        label: Cuts(
            probabilities[labels == label],
            right[labels == label],
            n_gold[label],
            n_right_always=n_always[label, True],
            n_wrong_always=n_always[label, False],
        )
        for label in sorted({one.entity.label for one in sure})
    }
    n_right_always = sum(one.right for one in always)
    micro = Cuts(
        probabilities,
        right,
        len(gold),
        n_right_always=n_right_always,
        n_wrong_always=len(always) - n_right_always,
    )
    return {
        "without_probability": len(always),
        "reliability": {
            "after": _reliability(probabilities, right),
            "before": _reliability(bare[has_bare], right[has_bare]) if has_bare.any() else None,
        },
        "curves": {
            "micro": micro.curve(),
            "types": {label: its.curve() for label, its in cuts.items()},
        },
        "thresholds": _thresholds(cuts, wanted_precision, least),
    }


class Cuts:
    """What remains of predicted entities at each threshold that makes a difference.

    An entity stays if its probability is at least the threshold, as in the component's setting.

    probabilities: (n,) float. right: (n,) bool. n_gold (int): Gold entities.
    n_right_always, n_wrong_always (int): Entities that stay at any threshold.
    """

    def __init__(
        self,
        probabilities: np.ndarray,
        right: np.ndarray,
        n_gold: int,
        *,
        n_right_always: int = 0,
        n_wrong_always: int = 0,
    ) -> None:
        order = np.argsort(-probabilities, kind="stable")
        ordered = probabilities[order]
        is_last = np.append(ordered[1:] != ordered[:-1], True)  # of equal probabilities
        n_kept = np.flatnonzero(is_last) + 1 + n_right_always + n_wrong_always
        n_right = np.cumsum(right[order])[is_last] + n_right_always
        # from all entities to the most probable ones only
        self._lowest = ordered[is_last][::-1]  # (n_cuts,)
        self.precision = (n_right / n_kept)[::-1]
        self.recall = n_right[::-1] / max(1, n_gold)
        self.f1 = (2 * n_right / (n_kept + n_gold))[::-1]

    def threshold(self, cut: int) -> float:
        """A short number that keeps just what a cut keeps."""
        if cut == 0:
            return 0.0
        return _short_between(float(self._lowest[cut - 1]), float(self._lowest[cut]))

    def at(self, cut: int) -> dict[str, float]:
        return {name: float(getattr(self, name)[cut]) for name in MEASURES}

    def curve(self) -> dict[str, list[float]]:
        """At most MOST_POINTS cuts, with about as many entities between one and the next."""
        n = len(self._lowest)
        cuts = np.unique(np.linspace(0, n - 1, min(n, MOST_POINTS)).round().astype(int)).tolist()
        return {
            "threshold": [self.threshold(cut) for cut in cuts],
            **{name: getattr(self, name)[cuts].tolist() for name in MEASURES},
        }

    def best_f1(self) -> int:
        return int(np.argmax(self.f1))

    def best_recall(self, precision: float) -> int | None:
        """The cut of most recall among those that reach a precision; None if none does."""
        reached = np.flatnonzero(self.precision >= precision)
        if not len(reached):
            return None
        recall = self.recall[reached]
        # the last of equal ones leaves out more that is wrong
        return int(reached[np.flatnonzero(recall == recall.max())[-1]])


def _thresholds(
    cuts: Mapping[str, Cuts], wanted_precision: float, least: Mapping[str, float]
) -> dict[str, Any]:
    types: dict[str, dict[str, Any]] = {}
    for label, its in cuts.items():
        chosen = {"f1": its.best_f1(), "precision": its.best_recall(wanted_precision)}
        types[label] = {
            goal: None
            if cut is None
            # below the pipeline's own threshold there are entities that this evaluation lacks
            else {"threshold": max(its.threshold(cut), least.get(label, 0.0)), **its.at(cut)}
            for goal, cut in chosen.items()
        }
    return {
        "wanted_precision": wanted_precision,
        "types": types,
        "config": {goal: _config(types, goal, least) for goal in ("f1", "precision")},
    }


def _config(types: Mapping[str, Any], goal: str, least: Mapping[str, float]) -> str:
    values = dict(least)
    values |= {label: its[goal]["threshold"] for label, its in types.items() if its[goal]}
    values = {label: threshold for label, threshold in values.items() if threshold}
    return f"threshold = {json.dumps(values or None, ensure_ascii=False)}"


def _reliability(probabilities: np.ndarray, right: np.ndarray) -> dict[str, Any]:
    return {
        "n": len(right),
        "ece": expected_calibration_error(probabilities, right),
        "log_loss": log_loss(probabilities, right),
        "mean_probability": float(probabilities.mean()),
        "precision": float(right.mean()),
        "bins": [
            {"n": b.n, "probability": b.probability, "accuracy": b.accuracy}
            for b in reliability_bins(probabilities, right)
        ],
    }


def _short_between(low: float, high: float) -> float:
    """The number with fewest digits, two at least, over low and up to high."""
    middle = (low + high) / 2
    for digits in range(LEAST_DIGITS, 17):
        number = round(middle, digits)
        if low < number <= high:
            return number
    return high


def _array(values: Sequence[float | None]) -> np.ndarray:
    return np.array([np.nan if value is None else value for value in values], dtype=np.float64)
