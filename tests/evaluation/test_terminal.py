"""What is printed: the right figures, in lines that fit."""

import random
import re
from dataclasses import replace
from typing import Any

import pytest

from spacy_ner_plus.evaluation.documents import Document
from spacy_ner_plus.evaluation.measures import EvaluationSettings, measure
from spacy_ner_plus.evaluation.predictions import Predictions, Speed
from spacy_ner_plus.evaluation.schema import Metrics
from spacy_ner_plus.evaluation.terminal import print_metrics, print_scores, print_summary
from tests.evaluation.corpora import corpus
from tests.evaluation.docs import make_document

SPEED = Speed(seconds=2.0, words=20_000, peak_memory={"memory": 1_500_000_000})


@pytest.fixture(scope="module")
def documents() -> list[Document]:
    rng = random.Random(0)
    return [
        replace(
            document,
            predicted=tuple(
                replace(e, probability=rng.random(), uncalibrated=rng.random())
                for e in document.predicted
            ),
        )
        for document in corpus("bc5cdr")
    ]


@pytest.fixture(scope="module")
def measured(documents: list[Document]) -> tuple[Metrics, list[dict[str, Any]]]:
    predicted = Predictions("a/model", documents, 9_000, 2, speed=SPEED)
    return measure(predicted, EvaluationSettings("test.spacy"))


@pytest.mark.parametrize("width", [80, 120])
def test_lines_fit_the_terminal(
    measured: tuple[Metrics, list[dict[str, Any]]],
    width: int,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("COLUMNS", str(width))
    print_metrics(*measured)
    lines = re.sub(r"\x1b\[\d+m", "", capsys.readouterr().out).splitlines()
    assert not [line for line in lines if len(line) > width and "threshold =" not in line]
    assert len(lines) < 130
    context = [line for line in lines if line.startswith("  in ")]
    assert len(context) == 5
    assert max(map(len, context)) > width - 12


def test_figures_are_in_percent(
    measured: tuple[Metrics, list[dict[str, Any]]], capsys: pytest.CaptureFixture[str]
) -> None:
    metrics, rows = measured
    print_metrics(metrics, rows)
    output = capsys.readouterr().out
    lines = [line.split() for line in output.splitlines()]
    micro, ends = metrics.exact.micro, metrics.intervals.micro.f1
    shares = [f"{100 * score:.2f}" for score in (micro.precision, micro.recall, micro.f1)]
    interval = [f"{100 * ends[0]:.1f}", "-", f"{100 * ends[1]:.1f}"]
    assert ["micro", *shares, *interval, "606", "588"] in lines
    [missed] = [kind for kind in metrics.errors.kinds if kind.kind == "missed"]
    n, gain, share = missed.errors, missed.f1_gain, missed.share
    row = ["missed", str(n), str(n), "0", f"+{100 * gain:.2f}", f"{100 * share:.0f}", "%"]
    assert row in lines
    for text in (
        "a/model on test.spacy",
        "300 documents, 9,000 words. Left out: 2 without annotation.",
        "10,000 words/s; memory 1,500 MB at most.",
        metrics.confidence.thresholds.config.f1,
    ):
        assert text in output


def test_summary_is_the_first_part_with_reliability(
    measured: tuple[Metrics, list[dict[str, Any]]], capsys: pytest.CaptureFixture[str]
) -> None:
    metrics, rows = measured
    print_metrics(metrics, rows)
    whole = capsys.readouterr().out
    print_summary(metrics)
    summary = capsys.readouterr().out
    assert summary.split("words.")[0] == whole.split("words.")[0]
    assert f"ECE {metrics.confidence.reliability.after.ece:.4f}" in summary
    assert len(summary) < len(whole) / 2


def test_entities_without_probability_are_counted(capsys: pytest.CaptureFixture[str]) -> None:
    sure = make_document([(0, 2, "A")], [(0, 2, "A")], probability=0.5)
    unknown = make_document([(0, 2, "A")], [(0, 2, "A"), (3, 4, "A")], index=1)
    none = make_document([(0, 2, "A")], [])
    sayings = {
        "Not among them: 2 predicted entities without a probability": [sure, unknown],
        "The predicted entities have no probabilities": [unknown],
        "No entities are predicted": [none],
    }
    for documents in ([sure], *sayings.values()):
        print_metrics(*measure(Predictions("m", documents, 12, 0), EvaluationSettings("d")))
        out = capsys.readouterr().out
        for said, where in sayings.items():
            assert (said in out) == (documents is where)


def test_types_that_only_one_side_has_are_named(capsys: pytest.CaptureFixture[str]) -> None:
    documents = [make_document([(0, 1, "PER")], [(0, 1, "PERSON"), (2, 3, "ORG")])]
    metrics, _ = measure(Predictions("a", documents, 12, 0), EvaluationSettings("b"))
    print_scores(metrics)
    output = capsys.readouterr().out
    assert "Types that were never predicted: PER.\n" in output
    assert "Types that are predicted, but not in gold: ORG, PERSON.\n" in output
