"""Commands on toys of some lines each: they take what a component can do."""

import json
from collections import Counter
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import pytest
import spacy
from spacy.language import Language
from spacy.tokens import Doc, DocBin, Span
from typer.testing import CliRunner, Result

from spacy_ner_plus.cli import app
from spacy_ner_plus.models.decoding.calibration import Calibration
from tests.pipeline.lookup_pipelines import lookup_nlp, toy_nlp
from tests.pipeline.samples import make_examples, probabilities


def run(*arguments: object) -> Result:
    return CliRunner().invoke(app, [str(argument) for argument in arguments])


def run_well(*arguments: object) -> Result:
    result = run(*arguments)
    assert result.exit_code == 0, result.output + result.stderr
    return result


@pytest.fixture
def data(tmp_path: Path) -> Path:
    path = tmp_path / "test.spacy"
    references = [example.reference for example in make_examples(spacy.blank("en"), 30)]
    DocBin(docs=references).to_disk(path)
    return path


@pytest.fixture
def model(toy: Language, tmp_path: Path) -> Path:
    toy.to_disk(tmp_path / "model")
    return tmp_path / "model"


@pytest.mark.slow
def test_evaluate(model: Path, data: Path, tmp_path: Path) -> None:
    run_well("evaluate", model, data, "--output", tmp_path / "out", "--samples", 20)
    metrics = json.loads((tmp_path / "out" / "metrics.json").read_text(encoding="utf8"))
    assert metrics["components"] == ["toy"]
    assert metrics["exact"]["micro"]["tp"] > 20
    confidence = metrics["confidence"]
    assert confidence["without_probability"] == 0
    assert confidence["reliability"]["after"]["n"] == metrics["counts"]["predicted"]


def test_evaluate_knows_the_thresholds(data: Path, tmp_path: Path) -> None:
    toy_nlp("test_lookup", threshold={"Disease": 0.45}).to_disk(tmp_path / "model")
    run_well("evaluate", tmp_path / "model", data, "--output", tmp_path / "out", "--samples", 20)
    metrics = json.loads((tmp_path / "out" / "metrics.json").read_text(encoding="utf8"))
    chosen = metrics["confidence"]["thresholds"]["types"]
    assert chosen["Disease"]["f1"]["threshold"] == 0.45 > chosen["Chemical"]["f1"]["threshold"]


def entities_of(docs: Iterable[Doc]) -> set[tuple[int, int, int, str]]:
    return {(i, ent.start, ent.end, ent.label_) for i, doc in enumerate(docs) for ent in doc.ents}


@pytest.mark.slow
def test_compare(model: Path, toy: Language, data: Path, tmp_path: Path) -> None:
    """With one that knows half of the words, calls them all diseases, and another word too."""
    examples = make_examples(toy, 30)
    words = sorted({ent.text for example in examples for ent in example.reference.ents})[::2]
    other = lookup_nlp(dict.fromkeys([*words, "of"], ("Disease", 0.9)))
    other.to_disk(tmp_path / "other")
    gold = entities_of(example.reference for example in examples)
    a, b = (
        entities_of(nlp(example.predicted) for example in make_examples(nlp, 30))
        for nlp in (toy, other)
    )
    out = tmp_path / "out"
    run_well("compare", model, tmp_path / "other", data, "--samples", 20, "--output", out)
    micro = json.loads((out / "comparison.json").read_text(encoding="utf8"))["exact"]["micro"]
    for system, found in (("a", a), ("b", b)):
        counts = {"tp": len(found & gold), "fp": len(found - gold), "fn": len(gold - found)}
        assert {name: micro[system][name] for name in counts} == counts
    differences = {
        "found_by_a_only": len((a - b) & gold),
        "found_by_b_only": len((b - a) & gold),
        "wrong_in_a_only": len(a - b - gold),
        "wrong_in_b_only": len(b - a - gold),
    }
    assert differences["found_by_a_only"] and differences["wrong_in_b_only"]
    lines = (out / "differences.jsonl").read_text(encoding="utf8").splitlines()
    kinds = Counter(json.loads(line)["meta"]["kind"] for line in lines)
    assert kinds == Counter(**differences)


def test_predict(model: Path, toy: Language, data: Path, tmp_path: Path) -> None:
    run_well("predict", model, data, tmp_path / "out.jsonl")
    lines = (tmp_path / "out.jsonl").read_text(encoding="utf8").splitlines()
    rows = [json.loads(line) for line in lines]
    docs = [toy(example.predicted) for example in make_examples(toy, 30)]
    assert [[entity["probability"] for entity in row["spans"]] for row in rows] == [
        probabilities(doc) for doc in docs
    ]
    refused = run("predict", model, data, tmp_path / "b.jsonl", "--k-best", 2, "--component", "toy")
    assert refused.exit_code == 1
    assert "no component 'toy' that gives readings" in refused.stderr


def test_calibrate_takes_what_can_be_calibrated(tmp_path: Path) -> None:
    """Of words that are right every second time, and said to be right nine times of ten."""
    nlp = toy_nlp("test_calibrated_lookup")
    toy: Any = nlp.get_pipe("toy")
    toy.words = {"right": ("A", 0.9), "wrong": ("A", 0.9)}
    doc = Doc(nlp.vocab, words=["right", "wrong"] * 60)
    doc.set_ents([Span(doc, i, i + 1, "A") for i in range(0, 120, 2)])
    DocBin(docs=[doc]).to_disk(tmp_path / "dev.spacy")
    nlp.to_disk(tmp_path / "model")
    command = ["calibrate", tmp_path / "model", tmp_path / "dev.spacy", "--component", "toy"]
    run_well(*command, "--output", tmp_path / "calibrated")
    calibrated = spacy.load(tmp_path / "calibrated")
    assert calibrated.get_pipe("toy").calibration != Calibration()  # type: ignore[attr-defined]
    assert probabilities(calibrated("right")) == [pytest.approx(0.5, abs=0.01)]
    data, out = tmp_path / "dev.spacy", tmp_path / "out"
    run_well("evaluate", tmp_path / "calibrated", data, "--output", out, "--samples", 20)
    reliability = json.loads((out / "metrics.json").read_text())["confidence"]["reliability"]
    assert reliability["before"]["mean_probability"] == pytest.approx(0.9)
    assert reliability["after"]["mean_probability"] == pytest.approx(0.5, abs=0.01)


def test_calibrate_and_export_say_what_a_component_lacks(data: Path, tmp_path: Path) -> None:
    lookup_nlp().to_disk(tmp_path / "model")
    name = ["--component", "lookup"]
    refused = run("calibrate", tmp_path / "model", data, "--output", tmp_path / "out", *name)
    assert "no component 'lookup' that can be calibrated. It has: lookup" in refused.stderr
    refused = run("export", tmp_path / "model", tmp_path / "out", *name)
    assert "no component 'lookup' that can be exported" in refused.stderr
    assert not (tmp_path / "out").exists()
