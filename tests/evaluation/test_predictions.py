"""Predictions by pipelines and from files."""

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import spacy
from spacy.tokens import Doc, DocBin

from spacy_ner_plus.evaluation.documents import Document
from spacy_ner_plus.evaluation.predictions import Predictions, predict
from spacy_ner_plus.models.decoding.calibration import Calibration
from tests.pipeline.samples import make_examples

N = 12


@pytest.fixture(scope="module")
def references() -> list[Doc]:
    docs = [example.reference for example in make_examples(spacy.blank("en"), N)]
    bare = Doc(docs[0].vocab, words=["Not", "annotated"])
    return [*docs[:5], bare, *docs[5:]]


@pytest.fixture(scope="module")
def data(references: list[Doc], tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("data") / "test.spacy"
    DocBin(docs=references).to_disk(path)
    return path


@pytest.fixture(scope="module")
def found(random_model: Path, data: Path) -> Predictions:
    return predict(str(random_model), data)


@pytest.fixture
def rows(found: Predictions, references: list[Doc]) -> list[dict[str, Any]]:
    """The same predictions as a file holds them."""
    rows: list[dict[str, Any]] = [{"text": doc.text, "spans": []} for doc in references]
    for document in found.documents:
        rows[document.index]["spans"] = [
            {
                "label": entity.label,
                "start": entity.start_char,
                "end": entity.end_char,
                "probability": entity.probability,
            }
            for entity in document.predicted
        ]
    return rows


def write(rows: list[Any], path: Path) -> str:
    path.write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf8")
    return str(path)


def test_a_pipeline_predicts(found: Predictions, random_model: Path, references: list[Doc]) -> None:
    nlp = spacy.load(random_model)
    assert [document.index for document in found.documents] == [*range(5), *range(6, N + 1)]
    assert found.n_without_annotation == 1
    assert found.n_words == sum(map(len, references)) - 2
    assert found.speed is not None
    assert found.speed.words == found.n_words
    for document in found.documents:
        reference = references[document.index]
        doc = nlp(Doc(nlp.vocab, words=[token.text for token in reference]))
        assert document.text == reference.text
        assert [e.span for e in document.gold] == [
            (ent.start, ent.end, ent.label_) for ent in reference.ents
        ]
        assert [(e.span, e.probability) for e in document.predicted] == [
            ((ent.start, ent.end, ent.label_), pytest.approx(ent._.probability, abs=1e-5))
            for ent in doc.ents
        ]
    assert sum(len(document.predicted) for document in found.documents) > 20


def test_the_pipelines_own_tokens_may_be_used(random_model: Path, data: Path) -> None:
    found = predict(str(random_model), data, tokens="pipeline")
    assert [len(document.token_starts) for document in found.documents] == [
        len(document.token_starts) for document in predict(str(random_model), data).documents
    ]


def test_predictions_are_read(
    found: Predictions, rows: list[dict[str, Any]], data: Path, tmp_path: Path
) -> None:
    read = predict(write(rows, tmp_path / "found.jsonl"), data)
    assert read.documents == found.documents
    assert (read.n_words, read.n_without_annotation) == (found.n_words, 1)
    assert read.nlp is None
    assert read.speed is None


def test_rows_of_version_0_4_are_read(
    found: Predictions, rows: list[dict[str, Any]], data: Path, tmp_path: Path
) -> None:
    """They had the entities under another name, and null where a probability lacks."""
    old = [
        {"id": i, "row": i, "text": r["text"], "entities": r["spans"]} for i, r in enumerate(rows)
    ]
    assert predict(write(old, tmp_path / "found.jsonl"), data).documents == found.documents
    for row in old:
        for entity in row["entities"]:
            entity["probability"] = None
    read = predict(write(old, tmp_path / "found.jsonl"), data).documents
    assert {entity.probability for document in read for entity in document.predicted} == {None}


def test_predictions_may_lack_probabilities(
    found: Predictions, rows: list[dict[str, Any]], data: Path, tmp_path: Path
) -> None:
    for row in rows:
        for entity in row["spans"]:
            del entity["probability"]
    read = predict(write(rows, tmp_path / "found.jsonl"), data)

    def bare(document: Document) -> Document:
        return replace(
            document, predicted=tuple(replace(e, probability=None) for e in document.predicted)
        )

    assert read.documents == [bare(document) for document in found.documents]


def test_predictions_for_empty_documents_are_passed_over(
    found: Predictions, rows: list[dict[str, Any]], data: Path, tmp_path: Path
) -> None:
    rows.insert(3, {"text": "", "spans": []})
    path = Path(write(rows, tmp_path / "found.jsonl"))
    path.write_text(path.read_text() + "\n")
    assert predict(str(path), data).documents == found.documents


def test_predictions_for_other_documents_are_refused(
    rows: list[dict[str, Any]], data: Path, tmp_path: Path
) -> None:
    path = tmp_path / "found.jsonl"
    with pytest.raises(ValueError, match=r"ends after 12 documents, but .*test\.spacy has more"):
        predict(write(rows[:-1], path), data)
    with pytest.raises(ValueError, match=r"line 14 is one document more"):
        predict(write([*rows, rows[0]], path), data)
    with pytest.raises(ValueError, match=r"line 2 is about another text than document 1"):
        predict(write([rows[0], rows[0], *rows[2:]], path), data)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"start": -1}, "characters -1-2 are none"),
        ({"end": 10_000}, "characters 0-10000 are not within the text"),
        ({"start": 3, "end": 3}, "characters 3-3 are none"),
        ({"start": "0"}, "start must be an integer"),
        ({"label": None}, "label must be given"),
        ({"probability": "high"}, "probability must be a number from 0 to 1"),
        ({"probability": 90}, "probability must be a number from 0 to 1"),
    ],
)
def test_an_entity_that_is_none_is_refused(
    rows: list[dict[str, Any]], data: Path, tmp_path: Path, change: dict[str, Any], message: str
) -> None:
    rows[2]["spans"] = [{"start": 0, "end": 2, "label": "X", **change}]
    with pytest.raises(ValueError, match=rf"found\.jsonl, line 3: spans\[0\]: {message}"):
        predict(write(rows, tmp_path / "found.jsonl"), data)


def test_rejected_spans_are_no_predictions(
    found: Predictions, rows: list[dict[str, Any]], data: Path, tmp_path: Path
) -> None:
    rows[2]["spans"].append({"start": 0, "end": 2, "label": "X", "status": "rejected"})
    assert predict(write(rows, tmp_path / "found.jsonl"), data).documents == found.documents


def test_a_broken_row_is_refused(rows: list[Any], data: Path, tmp_path: Path) -> None:
    path = tmp_path / "found.jsonl"
    for row, message in (
        ({"text": 1, "spans": []}, "text must be a string"),
        ({"text": "a"}, "nothing is said about entities. Give 'spans'"),
        (["a"], "a row is an object"),
        ({"text": "a", "spans": [], "entities": []}, "under 'spans' and 'entities'"),
    ):
        with pytest.raises(ValueError, match=f"line 1: .*{message}"):
            predict(write([row], path), data)
    path.write_text('{"text": NaN\n')
    with pytest.raises(ValueError, match="line 1: invalid JSON"):
        predict(str(path), data)
    with pytest.raises(ValueError, match="There are no predictions at"):
        predict(str(tmp_path / "none.jsonl"), data)


def test_a_pipeline_without_entities_is_refused(data: Path, tmp_path: Path) -> None:
    nlp = spacy.blank("en")
    nlp.add_pipe("sentencizer")
    nlp.to_disk(tmp_path / "model")
    with pytest.raises(ValueError, match=r"sets doc\.ents. It has: sentencizer"):
        predict(str(tmp_path / "model"), data)


def test_data_without_annotation_is_refused(random_model: Path, tmp_path: Path) -> None:
    DocBin(docs=[Doc(spacy.blank("en").vocab, words=["a"])]).to_disk(tmp_path / "bare.spacy")
    with pytest.raises(ValueError, match=r"None of the 1 documents .* has annotation in doc\.ents"):
        predict(str(random_model), tmp_path / "bare.spacy")
    with pytest.raises(ValueError, match="no corpus at"):
        predict(str(random_model), tmp_path / "none.spacy")


def test_probabilities_without_calibration_are_known_too(
    random_model: Path, found: Predictions, data: Path, tmp_path: Path
) -> None:
    nlp = spacy.load(random_model)
    nlp.get_pipe("ner_plus").shim.calibration = Calibration(2.0, 0.9, -0.1)
    nlp.to_disk(tmp_path / "calibrated")
    calibrated = predict(str(tmp_path / "calibrated"), data)
    pairs = [
        (before, after)
        for first, second in zip(found.documents, calibrated.documents, strict=True)
        for before, after in zip(first.predicted, second.predicted, strict=True)
    ]
    assert len(pairs) > 20
    for before, after in pairs:
        assert before.span == after.span
        assert before.uncalibrated is None
        assert after.uncalibrated == pytest.approx(before.probability, abs=1e-6)
        assert after.probability != pytest.approx(before.probability, abs=1e-3)


@pytest.mark.slow
def test_groups_of_spans_are_compared(random_model: Path, tmp_path: Path) -> None:
    docs = [example.reference for example in make_examples(spacy.blank("en"), 4)]
    for doc in docs[:3]:
        doc.spans["ner_plus"] = list(doc.ents)
    DocBin(docs=docs).to_disk(tmp_path / "test.spacy")
    found = predict(str(random_model), tmp_path / "test.spacy", spans_key="ner_plus")
    other = predict(str(random_model), tmp_path / "test.spacy")
    assert found.n_without_annotation == 1
    assert found.documents == other.documents[:3]
    with pytest.raises(ValueError, match=r"None of the 4 documents .*spans\['sc'\]"):
        predict(str(random_model), tmp_path / "test.spacy", spans_key="sc")
