"""How far the probabilities of predicted entities can be trusted, and where to cut them off."""

import json
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence

import numpy as np

from ..metrics.reliability import Agreement, agreement
from ..metrics.spans import precision_recall_f1
from .confidence_types import (
    BestThresholds,
    Confidence,
    Reliability,
    ThresholdCurve,
    ThresholdCurves,
    Thresholds,
    ThresholdScores,
    ThresholdTexts,
)
from .judged import Judged
from .nested_scores import LEVELS

MOST_POINTS = 200
LEAST_DIGITS = 2


def confidence(
    gold: Sequence[Judged],
    predicted: Sequence[Judged],
    *,
    wanted_precision: float,
    least: Mapping[str, float],
    own: Mapping[str, Sequence[str]] | None = None,
    is_inner: Sequence[bool] | None = None,
) -> Confidence | None:
    """Reliability, curves over the threshold and the best thresholds.

    wanted_precision (float): What the second kind of threshold is to reach.
    least (Mapping[str, float]): Thresholds that the pipeline has already, other than 0, by its own
        name of the type.
    own (Mapping[str, Sequence[str]]): The pipeline's own names of the types; None if all are.
    is_inner (Sequence[bool]): Whether each predicted entity lies inside another; None if none does.
    RETURNS: None if no predicted entity has a probability. Those without one, such as of an
        entity_ruler, stay at any threshold, and reliability is not about them.
    """
    sure = [one for one in predicted if one.entity.probability is not None]
    if not sure:
        return None
    gold_of, predicted_of = _by_label(gold), _by_label(predicted)
    labels = sorted(_by_label(sure))
    cuts = {label: cuts_of(gold_of[label], predicted_of[label]) for label in labels}
    return Confidence(
        without_probability=len(predicted) - len(sure),
        reliability=_reliability(sure),
        curves=ThresholdCurves(
            micro=cuts_of(gold, predicted).curve(),
            types={label: its.curve() for label, its in cuts.items()},
        ),
        thresholds=_thresholds(
            cuts, wanted_precision, least, own or {label: [label] for label in labels}
        ),
        levels=_levels(predicted, is_inner or ()),
    )


class Cuts:
    """What remains of predicted entities at each threshold that makes a difference.

    An entity stays if its probability is at least the threshold, as in the component's setting.

    probabilities: (n,) float, one at least. right: (n,) bool.
    n_gold (int): Gold entities.
    n_right_always, n_wrong_always (int): Further entities, which stay at any threshold.
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
        # (n_cuts,): the last of equal probabilities, from the most probable entities to all
        last = np.flatnonzero(np.append(ordered[1:] != ordered[:-1], True))
        tp = np.cumsum(right[order])[last] + n_right_always
        fp = np.cumsum(~right[order])[last] + n_wrong_always
        counts = np.stack([tp, fp, n_gold - tp], axis=-1)  # (n_cuts, 3)
        # from all entities to the most probable ones only
        self._lowest = ordered[last][::-1]  # (n_cuts,)
        self.precision, self.recall, self.f1 = precision_recall_f1(counts[::-1]).T

    def threshold(self, cut: int) -> float:
        """A short number that keeps just what a cut keeps."""
        if cut == 0:
            return 0.0
        return _short_between(float(self._lowest[cut - 1]), float(self._lowest[cut]))

    def at(self, cut: int, least: float) -> ThresholdScores:
        """The scores of a cut, with its threshold or, where that is higher, the least one."""
        return ThresholdScores(
            threshold=max(self.threshold(cut), least),
            precision=float(self.precision[cut]),
            recall=float(self.recall[cut]),
            f1=float(self.f1[cut]),
        )

    def curve(self) -> ThresholdCurve:
        """At most MOST_POINTS cuts, with about as many entities between one and the next."""
        n = len(self._lowest)
        cuts = np.unique(np.linspace(0, n - 1, min(n, MOST_POINTS)).round().astype(int)).tolist()
        return ThresholdCurve(
            threshold=[self.threshold(cut) for cut in cuts],
            precision=self.precision[cuts].tolist(),
            recall=self.recall[cuts].tolist(),
            f1=self.f1[cuts].tolist(),
        )

    def best_f1(self) -> int | None:
        """The cut of highest F1, the first of equal ones; None if nothing that is right is left."""
        best = int(np.argmax(self.f1))
        return best if self.f1[best] > 0 else None

    def best_recall(self, precision: float) -> int | None:
        """The cut of most recall among those that reach a precision; None if none does."""
        reached = np.flatnonzero(self.precision >= precision)
        if not len(reached):
            return None
        recall = self.recall[reached]
        # the last of equal ones leaves out more that is wrong
        return int(reached[np.flatnonzero(recall == recall.max())[-1]])


def cuts_of(gold: Sequence[Judged], predicted: Sequence[Judged]) -> Cuts:
    """The cuts of predicted entities, one at least with a probability."""
    sure = [one for one in predicted if one.entity.probability is not None]
    always = [one.right for one in predicted if one.entity.probability is None]
    return Cuts(
        _array(one.entity.probability for one in sure),
        np.array([one.right for one in sure], dtype=bool),
        len(gold),
        n_right_always=sum(always),
        n_wrong_always=len(always) - sum(always),
    )


def _reliability(sure: Sequence[Judged]) -> Reliability:
    right = np.array([one.right for one in sure], dtype=bool)  # (n,)
    bare = _array(one.entity.uncalibrated for one in sure)  # (n,) NaN where there is none
    has_bare = ~np.isnan(bare)
    return Reliability(
        after=agreement(_array(one.entity.probability for one in sure), right),
        before=agreement(bare[has_bare], right[has_bare]) if has_bare.any() else None,
    )


def _levels(predicted: Sequence[Judged], is_inner: Sequence[bool]) -> dict[str, Agreement]:
    """How probabilities of outermost and of inner entities agree with what is right."""
    if not any(is_inner):
        return {}
    pairs = [
        (one, inner)
        for one, inner in zip(predicted, is_inner, strict=True)
        if one.entity.probability is not None
    ]
    groups = {name: [one for one, inner in pairs if inner == at] for at, name in enumerate(LEVELS)}
    return {
        name: agreement(
            _array(one.entity.probability for one in its),
            np.array([one.right for one in its], dtype=bool),
        )
        for name, its in groups.items()
    }


def _thresholds(
    cuts: Mapping[str, Cuts],
    wanted_precision: float,
    least: Mapping[str, float],
    own: Mapping[str, Sequence[str]],
) -> Thresholds:
    types: dict[str, BestThresholds] = {}
    for label, its in cuts.items():
        # below the pipeline's own threshold there are entities that this evaluation lacks
        lowest = min(least.get(name, 0.0) for name in own[label])
        best, reaching = its.best_f1(), its.best_recall(wanted_precision)
        types[label] = BestThresholds(
            f1=None if best is None else its.at(best, lowest),
            precision=None if reaching is None else its.at(reaching, lowest),
            labels=list(own[label]),
        )
    texts = ThresholdTexts(
        f1=_config([(its.labels, its.f1) for its in types.values()], least),
        precision=_config([(its.labels, its.precision) for its in types.values()], least),
    )
    return Thresholds(wanted_precision=wanted_precision, types=types, config=texts)


def _config(
    chosen: Iterable[tuple[list[str], ThresholdScores | None]], least: Mapping[str, float]
) -> str:
    """The setting with the chosen thresholds; types without one keep what they have.

    chosen: What the pipeline calls a type, and its threshold.
    """
    values = dict(least)
    for labels, its in chosen:
        if its is not None:
            values |= {label: max(its.threshold, least.get(label, 0.0)) for label in labels}
    values = {label: threshold for label, threshold in values.items() if threshold}
    return f"threshold = {json.dumps(values or None, ensure_ascii=False)}"


def _by_label(judged: Iterable[Judged]) -> defaultdict[str, list[Judged]]:
    groups: defaultdict[str, list[Judged]] = defaultdict(list)
    for one in judged:
        groups[one.entity.label].append(one)
    return groups


def _short_between(low: float, high: float) -> float:
    """The number with fewest digits, two at least, over low and up to high."""
    middle = (low + high) / 2
    for digits in range(LEAST_DIGITS, 17):
        number = round(middle, digits)
        if low < number <= high:
            return number
    return high


def _array(values: Iterable[float | None]) -> np.ndarray:
    return np.array([np.nan if value is None else value for value in values], dtype=np.float64)
