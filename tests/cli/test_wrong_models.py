"""Wrong calls of the commands that run pipelines: what can be known is said before one runs."""

import re
import shutil
from pathlib import Path

import pytest
import spacy
from spacy.language import Language
from spacy.tokens import Doc, DocBin
from typer.testing import CliRunner, Result

from spacy_ner_plus.cli import app

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a pipeline that can't run, data, and damaged ones of each."""
    folder = tmp_path_factory.mktemp("wrong")
    nlp = spacy.blank("en")
    doc = Doc(nlp.vocab, words=["Aspirin", "helps"], ents=["B-Chemical", "O"])
    DocBin(docs=[doc]).to_disk(folder / "data.spacy")
    DocBin().to_disk(folder / "no_documents.spacy")
    (folder / "text.spacy").write_text("hello world\n")
    (folder / "text.txt").write_text("hello world\n")
    (folder / "bad.jsonl").write_text("{\n")
    (folder / "nothing").mkdir()
    nlp.to_disk(folder / "model")
    (folder / "training").mkdir()
    shutil.copytree(folder / "model", folder / "training" / "model-best")
    shutil.copytree(folder / "model", folder / "bad_meta")
    (folder / "bad_meta" / "meta.json").write_text("{")
    shutil.copytree(folder / "model", folder / "bad_config")
    (folder / "bad_config" / "config.cfg").write_text("[nlp")
    return folder


@pytest.fixture(autouse=True)
def nothing_runs(monkeypatch: pytest.MonkeyPatch) -> None:
    def run(*args: object, **settings: object) -> None:
        raise AssertionError("A pipeline was run.")

    monkeypatch.setattr(Language, "pipe", run)


def invoke(*arguments: object) -> Result:
    return CliRunner().invoke(app, [str(argument) for argument in arguments])


def check(result: Result, message: str) -> None:
    assert result.exit_code in (1, 2), result.output
    assert isinstance(result.exception, SystemExit), result.exception
    assert re.search(message, result.stderr), result.stderr
    assert len(re.findall("^Error:", result.stderr, re.MULTILINE)) == 1


MODELS = [
    ("no_model", r"There is no pipeline .*no_model: it is neither"),
    ("text.txt", r"There is no pipeline .*text\.txt"),
    ("nothing", r"nothing holds no pipeline: it has no meta\.json and no config\.cfg\.$"),
    ("training", r"training holds no pipeline: .* one of those inside, model-best\?"),
    ("bad_meta", r"The pipeline in .*bad_meta can't be read"),
    ("bad_config", r"The pipeline in .*bad_config can't be read"),
]


@pytest.mark.parametrize(("name", "message"), MODELS)
def test_wrong_model(place: Path, tmp_path: Path, name: str, message: str) -> None:
    model, good, data, out = place / name, place / "model", place / "data.spacy", tmp_path / "out"
    check(invoke("evaluate", model, data), message)
    check(invoke("compare", model, good, data), rf"A \(.*{name}\): .*{message}")
    check(invoke("compare", good, model, data), rf"B \(.*{name}\): .*{message}")
    check(invoke("calibrate", model, data, "--output", out), message)
    check(invoke("export", model, out), message)
    check(invoke("predict", model, place / "text.txt", tmp_path / "a.jsonl"), message)
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("no.jsonl", r"There are no predictions at .*no\.jsonl"),
        ("bad.jsonl", r"bad\.jsonl, line 1: invalid JSON"),
    ],
)
def test_wrong_predictions(place: Path, name: str, message: str) -> None:
    data, model = place / "data.spacy", place / "model"
    check(invoke("evaluate", place / name, data), message)
    check(invoke("compare", model, place / name, data), rf"B \(.*{name}\): .*{message}")
    check(invoke("compare", place / name, model, data), rf"A \(.*{name}\): .*{message}")


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("no.spacy", r"There is no corpus at .*no\.spacy"),
        ("nothing", r"There is no corpus at .*nothing"),
        ("text.spacy", r"text\.spacy is no \.spacy file.*`ner-plus convert` writes such"),
        ("no_documents.spacy", r"no_documents\.spacy has no documents"),
    ],
)
def test_wrong_data(
    place: Path, tmp_path: Path, name: str, message: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    def load(*args: object, **settings: object) -> None:
        raise AssertionError("A pipeline was loaded.")

    monkeypatch.setattr(spacy.util, "load_model", load)
    data, good, model, out = place / name, place / "data.spacy", place / "model", tmp_path / "out"
    check(invoke("evaluate", model, data), message)
    check(invoke("evaluate", model, good, "--train", data), message)
    check(invoke("compare", model, model, data), message)
    check(invoke("calibrate", model, data, "--output", out), message)
    check(invoke("calibrate", model, good, "--test", data, "--output", out), message)
    check(invoke("export", model, out, "--check", data), message)
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("name", ["text.txt", "text.txt/inside"])
def test_wrong_output(place: Path, name: str) -> None:
    model, data, out = place / "model", place / "data.spacy", place / name
    message = r"text\.txt (is a file|exists)"
    check(invoke("evaluate", model, data, "--output", out), message)
    check(invoke("compare", model, model, data, "--output", out), message)
    check(invoke("calibrate", model, data, "--output", out), message)
    check(invoke("export", model, out), message)
    inside = place / "text.txt" / "a"
    check(invoke("predict", model, place / "text.txt", f"{inside}.jsonl"), r"text\.txt")
    check(invoke("convert", data, f"{inside}.spacy"), message)
    check(invoke("project", "split", data, "--output", out), message)
