"""What stays visible of annotated texts: counts worked out by hand, and tables of them."""

import json
from pathlib import Path
from typing import ClassVar

import numpy as np
import pytest
import spacy
from spacy.language import Language
from spacy.tokens import Doc, DocBin, Span

from spacy_ner_plus import SpanRecord, TextRecord, leakage, write
from spacy_ner_plus.redaction.leakage import TypeLeakage
from tests.pipeline import lookup_pipelines  # noqa: F401  # registers test_lookup
from tests.redaction.test_redact import names_nlp, run


class Guesser:
    """Finds entities of the first words, and knows how likely others are in one."""

    name = "guesser"
    labels = ("PERSON",)
    likely: ClassVar = {"Bob": 0.3, "Berg": 0.15, "the": 0.02}

    def __call__(self, doc: Doc) -> Doc:
        if "boom" in doc.text:
            raise RuntimeError
        found = [doc[i : i + 1] for i, token in enumerate(doc) if token.text == "Anna"]
        doc.ents = [Span(doc, one.start, one.end, "PERSON") for one in found]
        return doc

    def label_probabilities(self, docs: list[Doc], least: float) -> list[np.ndarray]:
        return [np.array([[self.likely.get(t.text, 0.0)] for t in d]).reshape(-1, 1) for d in docs]


@Language.factory("redaction_test_guesser")
def make_guesser(nlp: Language, name: str) -> Guesser:
    return Guesser()


def annotated(text: str, *entities: tuple[str, str], **settings: object) -> TextRecord:
    spans = [
        SpanRecord(text.index(name), text.index(name) + len(name), label)
        for name, label in entities
    ]
    return TextRecord(text, spans=tuple(spans), **settings)  # type: ignore[arg-type]


@pytest.fixture
def data(tmp_path: Path) -> Path:
    person = "PERSON"
    records = [
        annotated("Anna Berg saw the Bob", ("Anna Berg", person), ("Bob", "NICK")),
        annotated("the boom", ("the", person)),
        TextRecord("Nobody looked", spans=None),
        annotated("the the", unknown=((0, 3),)),
    ]
    write(records, tmp_path / "gold.jsonl")
    return tmp_path / "gold.jsonl"


def test_figures(data: Path) -> None:
    nlp = spacy.blank("en")
    nlp.add_pipe("redaction_test_guesser")
    done = leakage(nlp, data, thresholds=[0.2, 0.1, 0.01])
    assert (done.documents, done.failed, done.without_annotation) == (2, 1, 1)
    assert [one.threshold for one in done.thresholds] == [None, 0.2, 0.1, 0.01]
    found, *rest, lowest = done.thresholds
    assert found.types == {
        "PERSON": TypeLeakage(1, 1, 0, 8, 4),
        "NICK": TypeLeakage(1, 1, 1, 3, 3),
    }
    assert (found.other, found.hidden_other) == (9, 0)
    assert [one.types["NICK"].visible for one in rest] == [0, 0]
    assert [one.types["PERSON"].visible_characters for one in rest] == [4, 0]
    assert (lowest.other, lowest.hidden_other) == (9, 6)
    only = leakage(nlp, data, labels=["PERSON"], thresholds=[])
    assert list(only.thresholds[0].types) == ["PERSON"] and only.thresholds[0].other == 12


def test_docs_and_commands(tmp_path: Path) -> None:
    nlp = names_nlp()
    nlp.to_disk(tmp_path / "model")
    doc = nlp.make_doc("Anna Berg saw Ulm and anna berg and Rom")
    doc.ents = [Span(doc, *place) for place in ((0, 2, "PERSON"), (5, 7, "PERSON"), (8, 9, "LOC"))]
    DocBin(docs=[doc]).to_disk(tmp_path / "gold.spacy")
    given = ("leakage", tmp_path / "model", tmp_path / "gold.spacy", "--threshold", 0.5)
    result = run(*given, "--json")
    assert result.exit_code == 0, result.output
    [first, _] = json.loads(result.stdout)["thresholds"]
    assert first["types"]["PERSON"]["visible"] == 0 and first["types"]["LOC"]["whole"] == 1
    assert first["hidden_other"] == 3  # Ulm is not annotated
    result = run(*given, "--no-repeated", "--json")
    assert json.loads(result.stdout)["thresholds"][0]["types"]["PERSON"]["visible"] == 1
    result = run(*given)
    assert result.exit_code == 0 and "all types" in result.stdout and "33.33" in result.stdout
    assert "no component of the pipeline knows" in result.output
    result = run(*given[:-1], 2)
    assert result.exit_code == 1 and "must be a probability" in result.output


def test_nothing_to_measure_is_an_error(tmp_path: Path) -> None:
    write([TextRecord("Nobody looked", spans=None)], tmp_path / "gold.jsonl")
    with pytest.raises(ValueError, match="nothing to measure"):
        leakage(names_nlp(), tmp_path / "gold.jsonl")
