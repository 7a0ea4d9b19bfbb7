"""Mean and standard deviation of scores over runs."""

from collections.abc import Iterable, Sequence
from statistics import mean, stdev

from ..evaluation.score_types import Measures
from .results import MeasureSpreads, RunScores, RunsSummary, Spread


def summarise(runs: Sequence[RunScores]) -> RunsSummary:
    """Put the scores of runs together."""
    labels = sorted(set().union(*(run.per_type for run in runs)))
    return RunsSummary(
        micro=_spreads([run.micro for run in runs]),
        macro=_spreads([run.macro for run in runs]),
        per_type={
            label: _spreads([run.per_type[label] for run in runs if label in run.per_type])
            for label in labels
        },
        outer=_known_spreads(run.outer for run in runs),
        inner=_known_spreads(run.inner for run in runs),
    )


def types_with_gold(runs: Iterable[RunScores]) -> set[str]:
    """The types of which the documents to score have an entity: others have no F1 to show."""
    return {label for run in runs for label, its in run.per_type.items() if its.support}


def spread(values: Sequence[float]) -> Spread:
    """Mean, sample standard deviation (None of one value) and number of values."""
    return Spread(mean(values), stdev(values) if len(values) > 1 else None, len(values))


def _known_spreads(scores: Iterable[Measures | None]) -> MeasureSpreads | None:
    known = [its for its in scores if its is not None]
    return _spreads(known) if known else None


def _spreads(scores: Sequence[Measures]) -> MeasureSpreads:
    return MeasureSpreads(
        precision=spread([its.precision for its in scores]),
        recall=spread([its.recall for its in scores]),
        f1=spread([its.f1 for its in scores]),
    )
