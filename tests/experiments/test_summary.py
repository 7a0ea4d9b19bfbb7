from dataclasses import replace
from statistics import stdev

import pytest

from spacy_ner_plus.experiments.results import RunScores, Spread, SupportedMeasures
from spacy_ner_plus.experiments.summary import spread, summarise


def scores(micro: float, **types: float) -> RunScores:
    def measures(value: float) -> SupportedMeasures:
        return SupportedMeasures(value, value / 2, value / 4, support=10)

    per_type = {label: measures(value) for label, value in types.items()}
    return RunScores(measures(micro), measures(micro / 2), per_type)


def test_summarise_gives_mean_and_sample_deviation() -> None:
    runs = [scores(0.8, A=0.5), scores(0.6, A=0.7), scores(0.7, A=0.9)]
    summary = summarise(runs)
    expected = Spread(mean=pytest.approx(0.7), sd=pytest.approx(0.1), n=3)
    assert summary.micro.precision == expected
    assert summary.macro.recall.mean == pytest.approx(0.175)
    assert summary.per_type["A"].f1.sd == pytest.approx(stdev([0.125, 0.175, 0.225]))


def test_summarise_counts_a_type_where_it_occurs() -> None:
    summary = summarise([scores(0.8, A=0.5), scores(0.6, A=0.7, B=0.2)])
    assert list(summary.per_type) == ["A", "B"]
    assert summary.per_type["B"].f1 == Spread(mean=0.05, sd=None, n=1)


def test_spread_of_one_value_has_no_deviation() -> None:
    assert spread([0.25]) == Spread(mean=0.25, sd=None, n=1)


def test_scores_of_inner_entities_are_those_of_runs_that_have_some() -> None:
    runs = [scores(0.5), replace(scores(0.5), inner=scores(0.25).micro)]
    assert summarise(runs[:1]).inner is None
    found = summarise(runs)
    assert found.outer is None and found.inner is not None
    assert (found.inner.precision.mean, found.inner.precision.n) == (0.25, 1)
