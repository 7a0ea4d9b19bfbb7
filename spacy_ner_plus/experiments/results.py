"""What experiments find, as scores.json of a run and results.json have it.

docs/experiments.md has the same as tables.

Shares are between 0 and 1.
"""

from dataclasses import dataclass
from typing import Any

from ..evaluation.score_types import Measures


@dataclass(frozen=True)
class ExperimentHead:
    """What plan and results of an experiment begin with.

    schema (str): `"spacy_ner_plus.cross-validation"` or `"spacy_ner_plus.learning-curve"`.
    version (int): 1.
    settings (Dict[str, Any]): All that decides the outcome, by name: options, the SHA-256 of the
        data, values of the config.
    versions (Dict[str, str]): Of packages, when the runs were begun.
    """

    schema: str
    version: int
    settings: dict[str, Any]
    versions: dict[str, str]


@dataclass(frozen=True)
class SupportedMeasures(Measures):
    """Scores with the number of entities that they are of.

    support (int): Gold entities.
    """

    support: int


@dataclass(frozen=True)
class RunScores:
    """Scores of exact matches of span and label on the documents of a run.

    micro (SupportedMeasures): Of the sum over the types.
    macro (SupportedMeasures): The mean over the types of per_type.
    per_type (Dict[str, SupportedMeasures]): By label: those with gold or predicted entities.
    outer (Optional[SupportedMeasures]): Of entities that lie inside no other one of their side;
        null if none lies inside another.
    inner (Optional[SupportedMeasures]): Of those that do.
    """

    micro: SupportedMeasures
    macro: SupportedMeasures
    per_type: dict[str, SupportedMeasures]
    outer: SupportedMeasures | None = None
    inner: SupportedMeasures | None = None


@dataclass(frozen=True)
class Spread:
    """How numbers of several runs lie.

    mean (float): Their mean.
    sd (Optional[float]): Their standard deviation, of the sample (divided by n - 1); null of one
        number.
    n (int): How many there are.
    """

    mean: float
    sd: float | None
    n: int


@dataclass(frozen=True)
class MeasureSpreads:
    """How the scores of several runs lie.

    precision (Spread): Of precision.
    recall (Spread): Of recall.
    f1 (Spread): Of F1.
    """

    precision: Spread
    recall: Spread
    f1: Spread


@dataclass(frozen=True)
class RunsSummary:
    """Several runs together.

    micro (MeasureSpreads): Of micro scores.
    macro (MeasureSpreads): Of macro scores.
    per_type (Dict[str, MeasureSpreads]): By label; a type counts in the runs where it has gold or
        predicted entities.
    outer (Optional[MeasureSpreads]): Of outermost entities, in the runs that have inner ones.
    inner (Optional[MeasureSpreads]): Of entities inside of others.
    """

    micro: MeasureSpreads
    macro: MeasureSpreads
    per_type: dict[str, MeasureSpreads]
    outer: MeasureSpreads | None = None
    inner: MeasureSpreads | None = None


@dataclass(frozen=True)
class PartSizes:
    """The size of each part of a run's data.

    train (int): To train with.
    dev (int): To choose the checkpoint by.
    test (int): To score.
    """

    train: int
    dev: int
    test: int


@dataclass(frozen=True)
class Fold:
    """A run of a cross-validation.

    name (str): Its folder.
    n_docs (PartSizes): Documents.
    n_entities (PartSizes): Entities in them.
    scores (RunScores): Of its model.
    """

    name: str
    n_docs: PartSizes
    n_entities: PartSizes
    scores: RunScores


@dataclass(frozen=True)
class CrossValidationResults(ExperimentHead):
    """All of a cross-validation.

    folds (List[Fold]): Each with its sizes and scores.
    summary (RunsSummary): All of them together.
    """

    folds: list[Fold]
    summary: RunsSummary


@dataclass(frozen=True)
class NamedScores:
    """A run of a learning curve.

    name (str): Its folder.
    scores (RunScores): Of its model.
    """

    name: str
    scores: RunScores


@dataclass(frozen=True)
class CurvePoint:
    """A share of the data that was trained with, once or several times.

    share (float): Of the documents.
    n_docs (int): Documents that were there to learn from.
    n_entities (float): Entities in them, on average over the runs. Those for the choice of the
        checkpoint are among both.
    runs (List[NamedScores]): The single runs.
    summary (RunsSummary): All of them.
    """

    share: float
    n_docs: int
    n_entities: float
    runs: list[NamedScores]
    summary: RunsSummary


@dataclass(frozen=True)
class LearningCurveResults(ExperimentHead):
    """All of a learning curve.

    points (List[CurvePoint]): One a share, the smallest first.
    """

    points: list[CurvePoint]
