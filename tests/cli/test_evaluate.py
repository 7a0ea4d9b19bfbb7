import json
from pathlib import Path

import pytest
import spacy
from spacy.language import Language
from spacy.tokens import Doc, DocBin, Span
from typer.testing import CliRunner, Result

from spacy_ner_plus.cli import app
from spacy_ner_plus.cli.evaluate import evaluate
from spacy_ner_plus.pipeline.scorer import score_entities

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

    score = staticmethod(score_entities)


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


def run(*arguments: str | Path) -> Result:
    return CliRunner().invoke(app, list(map(str, arguments)))


def test_evaluate_scores_types_micro_and_macro(nlp: Language, data: Path) -> None:
    record = evaluate(nlp, data)
    assert record["n_docs"] == 3
    assert record["n_words"] == 9
    assert record["words_per_second"] > 0
    scores = record["scores"]
    chemical = {"p": 1.0, "r": 2 / 3, "f": 0.8, "support": 3}
    assert scores["ents_per_type"]["Chemical"] == pytest.approx(chemical)
    assert scores["ents_per_type"]["Disease"] == {"p": 0.0, "r": 0.0, "f": 0.0, "support": 1}
    assert (scores["ents_p"], scores["ents_r"]) == pytest.approx((2 / 3, 1 / 2))
    assert scores["ents_f"] == pytest.approx(4 / 7)
    assert scores["ents_macro_f"] == pytest.approx(0.4)


def test_evaluate_agrees_with_spacy(nlp: Language, data: Path) -> None:
    from spacy_ner_plus.data.corpus import make_corpus_v1

    expected = nlp.evaluate(list(make_corpus_v1(data)(nlp)))
    scores = evaluate(nlp, data)["scores"]
    assert scores == {key: expected[key] for key in scores}


def test_evaluate_command_prints_and_writes_what_report_prints_again(
    nlp: Language, data: Path, tmp_path: Path
) -> None:
    nlp.to_disk(tmp_path / "pipeline")
    output = tmp_path / "metrics" / "test.json"
    result = run("evaluate", tmp_path / "pipeline", data, "--output", output)
    assert result.exit_code == 0, result.output
    lines = [line.split() for line in result.output.splitlines()]
    assert ["Chemical", "100.00", "66.67", "80.00", "3"] in lines
    assert ["Disease", "0.00", "0.00", "0.00", "1"] in lines
    assert ["micro", "66.67", "50.00", "57.14", "4"] in lines
    assert ["macro", "50.00", "33.33", "40.00", "4"] in lines
    record = json.loads(output.read_text())
    assert record["model"] == str(tmp_path / "pipeline")
    report = run("report", output)
    assert report.exit_code == 0
    assert report.output.strip() == result.output[: result.output.index("words/s") + 7].strip()


def test_evaluate_names_missing_data_and_missing_pipeline(data: Path, tmp_path: Path) -> None:
    result = run("evaluate", "en_nothing", tmp_path / "nowhere.spacy")
    assert result.exit_code == 1
    assert "There is no evaluation data" in result.output
    result = run("evaluate", "en_nothing", data)
    assert result.exit_code == 1
    assert "en_nothing" in result.output


def test_evaluate_refuses_pipelines_and_data_without_entities(
    nlp: Language, data: Path, tmp_path: Path
) -> None:
    with pytest.raises(ValueError, match="No component of this pipeline scores entities"):
        evaluate(spacy.blank("en"), data)
    unannotated = tmp_path / "unannotated.spacy"
    DocBin(docs=[nlp.make_doc("no annotation")]).to_disk(unannotated)
    with pytest.raises(ValueError, match="has no annotated documents"):
        evaluate(nlp, unannotated)
    empty = tmp_path / "empty.spacy"
    DocBin().to_disk(empty)
    with pytest.raises(ValueError, match="holds no documents"):
        evaluate(nlp, empty)


def test_report_says_what_to_run_first(tmp_path: Path) -> None:
    result = run("report", tmp_path / "missing.json")
    assert result.exit_code == 1
    assert "run `ner-plus evaluate` first" in result.output
