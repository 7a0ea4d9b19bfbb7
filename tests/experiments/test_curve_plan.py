from dataclasses import replace
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from spacy_ner_plus.cli.cross_validate import print_summary
from spacy_ner_plus.cli.learning_curve import print_points
from spacy_ner_plus.data.splitting.annotated_corpus import AnnotatedCorpus
from spacy_ner_plus.experiments.curve_plan import (
    Curve,
    describe_last_gain,
    frequent_types,
    plan_learning_curve,
    plotted,
)
from spacy_ner_plus.experiments.results import CurvePoint, NamedScores, RunScores
from spacy_ner_plus.experiments.summary import summarise, types_with_gold
from spacy_ner_plus.pages.curve import ALL, draw_learning_curve, save_learning_curve
from tests.experiments.samples import make_scores, read_config
from tests.experiments.test_fold_plan import make_corpus

SHARES = (0.125, 0.25, 0.5, 1.0)


def make_curve(corpus: AnnotatedCorpus, **settings: Any) -> Curve:
    arguments: dict[str, Any] = {"shares": SHARES, "repeats": 1, "dev_share": 0.1, "seed": 0}
    arguments["further_settings"] = {}
    return plan_learning_curve(read_config().interpolate(), corpus, **{**arguments, **settings})


def make_points(f1: list[list[float]], shares: tuple[float, ...] = SHARES) -> list[CurvePoint]:
    """Points with these F1 scores of the repeats of each share."""
    corpus = make_corpus(200)
    curve = make_curve(corpus, shares=shares, repeats=len(f1[0]))
    results = [make_scores(value, A=value, B=value / 2) for values in f1 for value in values]
    return curve.points(corpus, results)


def points_of(scores: RunScores) -> list[CurvePoint]:
    """A curve of one point."""
    return [CurvePoint(1.0, 10, 20.0, [NamedScores("run", scores)], summarise([scores]))]


@pytest.mark.parametrize("shares", [SHARES, (0.1, 0.7), (0.25, 0.5, 0.75)])
def test_each_share_contains_the_smaller_ones(shares: tuple[float, ...]) -> None:
    corpus = make_corpus(211)
    runs = make_curve(corpus, shares=shares, repeats=2).plan.runs
    for repeat in (0, 1):
        own = runs[repeat::2]
        for share, run in zip(shares, own, strict=True):
            assert abs(len(run.train) + len(run.dev) - 211 * share) <= 1
            assert abs(len(run.dev) - 21.1 * share) <= 1
            assert not set(run.train) & set(run.dev)
            assert run.test is None
        for small, large in pairwise(own):
            assert set(small.train) < set(large.train)
            assert set(small.dev) < set(large.dev)


def test_subsets_are_balanced() -> None:
    corpus = make_corpus(400)
    share = corpus.counts.sum(axis=0) / len(corpus)
    for run in make_curve(corpus).plan.runs:
        found = corpus.counts[run.train].sum(axis=0) / len(run.train)
        assert np.allclose(found, share, rtol=0.15)


def test_repeats_have_other_documents_and_other_seeds() -> None:
    runs = make_curve(make_corpus(200), repeats=3).plan.runs
    assert [run.seed for run in runs] == [3, 4, 5] * 4
    assert [run.name for run in runs[:4]] == [
        "share-0.125-repeat-1",
        "share-0.125-repeat-2",
        "share-0.125-repeat-3",
        "share-0.25-repeat-1",
    ]
    assert len({tuple(run.train) for run in runs[:3]}) == 3


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"shares": (1.0,)}, "--shares must be two or more different numbers"),
        ({"shares": (0.5, 0.5)}, "--shares must be two or more different numbers"),
        ({"shares": (0.0, 0.5)}, "--shares must be two or more different numbers"),
        ({"shares": (0.5, 1.5)}, "--shares must be two or more different numbers"),
        ({"repeats": 0}, "--repeats must be 1 at least"),
        ({"shares": (0.01, 1.0)}, "0.01 of 83 documents are too few.* 1 to train .* 0 for"),
    ],
)
def test_plan_refuses_settings_that_can_not_be(settings: dict[str, Any], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        make_curve(make_corpus(), **settings)


def test_points_put_repeats_together() -> None:
    points = make_points([[0.2, 0.4], [0.4, 0.5], [0.6, 0.6], [0.7, 0.8]])
    assert [point.share for point in points] == list(SHARES)
    assert [point.n_docs for point in points] == [26, 50, 100, 200]
    assert points[-1].n_entities == make_corpus(200).counts.sum()
    assert points[0].summary.micro.f1.mean == pytest.approx(0.3)
    assert points[3].summary.per_type["B"].f1.mean == pytest.approx(0.375)
    assert [run.name for run in points[1].runs] == [
        "share-0.25-repeat-1",
        "share-0.25-repeat-2",
    ]


def test_last_gain_is_that_of_the_last_doubling() -> None:
    points = make_points([[0.2, 0.2], [0.4, 0.5], [0.6, 0.6], [0.7, 0.8]])
    text = describe_last_gain(points)
    assert "last doubling of the data, from 100 to 200 documents, gained 15.0 points" in text
    assert "(standard deviation 7.1 over 2 repeats)" in text
    text = describe_last_gain(make_points([[0.2], [0.4], [0.6], [0.59]]))
    assert "lost 1.0 points of F1, in one repeat" in text


def test_last_gain_without_a_doubling_names_the_factor() -> None:
    text = describe_last_gain(make_points([[0.2], [0.4], [0.5]], (0.2, 0.4, 1.0)))
    assert text.startswith("2.5 times the data, from 80 to 200 documents, gained 10.0")
    text = describe_last_gain(make_points([[0.2], [0.3]], (0.8, 1.0)))
    assert text.startswith("1.25 times the data, from 160 to 200 documents")
    text = describe_last_gain(make_points([[0.2], [0.3], [0.4]], (0.25, 0.5, 0.6)))
    assert text.startswith("2.4 times the data, from 50 to 120 documents")


@pytest.mark.slow
def test_plot_draws_all_types_and_bands(tmp_path: Path) -> None:
    points = make_points([[0.2, 0.4], [0.4, 0.5], [0.6, 0.6], [0.7, 0.8]])
    axes = draw_learning_curve(plotted(points), "title").axes[0]
    micro, *_ = lines = axes.get_lines()
    assert len(lines) == 3
    assert micro.get_xdata().tolist() == [26, 50, 100, 200]
    assert micro.get_ydata().tolist() == pytest.approx([30, 45, 60, 75])
    assert axes.get_xscale() == "log"
    assert len(axes.collections) == 3  # a band a line
    legend = [text.get_text() for text in axes.get_legend().get_texts()]
    assert legend == [f"{ALL}: 75.0", "A: 75.0", "B: 37.5"]
    once = plotted(make_points([[0.2]] * 4))
    assert not draw_learning_curve(once, "title").axes[0].collections
    for path in (tmp_path / "a.svg", tmp_path / "b.svg"):
        save_learning_curve(plotted(points), path, title="title")
    assert (tmp_path / "a.svg").read_bytes() == (tmp_path / "b.svg").read_bytes()
    assert b"<svg" in (tmp_path / "a.svg").read_bytes()


def test_plot_leaves_gaps_where_a_type_was_not_seen() -> None:
    points = make_points([[0.2], [0.4], [0.6], [0.7]])
    del points[0].summary.per_type["B"]
    lines = draw_learning_curve(plotted(points), "title").axes[0].get_lines()
    assert np.isnan(lines[1].get_ydata()).sum() + np.isnan(lines[2].get_ydata()).sum() == 1


def test_frequent_types_are_those_of_most_support() -> None:
    types = {f"T{i}": 0.5 for i in range(12)}
    assert frequent_types(points_of(make_scores(0.5, **types))) == [
        f"T{i}" for i in range(11, 4, -1)
    ]
    curve = plotted(points_of(make_scores(0.5, **types)))
    assert len(curve.lines) == 8
    assert curve.notes == "the 7 most frequent of 12 types"


def test_types_without_gold_have_no_curve(capsys: pytest.CaptureFixture[str]) -> None:
    scores = make_scores(0.5, A=0.5, B=0.25, C=0.0)
    scores.per_type["C"] = replace(scores.per_type["C"], support=0)
    points = points_of(scores)
    assert frequent_types(points) == ["B", "A"]
    with_gold = types_with_gold([scores])
    assert with_gold == {"A", "B"}
    print_points(points, with_gold)
    print_summary(points[0].summary, with_gold)
    lines = [line.split() for line in capsys.readouterr().out.splitlines()]
    assert ["C", "0.00", "no", "gold", "no", "gold"] in lines
    assert ["Predicted,", "but", "without", "gold", "entities:", "C."] in lines
    assert [line[0] for line in lines if line].count("C") == 1


def test_a_single_type_is_drawn_once() -> None:
    assert frequent_types(points_of(make_scores(0.5, Only=0.5))) == []


def test_plot_leaves_out_labels_that_would_overlap() -> None:
    shares = (0.05, 0.06, 0.5, 0.95, 1.0)
    axes = draw_learning_curve(plotted(make_points([[0.5]] * 5, shares)), "title").axes[0]
    labels = [label.get_text().split("\n")[0] for label in axes.get_xticklabels()]
    assert labels == ["12", "100", "200"]
    assert axes.get_lines()[0].get_xdata().tolist() == [10, 12, 100, 190, 200]
