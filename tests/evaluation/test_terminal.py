"""What is printed: the right figures, in lines that fit."""

import random
import re
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from spacy_ner_plus.evaluation.documents import Document
from spacy_ner_plus.evaluation.measures import EvaluationSettings, measure
from spacy_ner_plus.evaluation.predictions import Predictions
from spacy_ner_plus.evaluation.schema import Metrics, RunCost, Tokenisation
from spacy_ner_plus.evaluation.terminal import (
    MOST_LOST,
    print_metrics,
    print_scores,
    print_summary,
)
from tests.evaluation.corpora import corpus
from tests.evaluation.docs import make_document

WHOLE = (Path(__file__).parent / "terminal.txt").read_text(encoding="utf8")
SPEED = RunCost(10_000.0, seconds=2.0, words=20_000, peak_memory={"memory": 1_500_000_000})


def measure_three() -> tuple[Metrics, list[dict[str, Any]]]:
    """Two right entities, one too short, one of a wrong type, one missed, one from nowhere."""
    documents = [
        make_document([(0, 2, "A"), (5, 6, "B")], [(0, 2, "A"), (5, 6, "B")], probability=0.9),
        make_document(
            [(0, 2, "A"), (5, 6, "B")], [(0, 1, "A"), (5, 6, "A")], probability=0.6, index=1
        ),
        make_document([(3, 4, "B")], [(8, 9, "B")], probability=0.25, index=2),
    ]
    predicted = Predictions("a/model", documents, 36, 1, speed=SPEED)
    return measure(predicted, EvaluationSettings("test.spacy"))


def without_colours(output: str) -> str:
    return re.sub(r"\x1b\[[\d;]*m", "", output)


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
    lines = without_colours(capsys.readouterr().out).splitlines()
    assert not [line for line in lines if len(line) > width and "threshold =" not in line]
    assert len(lines) < 130
    context = [line for line in lines if line.startswith("  in ")]
    assert len(context) == 5
    assert max(map(len, context)) > width - 12


def test_all_measures_of_three_documents(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """terminal.txt can be computed by hand."""
    monkeypatch.setenv("COLUMNS", "100")
    print_metrics(*measure_three())
    assert without_colours(capsys.readouterr().out) == WHOLE


def test_summary_is_scores_errors_and_reliability(capsys: pytest.CaptureFixture[str]) -> None:
    metrics, _ = measure_three()
    print_summary(metrics)
    scores, rest = WHOLE.split("\n======================= Partial credit")
    errors = "\n================ Errors" + rest.split("================ Errors")[1]
    assert without_colours(capsys.readouterr().out) == (
        scores
        + errors.split("\n\nboundary: too short, 1-0")[0]
        + "\nMean probability 65.00 %, right 40.00 %, ECE 0.3300."
        + "\n\n10,000 words/s; memory 1,500 MB at most.\n"
    )


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


def test_what_can_not_be_judged_is_told(capsys: pytest.CaptureFixture[str]) -> None:
    document = make_document([(0, 1, "A")], [(0, 1, "A")])
    beside = replace(document, not_judged=document.predicted * 2, gold_not_judged=document.gold)
    for documents in ([document], [beside]):
        metrics, _ = measure(Predictions("a", documents, 12, 0), EvaluationSettings("b"))
        print_scores(metrics)
        out = capsys.readouterr().out
        is_told = documents == [beside]
        assert ("for lack of annotation: 2 more predicted entities." in out) == is_told
        assert ("for lack of annotation: 1 more gold entities." in out) == is_told


def test_types_that_only_one_side_has_are_named(capsys: pytest.CaptureFixture[str]) -> None:
    documents = [make_document([(0, 1, "PER")], [(0, 1, "PERSON"), (2, 3, "ORG")])]
    metrics, _ = measure(Predictions("a", documents, 12, 0), EvaluationSettings("b"))
    print_scores(metrics)
    output = capsys.readouterr().out
    head = output.index("Type  ")
    for line in (
        "Types of the data that the pipeline lacks, all missed: PER (1 gold).\n",
        "Types of the pipeline that the data lacks, all wrong: ORG (1 predicted), PERSON (1 pred",
        "Where two names are of one type: --map OLD=NEW, such as --map PERSON=PER\n",
    ):
        assert 0 < output.find(line) < head
    assert "never predicted" not in output


def test_types_without_gold_have_no_recall_no_f1_and_no_threshold(
    capsys: pytest.CaptureFixture[str],
) -> None:
    gold, found = [(0, 1, "A"), (2, 3, "B")], [(0, 1, "A"), (4, 5, "C"), (6, 7, "B")]
    documents = [make_document(gold, found, probability=0.5, index=i) for i in range(2)]
    print_metrics(*measure(Predictions("a", documents, 24, 0), EvaluationSettings("b")))
    lines = [" ".join(line.split()) for line in capsys.readouterr().out.splitlines()]
    assert "C 0.00 - - - 0 2" in lines
    assert "C no gold - - - - -" in lines
    assert "B none right - - - - -" in lines


def test_without_gold_entities_there_is_no_f1_and_no_threshold(
    capsys: pytest.CaptureFixture[str],
) -> None:
    documents = [make_document([], [(0, 1, "A")], probability=0.5, index=i) for i in range(2)]
    print_metrics(*measure(Predictions("a", documents, 24, 0), EvaluationSettings("b")))
    output = capsys.readouterr().out
    lines = [" ".join(line.split()) for line in output.splitlines()]
    assert "micro 0.00 - - - 0 2" in lines
    assert "strict 0.00 - - 0 0 0 0 2" in lines
    assert "There are no gold entities, so there is no threshold to choose." in lines
    assert "Best F1 at" not in output


def test_tokens_of_the_pipeline_are_told_about(capsys: pytest.CaptureFixture[str]) -> None:
    metrics, rows = measure_three()
    lost = [f"'don' (X) in document {i}" for i in range(10)]
    print_metrics(replace(metrics, tokenisation=Tokenisation(5000, 1200, lost)), rows)
    print_metrics(replace(metrics, tokenisation=Tokenisation(5000, 0, [])), rows)
    some, none = without_colours(capsys.readouterr().out).split(" Tokens ")[1:]
    start = "\n1,200 of 5,000 gold entities don't fit the tokens that the pipeline makes:\n"
    assert start + "".join(f"  {line}\n" for line in lost[:MOST_LOST]) + "\n" in some
    assert lost[MOST_LOST] not in some
    assert "\nAll 5,000 gold entities fit the tokens that the pipeline makes.\n" in none
