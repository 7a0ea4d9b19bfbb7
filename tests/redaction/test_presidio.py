"""The recogniser for Presidio, on a stand-in of its interface and, where it is installed, on it."""

import sys
from collections.abc import Iterator
from types import ModuleType, SimpleNamespace
from typing import Any

import pytest
import spacy
from spacy.language import Language
from spacy.tokens import Span

from spacy_ner_plus import presidio_recognizer
from spacy_ner_plus.redaction import presidio_recognizer as module
from tests.pipeline import lookup_pipelines  # noqa: F401  # registers test_lookup

TEXT = "Anna saw Bob in Ulm"


class EntityRecognizer:
    """As Presidio's in version 2.2.366: what a recogniser gets and has to have."""

    def __init__(
        self,
        supported_entities: list[str],
        name: str | None = None,
        supported_language: str = "en",
        version: str = "0.0.1",
        context: list[str] | None = None,
    ) -> None:
        self.supported_entities, self.name = supported_entities, name
        self.supported_language, self.version, self.context = supported_language, version, context
        self._id = f"{name}_{id(self)}"
        self.load()

    @property
    def id(self) -> str:
        return self._id


class RecognizerResult(SimpleNamespace):
    RECOGNIZER_NAME_KEY = "recognizer_name"
    RECOGNIZER_IDENTIFIER_KEY = "recognizer_identifier"


@pytest.fixture
def stand_in(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    presidio: Any = ModuleType("presidio_analyzer")
    presidio.EntityRecognizer = EntityRecognizer
    presidio.RecognizerResult = RecognizerResult
    presidio.AnalysisExplanation = SimpleNamespace
    monkeypatch.setattr(module, "require", lambda *_: presidio)
    class_of = module._recognizer_class
    class_of.cache_clear()
    yield
    class_of.cache_clear()


def lookup_nlp() -> Language:
    nlp = spacy.blank("en")
    lookup: Any = nlp.add_pipe("test_lookup")
    lookup.words = {"Anna": ("PER", 0.9), "Bob": ("PER", 0.4), "Ulm": ("GPE", None)}
    return nlp


def found(recognizer: Any, entities: list[str], artifacts: Any = None) -> list[Any]:
    results = recognizer.analyze(TEXT, entities, artifacts)
    return [(TEXT[one.start : one.end], one.entity_type, one.score) for one in results]


@pytest.mark.usefixtures("stand_in")
def test_probabilities_are_scores() -> None:
    nlp = lookup_nlp()
    recognizer = presidio_recognizer(nlp, supported_entities=["PERSON", "LOCATION"])
    every = [("Anna", "PERSON", 0.9), ("Bob", "PERSON", 0.4), ("Ulm", "LOCATION", 0.85)]
    assert found(recognizer, ["PERSON", "LOCATION", "EMAIL"]) == every
    assert found(recognizer, ["LOCATION"]) == every[2:]
    assert found(recognizer, []) == every
    [first, *_] = recognizer.analyze(TEXT, ["PERSON"])
    assert first.recognition_metadata["recognizer_name"] == "NerPlusRecognizer"
    assert first.recognition_metadata["recognizer_identifier"] == recognizer.id
    assert "Anna" not in str(first.analysis_explanation)


@pytest.mark.usefixtures("stand_in")
def test_docs_of_presidio_are_looked_at() -> None:
    recognizer = presidio_recognizer(
        supported_entities=["PERSON"], entities={"PER": "PERSON"}, language="de"
    )
    assert recognizer.supported_language == "de"
    doc = lookup_nlp()(TEXT)
    artifacts = SimpleNamespace(tokens=doc)
    assert found(recognizer, ["PERSON"], artifacts) == [
        ("Anna", "PERSON", 0.9), ("Bob", "PERSON", 0.4)
    ]  # fmt: skip
    for wrong in (None, SimpleNamespace(tokens=lookup_nlp()("Other"))):
        with pytest.raises(ValueError, match="no Doc of the text"):
            recognizer.analyze(TEXT, ["PERSON"], wrong)


@pytest.mark.usefixtures("stand_in")
def test_types_are_those_of_components_that_write_entities() -> None:
    nlp = spacy.blank("en")
    ruler: Any = nlp.add_pipe("entity_ruler")
    ruler.add_patterns([{"label": "PER", "pattern": "Anna"}, {"label": "DRUG", "pattern": "x"}])
    nlp.add_pipe("tagger").add_label("NN")  # type: ignore[attr-defined]
    assert presidio_recognizer(nlp).supported_entities == ["DRUG", "PERSON"]
    with pytest.raises(ValueError, match="give supported_entities"):
        presidio_recognizer()
    with pytest.raises(ValueError, match="from 0 to 1"):
        presidio_recognizer(nlp, unknown_score=2)


def test_without_presidio_the_extra_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    nlp = lookup_nlp()
    monkeypatch.setitem(sys.modules, "presidio_analyzer", None)
    with pytest.raises((ValueError, ModuleNotFoundError), match="presidio"):
        presidio_recognizer(nlp)


def test_with_presidio_itself() -> None:
    presidio = pytest.importorskip("presidio_analyzer")
    nlp = lookup_nlp()
    recognizer = presidio_recognizer(nlp, supported_entities=["PERSON"])
    assert isinstance(recognizer, presidio.EntityRecognizer)
    doc = nlp(TEXT)
    ents: list[Span] = list(doc.ents)
    artifacts = presidio.nlp_engine.NlpArtifacts(
        ents, doc, [t.idx for t in doc], [], None, "en"
    )  # fmt: skip
    results = recognizer.analyze(TEXT, ["PERSON"], artifacts)
    assert [(one.start, one.end, one.score) for one in results] == [(0, 4, 0.9), (9, 12, 0.4)]
    assert all(isinstance(one, presidio.RecognizerResult) for one in results)
