"""Commands on a pipeline with the component of spans: none needs to be told where entities are."""

import json
from pathlib import Path

import numpy as np
import pytest
import spacy
from spacy.language import Language
from spacy.tokens import Doc, DocBin, Span
from typer.testing import CliRunner

from spacy_ner_plus import calibrate, evaluate, predict
from spacy_ner_plus.cli import app
from spacy_ner_plus.cli.calibrate import _print_candidates
from spacy_ner_plus.metrics.candidate_agreement import (
    AgreementByLevel,
    CandidateAgreement,
)
from spacy_ner_plus.metrics.reliability import agreement
from spacy_ner_plus.models.decoding.span_calibration import SpanCalibration
from tests.pipeline.spans.nested_samples import (
    KEY,
    LABELS,
    NAME,
    initialized,
    make_doc,
    nested_examples,
    spans_nlp,
    spans_pipe,
)

TEXT = "a b c d e f g"
N_DOCS = 40


@pytest.fixture(scope="module")
def nlp() -> Language:
    """A pipeline without training: it is not sure of anything, and finds much."""
    return initialized(spans_nlp(threshold=0.06))


@pytest.fixture(scope="module")
def model(nlp: Language, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("model")
    nlp.to_disk(folder)
    return folder


@pytest.fixture(scope="module")
def data(nlp: Language, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Documents in which the more probable places are entities more often."""
    [scored] = nlp.get_pipe(NAME).predict([make_doc(nlp, TEXT)])
    locs = np.flatnonzero(scored.labels == LABELS.index("LOC"))
    locs = locs[np.argsort(-scored.probabilities[locs])]
    docs = []
    for i in range(N_DOCS):
        doc = Doc(nlp.vocab, words=TEXT.split(" "))
        chosen = [*locs[: 3 + i % 2], locs[i % len(locs)]] if i % 4 else []
        places = {(int(scored.starts[at]), int(scored.ends[at])) for at in chosen}
        doc.spans[KEY] = [Span(doc, *place, "LOC") for place in sorted(places)]
        docs.append(doc)
    path = tmp_path_factory.mktemp("data") / "dev.spacy"
    DocBin(docs=docs).to_disk(path)
    return path


def run(*arguments: object) -> str:
    result = CliRunner().invoke(app, [str(argument) for argument in arguments])
    assert result.exit_code == 0, result.output
    return " ".join(result.output.split())


def test_calibrate_and_evaluate_find_the_component_and_its_group(
    model: Path, data: Path, tmp_path: Path
) -> None:
    output = tmp_path / "calibrated"
    shown = run("calibrate", model, data, "--output", output, "--test", data)
    for words in ("development:", "test:", "returned, before", "candidates, after", "LOC slope"):
        assert words in shown
    assert "These labels" in shown and "as wrong" in shown
    calibrated = spacy.load(output).get_pipe(NAME).calibration
    assert calibrated != SpanCalibration() == spacy.load(model).get_pipe(NAME).calibration

    folder = tmp_path / "out"
    shown = run("evaluate", output, data, "--samples", 20, "--output", folder)
    group = f"doc.spans['{KEY}']"
    assert (
        f"Gold entities are those in {group} or doc.ents, predicted ones those in {group}" in shown
    )
    metrics = json.loads((folder / "metrics.json").read_text(encoding="utf8"))
    assert metrics["spans_key"] == KEY
    reliability = metrics["confidence"]["reliability"]
    assert reliability["before"] != reliability["after"]
    done = calibrate(output, data)  # the same again
    assert reliability["after"]["ece"] == pytest.approx(done.before["development"].ece, abs=1e-6)


def test_agreement_is_told_of_returned_spans_and_of_candidates(model: Path, data: Path) -> None:
    done = calibrate(model, data)
    before, after = (its["development"] for its in (done.candidates_before, done.candidates_after))
    assert before.candidates.total.n == after.candidates.total.n >= 40 * 5
    assert after.candidates.total.log_loss < before.candidates.total.log_loss
    assert done.after["development"] == after.returned.total
    assert done.without_gold and set(done.without_gold) < set(LABELS) - {"LOC"}
    only_loc = calibrate(model, data, labels=["LOC", "X"])
    assert only_loc.without_gold == ()
    assert (
        0 < only_loc.candidates_after["development"].candidates.total.n < after.candidates.total.n
    )


def test_before_in_an_evaluation_is_of_the_spans_that_are_returned(
    model: Path, data: Path, tmp_path: Path
) -> None:
    calibrate(model, data, tmp_path / "calibrated")
    confidence = evaluate(tmp_path / "calibrated", data, samples=20).metrics.confidence
    assert confidence is not None and confidence.reliability.before is not None
    assert 0 < confidence.reliability.before.n == confidence.reliability.after.n


def test_no_agreement_is_printed_where_nothing_is_scored(
    capsys: pytest.CaptureFixture[str],
) -> None:
    nothing = agreement(np.zeros(0), np.zeros(0, dtype=bool))
    none = AgreementByLevel(nothing, nothing, nothing)
    _print_candidates("test", CandidateAgreement(none, none), CandidateAgreement(none, none))
    assert "Nothing is scored" in capsys.readouterr().out


def test_groups_that_were_too_large_for_the_best_set_are_told(tmp_path: Path) -> None:
    """Without a threshold all spans of a long text are found, and most of them cross."""
    long, short = tmp_path / "long.txt", tmp_path / "short.txt"
    long.write_text(f"{' '.join([TEXT] * 8)}\n{TEXT}\n", encoding="utf8")
    short.write_text(TEXT, encoding="utf8")
    nlp = spans_nlp(threshold=0.0, allow="nested")
    initialized(nlp, nested_examples(nlp)[:3])
    nlp.to_disk(tmp_path / "model")
    spans_pipe(nlp).crossings["greedy"] += 5  # of earlier runs
    assert predict(nlp, long, tmp_path / "a.jsonl").n_greedy == 1
    assert predict(nlp, short, tmp_path / "b.jsonl").n_greedy == 0
    told = "Groups with too many crossing spans to find the best set: 1."
    assert told in run("predict", tmp_path / "model", long, tmp_path / "c.jsonl")
    assert "crossing" not in run("predict", tmp_path / "model", short, tmp_path / "d.jsonl")
    doc = Doc(nlp.vocab, words=" ".join([TEXT] * 8).split(" "))
    doc.spans[KEY] = [Span(doc, 0, 1, "LOC")]
    DocBin(docs=[doc]).to_disk(tmp_path / "data.spacy")
    assert told in run("evaluate", tmp_path / "model", tmp_path / "data.spacy", "--samples", 1)
