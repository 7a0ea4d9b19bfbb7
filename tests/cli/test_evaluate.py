import json
import re
import sys
from pathlib import Path

import pytest
import spacy
from spacy.language import Language
from spacy.tokens import Doc, DocBin, Span
from typer.testing import CliRunner, Result

from spacy_ner_plus.cli import app

GOLD = [
    ("aspirin helps against headache", [(0, 1, "Chemical"), (3, 4, "Disease")]),
    ("aspirin and ibuprofen", [(0, 1, "Chemical"), (2, 3, "Chemical")]),
    ("nothing here", []),
]


class FindsAspirin:
    """Knows one chemical and takes every "and" for a disease."""

    def __call__(self, doc: Doc) -> Doc:
        labels = {"aspirin": "Chemical", "and": "Disease"}
        doc.ents = [
            Span(doc, token.i, token.i + 1, labels[token.text])
            for token in doc
            if token.text in labels
        ]
        return doc


@Language.factory("finds_aspirin")
def make_finds_aspirin(nlp: Language, name: str) -> FindsAspirin:
    return FindsAspirin()


@pytest.fixture
def nlp() -> Language:
    nlp = spacy.blank("en")
    nlp.add_pipe("finds_aspirin")
    return nlp


@pytest.fixture
def data(nlp: Language, tmp_path: Path) -> Path:
    docs = []
    for text, spans in GOLD:
        doc = nlp.make_doc(text)
        doc.set_ents([Span(doc, *span) for span in spans], default="outside")
        docs.append(doc)
    path = tmp_path / "test.spacy"
    DocBin(docs=docs).to_disk(path)
    return path


@pytest.fixture
def model(nlp: Language, tmp_path: Path) -> Path:
    nlp.to_disk(tmp_path / "pipeline")
    return tmp_path / "pipeline"


def run(*arguments: str | Path) -> Result:
    return CliRunner().invoke(app, list(map(str, arguments)))


def test_evaluate_prints_and_writes_what_report_prints_again(
    model: Path, data: Path, tmp_path: Path
) -> None:
    output = tmp_path / "metrics" / "test"
    result = run("evaluate", model, data, "--output", output, "--train", data, "--samples", 50)
    assert result.exit_code == 0, result.output
    lines = [line.split() for line in result.output.splitlines()]
    micro = next(line for line in lines if line[:1] == ["micro"])
    assert micro[:4] == ["micro", "66.67", "50.00", "57.14"]
    assert micro[-2:] == ["4", "3"]
    assert sorted(path.name for path in output.iterdir()) == [
        "errors.jsonl",
        "metrics.json",
        "report.html",
    ]
    metrics = json.loads((output / "metrics.json").read_text())
    assert metrics["model"] == str(model)
    assert metrics["exact"]["types"]["Chemical"]["recall"] == pytest.approx(2 / 3)
    assert metrics["intervals"]["samples"] == 50
    rows = [json.loads(line) for line in (output / "errors.jsonl").read_text().splitlines()]
    assert [(row["meta"]["kind"], row["meta"]["document"]) for row in rows] == [
        ("missed", 0),
        ("spurious", 1),
        ("missed", 1),
    ]
    assert "<html" in (output / "report.html").read_text()
    report = run("report", output, output)
    assert report.exit_code == 0, report.output
    assert [line.split() for line in report.output.splitlines()].count(micro) == 2
    assert report.output.count("report.html") == 2


def test_evaluate_reads_predictions(model: Path, data: Path, tmp_path: Path) -> None:
    found = [[("aspirin", "Chemical", 0, 7)], [], []]
    with (tmp_path / "found.jsonl").open("w") as file:
        for (text, _), entities in zip(GOLD, found, strict=True):
            rows = [{"label": e[1], "start": e[2], "end": e[3]} for e in entities]
            file.write(json.dumps({"text": text, "entities": rows}) + "\n")
    result = run("evaluate", tmp_path / "found.jsonl", data)
    assert result.exit_code == 0, result.output
    micro = next(line for line in result.output.splitlines() if line.startswith("micro"))
    assert micro.split()[:4] == ["micro", "100.00", "25.00", "40.00"]


def test_evaluate_counts_the_types_that_are_wanted(model: Path, data: Path, tmp_path: Path) -> None:
    options = ["--labels", "Substance, Disease", "--map", "Chemical=Substance"]
    result = run("evaluate", model, data, "--samples", 50, *options, "--output", tmp_path / "out")
    assert result.exit_code == 0, result.output
    metrics = json.loads((tmp_path / "out" / "metrics.json").read_text())
    assert metrics["types"]["labels"] == ["Substance", "Disease"]
    assert metrics["types"]["renamed"] == {"Chemical": {"gold": 3, "predicted": 2}}
    assert list(metrics["exact"]["types"]) == ["Disease", "Substance"]
    note = "Renamed (--map): Chemical to Substance (3 gold, 2 predicted)."
    for text in (result.output, (tmp_path / "out" / "report.html").read_text()):
        assert text.index(note) < text.index("icro")
    assert note in run("report", tmp_path / "out").output
    for options, message in [
        (["--labels", "A,,B"], "must be types parted by commas"),
        (["--labels", "disease"], "No entity is of a type that --labels names, 'disease'"),
        (["--map", "Chemical"], "--map wants OLD=NEW"),
    ]:
        result = run("evaluate", model, data, *options)
        assert (result.exit_code, message in result.output) == (1, True)


def test_evaluate_reads_groups_of_spans(tmp_path: Path) -> None:
    nlp = spacy.blank("en")
    ruler = nlp.add_pipe("span_ruler", config={"spans_key": "all"})
    ruler.add_patterns([{"label": "A", "pattern": "a b"}, {"label": "B", "pattern": "b"}])
    nlp.to_disk(tmp_path / "pipeline")
    doc = nlp("a b c")
    DocBin(docs=[doc, doc]).to_disk(tmp_path / "test.spacy")
    result = run("evaluate", tmp_path / "pipeline", tmp_path / "test.spacy", "--spans-key", "all")
    assert result.exit_code == 0, result.output
    micro = next(line for line in result.output.splitlines() if line.startswith("micro"))
    assert micro.split()[:4] == ["micro", "100.00", "100.00", "100.00"]


def test_evaluate_names_missing_data_and_missing_pipeline(data: Path, tmp_path: Path) -> None:
    result = run("evaluate", "en_nothing", tmp_path / "nowhere.spacy")
    assert result.exit_code == 1
    assert "There is no corpus" in result.output
    result = run("evaluate", "en_nothing", data)
    assert result.exit_code == 1
    assert "en_nothing" in result.output


def test_evaluate_says_that_there_is_no_gpu(
    model: Path, data: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("thinc.util.has_gpu", False)
    result = run("evaluate", model, data, "--gpu-id", 0)
    assert result.exit_code == 1
    assert re.search(r"Error: --gpu-id 0: (Cannot use GPU|No GPU).*leave it out", result.stderr)
    assert run("evaluate", model, data, "--gpu-id", -1).exit_code == 0


def test_evaluate_finds_out_what_is_wrong_before_the_pipeline_runs(
    model: Path, data: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def must_not_run(*arguments: object, **settings: object) -> None:
        raise AssertionError

    monkeypatch.setattr("spacy_ner_plus.evaluation.evaluate.predict", must_not_run)
    for arguments, message in [
        (["--train", tmp_path / "none.spacy"], "There is no corpus at"),
        (["--train", model / "meta.json"], "meta.json is no .spacy file"),
        (["--output", data], "is a file: --output takes a folder"),
        (["--output", data / "metrics"], "metrics can't be made, as"),
        (["--precision", "90"], "must be a share, 0 to 1"),
    ]:
        result = run("evaluate", model, data, *arguments)
        assert result.exit_code == 1
        assert message in result.output
    for module, arguments in (("nervaluate", []), ("matplotlib", ["--output", tmp_path / "out"])):
        with monkeypatch.context() as patch:
            patch.setitem(sys.modules, module, None)
            result = run("evaluate", model, data, *arguments)
        assert result.exit_code == 1
        assert 'pip install "spacy_ner_plus[evaluate]"' in result.output


@pytest.mark.slow
def test_evaluate_refuses_pipelines_and_data_without_entities(
    model: Path, data: Path, tmp_path: Path
) -> None:
    spacy.blank("en").to_disk(tmp_path / "blank")
    result = run("evaluate", tmp_path / "blank", data)
    assert result.exit_code == 1
    assert "No component of this pipeline sets doc.ents" in result.output
    DocBin(docs=[spacy.blank("en")("no annotation")]).to_disk(tmp_path / "bare.spacy")
    result = run("evaluate", model, tmp_path / "bare.spacy")
    assert result.exit_code == 1
    assert "has annotation in doc.ents" in result.output


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (None, "run `ner-plus evaluate --output"),
        ("{", "can't be read"),
        ("[]", "holds no metrics"),
        ('{"scores": {}}', "has the schema (None, None)"),
        ('{"schema": "spacy_ner_plus.metrics", "schema_version": 99}', "99"),
    ],
)
def test_report_says_what_to_run_first(content: str | None, message: str, tmp_path: Path) -> None:
    if content is not None:
        (tmp_path / "metrics.json").write_text(content)
    result = run("report", tmp_path)
    assert result.exit_code == 1
    assert message in result.output
