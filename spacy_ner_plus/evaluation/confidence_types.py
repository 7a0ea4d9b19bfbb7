"""How far probabilities can be trusted, and the thresholds that they may be cut off at."""

from dataclasses import dataclass, field

from ..metrics.reliability import Agreement


@dataclass(frozen=True)
class Reliability:
    """How well probabilities agree with what is right.

    after (Agreement): Of the probabilities as the pipeline gives them.
    before (Optional[Agreement]): The same without calibration; null if there is none.
    """

    after: Agreement
    before: Agreement | None


@dataclass(frozen=True)
class ThresholdCurve:
    """Scores of the entities with at least a probability: at most 200 points.

    threshold (List[float]): Ascending, from 0.
    precision (List[float]): At each threshold.
    recall (List[float]): At each threshold.
    f1 (List[float]): At each threshold.
    """

    threshold: list[float]
    precision: list[float]
    recall: list[float]
    f1: list[float]


@dataclass(frozen=True)
class ThresholdCurves:
    """Scores over the threshold.

    micro (ThresholdCurve): Of all types, with one threshold for all.
    types (Dict[str, ThresholdCurve]): By label of predicted entities with a probability.
    """

    micro: ThresholdCurve
    types: dict[str, ThresholdCurve]


@dataclass(frozen=True)
class ThresholdScores:
    """What a threshold gives.

    threshold (float): For the component's setting.
    precision (float): Of the entities that remain.
    recall (float): Of the entities that remain.
    f1 (float): Of the entities that remain.
    """

    threshold: float
    precision: float
    recall: float
    f1: float


@dataclass(frozen=True)
class BestThresholds:
    """The best thresholds of a type.

    f1 (Optional[ThresholdScores]): That of the best F1; null if F1 is 0 at all of them, as without
        gold entities.
    precision (Optional[ThresholdScores]): That of most recall among those that reach the wanted
        precision; null if none does.
    labels (List[str]): What the pipeline calls the type.
    """

    f1: ThresholdScores | None
    precision: ThresholdScores | None
    labels: list[str] = field(default_factory=list)


@dataclass(frozen=True)
class ThresholdTexts:
    """Lines for the component's block in the config.

    f1 (str): With the thresholds of the best F1.
    precision (str): With those of the wanted precision.
    """

    f1: str
    precision: str


@dataclass(frozen=True)
class Thresholds:
    """Where to cut off entities that are not sure enough.

    wanted_precision (float): As given.
    types (Dict[str, BestThresholds]): By label.
    config (ThresholdTexts): Text for the config.
    """

    wanted_precision: float
    types: dict[str, BestThresholds]
    config: ThresholdTexts

    @property
    def can_help(self) -> bool:
        """Whether any entity is right, so that there is a threshold to choose."""
        return any(its.f1 for its in self.types.values())


@dataclass(frozen=True)
class Confidence:
    """How far probabilities can be trusted.

    without_probability (int): Predicted entities that have none.
    reliability (Reliability): Of those that have one.
    curves (ThresholdCurves): Scores over the threshold.
    thresholds (Thresholds): The best ones.
    levels (Dict[str, Agreement]): Of predicted entities that lie inside no other predicted one,
        `outermost`, and of those `inside others`; empty if none does.
    """

    without_probability: int
    reliability: Reliability
    curves: ThresholdCurves
    thresholds: Thresholds
    levels: dict[str, Agreement] = field(default_factory=dict)
