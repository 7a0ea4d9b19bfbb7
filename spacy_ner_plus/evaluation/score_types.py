"""Scores of an evaluation: of exact matches, with their intervals, and with partial credit."""

from dataclasses import dataclass

Shown = tuple[float | None, float | None, float | None]
"""Precision, recall and F1; None for one that means nothing."""


@dataclass(frozen=True)
class Measures:
    """Three numbers of one kind: scores, differences of scores, or their p-values.

    precision (float): Of precision: right entities as a share of the predicted ones.
    recall (float): Of recall: right entities as a share of the gold ones.
    f1 (float): Of F1, the harmonic mean of both.
    """

    precision: float
    recall: float
    f1: float

    @property
    def shown(self) -> Shown:
        """What is to be shown of the three."""
        return self.precision, self.recall, self.f1


@dataclass(frozen=True)
class CountedMeasures(Measures):
    """Scores with what they are of.

    tp (int): Predicted entities that are right.
    fp (int): Predicted entities that are wrong.
    fn (int): Gold entities that are not found.
    support (int): Gold entities.
    """

    tp: int
    fp: int
    fn: int
    support: int

    @property
    def predicted(self) -> int:
        """Predicted entities."""
        return self.tp + self.fp

    @property
    def shown(self) -> Shown:
        """Precision, recall and F1, with None for one that is 0 only because it has no cases."""
        return _shown(self, gold=self.support, predicted=self.predicted)


@dataclass(frozen=True)
class MeasureIntervals:
    """The lower and the upper end of three numbers.

    precision (Tuple[float, float]): Ends for precision.
    recall (Tuple[float, float]): Ends for recall.
    f1 (Tuple[float, float]): Ends for F1.
    """

    precision: tuple[float, float]
    recall: tuple[float, float]
    f1: tuple[float, float]


@dataclass(frozen=True)
class ExactScores:
    """Scores of exact matches of span and label.

    micro (CountedMeasures): Of the sum over the types.
    macro (Measures): The mean over the types.
    weighted (Measures): The mean over the types, weighted by their gold entities.
    types (Dict[str, CountedMeasures]): By label.
    """

    micro: CountedMeasures
    macro: Measures
    weighted: Measures
    types: dict[str, CountedMeasures]


@dataclass(frozen=True)
class Intervals:
    """Bootstrap intervals of the exact scores.

    level (float): The share of samples within the ends, 0.95.
    samples (int): Samples of the bootstrap.
    seed (int): Of the bootstrap.
    micro (MeasureIntervals): Of micro scores.
    macro (MeasureIntervals): Of macro scores.
    weighted (MeasureIntervals): Of weighted scores.
    types (Dict[str, MeasureIntervals]): By label.
    """

    level: float
    samples: int
    seed: int
    micro: MeasureIntervals
    macro: MeasureIntervals
    weighted: MeasureIntervals
    types: dict[str, MeasureIntervals]


@dataclass(frozen=True)
class SchemeScores:
    """Scores of one way to give partial credit, as nervaluate counts.

    correct (int): Entities that match.
    incorrect (int): Pairs that don't.
    partial (int): Pairs that match in part.
    missed (int): Gold entities without a predicted one.
    spurious (int): Predicted entities without a gold one.
    possible (int): Gold entities.
    actual (int): Predicted entities.
    precision (float): What is right as a share of `actual`.
    recall (float): What is right as a share of `possible`.
    f1 (float): Their harmonic mean.
    """

    correct: int
    incorrect: int
    partial: int
    missed: int
    spurious: int
    possible: int
    actual: int
    precision: float
    recall: float
    f1: float

    @property
    def shown(self) -> Shown:
        """See CountedMeasures.shown."""
        return _shown(self, gold=self.possible, predicted=self.actual)


def _shown(its: Measures | SchemeScores, *, gold: int, predicted: int) -> Shown:
    return (
        its.precision if predicted else None,
        its.recall if gold else None,
        its.f1 if gold else None,
    )


@dataclass(frozen=True)
class Schemes:
    """The four ways of SemEval-2013.

    strict (SchemeScores): Same boundaries and type.
    exact (SchemeScores): Same boundaries, whatever the type.
    partial (SchemeScores): Any overlap is half right, whatever the type.
    type (SchemeScores): Any overlap with the same type.
    """

    strict: SchemeScores
    exact: SchemeScores
    partial: SchemeScores
    type: SchemeScores


@dataclass(frozen=True)
class PartialScores(Schemes):
    """Partial credit of all entities.

    types (Dict[str, Schemes]): By label: entities of this type alone.
    """

    types: dict[str, Schemes]
