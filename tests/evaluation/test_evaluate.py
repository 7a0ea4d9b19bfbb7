"""Evaluating from Python: pipelines, names and files in; figures, errors and files out."""

import json
from dataclasses import replace
from pathlib import Path

import pytest
import spacy
from spacy.language import Language
from spacy.tokens import DocBin

from spacy_ner_plus.evaluation.evaluate import Evaluation, evaluate, read_metrics
from spacy_ner_plus.support.typed_json import to_json
from tests.pipeline.samples import make_examples


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("data") / "test.spacy"
    references = [example.reference for example in make_examples(spacy.blank("en"), 12)]
    DocBin(docs=references).to_disk(path)
    return path


@pytest.fixture(scope="module")
def nlp(random_model: Path) -> Language:
    return spacy.load(random_model)


@pytest.fixture(scope="module")
def evaluation(nlp: Language, data: Path) -> Evaluation:
    return evaluate(nlp, data, train=data, samples=50)


def without_speed(evaluation: Evaluation) -> Evaluation:
    return replace(evaluation, metrics=replace(evaluation.metrics, speed=None))


def test_a_pipeline_its_folder_and_its_name_are_evaluated_alike(
    evaluation: Evaluation, random_model: Path, data: Path
) -> None:
    for model in (random_model, str(random_model)):
        other = evaluate(model, str(data), train=str(data), samples=50)
        assert without_speed(other) == without_speed(evaluation)
    assert evaluation.metrics.model == str(random_model)
    assert evaluation.metrics.components == ["ner_plus"]


def test_an_evaluation_tells_f1_and_each_error(evaluation: Evaluation, nlp: Language) -> None:
    metrics = evaluation.metrics
    assert evaluation.f1 == metrics.exact.micro.f1
    assert len(evaluation.errors) == sum(kind.errors for kind in metrics.errors.kinds) > 0
    assert metrics.exact.micro.predicted == metrics.counts.predicted > 0


def test_an_evaluation_shows_itself_in_short(
    evaluation: Evaluation, random_model: Path, data: Path
) -> None:
    perfect = replace(evaluation.metrics.exact.micro, f1=0.98765)
    exact = replace(evaluation.metrics.exact, micro=perfect)
    other = Evaluation(replace(evaluation.metrics, exact=exact), evaluation.errors[:2])
    assert repr(other) == f"<Evaluation of {random_model} on {data}: F1 0.9877, 2 errors>"


def test_a_pipeline_that_was_not_loaded_is_called_by_its_meta(data: Path) -> None:
    nlp = spacy.blank("en")
    nlp.add_pipe("entity_ruler").add_patterns([{"label": "Chemical", "pattern": "selegiline"}])
    nlp.meta["name"] = "rules"
    assert evaluate(nlp, data, samples=5).metrics.model == "en_rules"


def test_an_evaluation_is_written_and_read(evaluation: Evaluation, tmp_path: Path) -> None:
    evaluation.write(tmp_path / "new" / "folder")
    folder = tmp_path / "new" / "folder"
    assert read_metrics(folder) == evaluation.metrics
    assert json.loads((folder / "metrics.json").read_text("utf8")) == to_json(evaluation.metrics)
    lines = (folder / "errors.jsonl").read_text("utf8").splitlines()
    assert [json.loads(line) for line in lines] == evaluation.errors
    assert (folder / "report.html").read_text("utf8") == evaluation.report
    assert evaluation.report.startswith("<!doctype html>")


def test_metrics_that_lack_a_key_are_refused(evaluation: Evaluation, tmp_path: Path) -> None:
    metrics = to_json(evaluation.metrics)
    del metrics["exact"]["micro"]["f1"]
    (tmp_path / "metrics.json").write_text(json.dumps(metrics))
    with pytest.raises(ValueError, match=r"metrics\.json\.exact\.micro has no 'f1'"):
        read_metrics(tmp_path)


def test_metrics_of_an_earlier_version_have_no_ambiguity(
    evaluation: Evaluation, tmp_path: Path
) -> None:
    metrics = to_json(evaluation.metrics)
    del metrics["slices"]["ambiguity"]
    (tmp_path / "metrics.json").write_text(json.dumps(metrics))
    slices = replace(evaluation.metrics.slices, ambiguity=None)
    assert read_metrics(tmp_path) == replace(evaluation.metrics, slices=slices)
    assert Evaluation(read_metrics(tmp_path), evaluation.errors).report


def test_settings_are_checked_before_the_pipeline_runs(data: Path, tmp_path: Path) -> None:
    for settings, message in [
        ({"precision": 2.0}, "must be a share"),
        ({"tokens": "mine"}, "is unknown"),
        ({"train": tmp_path / "none"}, "There is no corpus"),
    ]:
        with pytest.raises(ValueError, match=message):
            evaluate("a-model-that-is-not-there", data, **settings)
