"""Toy components that find single words: all that a factory has to say for itself."""

import json
import math
from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from typing import Any

import numpy as np
from spacy.language import Language
from spacy.tokens import Doc
from spacy.training import Example
from thinc.api import Model

from spacy_ner_plus.models.decoding.calibration import Calibration
from spacy_ner_plus.models.decoding.entities import Entities
from spacy_ner_plus.models.storage.files import read_json
from spacy_ner_plus.pipeline.base import EntityPipe, TrainableEntityPipe
from spacy_ner_plus.pipeline.calibrated import CalibratedPipe
from spacy_ner_plus.pipeline.scorer import score_entities

# A label and a probability (None: not known) by word.
Words = dict[str, tuple[str, float | None]]
FILE = "words.json"
BAD_WORD = "bang"


def find(doc: Doc, words: Words, labels: tuple[str, ...]) -> Entities:
    if any(token.text == BAD_WORD for token in doc):
        raise RuntimeError("a bad word")
    known = [(token.i, *words[token.text]) for token in doc if token.text in words]
    starts = np.array([i for i, _, _ in known], dtype=np.int64)
    indices = np.array([labels.index(label) for _, label, _ in known], dtype=np.int64)
    probabilities = np.array([np.nan if p is None else p for _, _, p in known], dtype=np.float64)
    return Entities(starts, starts + 1, indices, probabilities)


# One that is not trained


class Lookup(EntityPipe):
    file_names = (FILE,)
    words: Words

    @property
    def labels(self) -> tuple[str, ...]:
        return tuple(sorted({label for label, _ in self.words.values()}))

    def predict(self, docs: Iterable[Doc]) -> list[Entities]:
        return [find(doc, self.words, self.labels) for doc in docs]

    def to_files(self) -> dict[str, Any]:
        return {FILE: json.dumps(self.words).encode("utf8")}

    def read_files(self, files: Mapping[str, Any], *, is_verified: bool) -> Callable[[], None]:
        words = read_json(FILE, files[FILE])
        return lambda: setattr(self, "words", {word: tuple(found) for word, found in words.items()})


@Language.factory("test_lookup", default_config={"existing_ents": "keep"})
def make_lookup(
    nlp: Language, name: str, existing_ents: str, threshold: Any = None, validators: Any = None
) -> Lookup:
    lookup = Lookup(
        nlp.vocab,
        name,
        existing_ents=existing_ents,
        threshold=threshold,
        spans_key=name,
        scorer=score_entities,
        validators=validators,
    )
    lookup.words = {}
    return lookup


# One that is trained


class LearnedLookup(TrainableEntityPipe):
    """A word is an entity of its most frequent label; P is how often it was one."""

    file_names = (FILE,)
    counts: dict[str, Counter[str]]

    @property
    def labels(self) -> tuple[str, ...]:
        return tuple(sorted({label for counts in self.counts.values() for label in counts} - {""}))

    def initialize(self, get_examples: Callable[[], Iterable[Example]], *, nlp: Any = None) -> None:
        self.counts = {}
        self.update(get_examples())

    def update(self, examples: Any, *, drop: Any = 0, sgd: Any = None, losses: Any = None) -> Any:
        for token in (token for example in examples for token in example.reference):
            self.counts.setdefault(token.text, Counter())[token.ent_type_] += 1
        losses = {} if losses is None else losses
        losses[self.name] = 1.0
        return losses

    def predict(self, docs: Iterable[Doc]) -> list[Entities]:
        best = {word: counts.most_common(1)[0] for word, counts in self.counts.items()}
        words: Words = {
            word: (label, n / self.counts[word].total())
            for word, (label, n) in best.items()
            if label
        }
        return [find(doc, words, self.labels) for doc in docs]

    def to_files(self) -> dict[str, Any]:
        return {FILE: json.dumps(self.counts).encode("utf8")}

    def read_files(self, files: Mapping[str, Any], *, is_verified: bool) -> Callable[[], None]:
        words = read_json(FILE, files[FILE])
        return lambda: setattr(self, "counts", {word: Counter(c) for word, c in words.items()})


def _forward(model: Model, docs: list[Doc], is_train: bool) -> Any:
    raise AssertionError("spaCy asks for a model; this one is never run")


@Language.factory("test_learned_lookup")
def make_learned_lookup(nlp: Language, name: str, threshold: float = 0.0) -> LearnedLookup:
    model: Model[list[Doc], Any] = Model("lookup", _forward)
    lookup = LearnedLookup(
        nlp.vocab, model, name, threshold=threshold, spans_key=name, scorer=score_entities
    )
    lookup.counts = {}
    return lookup


# One whose probabilities can be calibrated


class CalibratedLookup(Lookup, CalibratedPipe):
    predict = CalibratedPipe.predict

    def predict_under(self, docs: Iterable[Doc], calibration: Calibration) -> list[Entities]:
        words: Words = {
            word: (label, p and 1 / (1 + math.exp(math.log(1 / p - 1) / calibration.temperature)))
            for word, (label, p) in self.words.items()
        }
        found = [find(doc, words, self.labels) for doc in docs]
        return [
            Entities(e.starts, e.ends, e.labels, calibration.of_entities(e.probabilities))
            for e in found
        ]


@Language.factory("test_calibrated_lookup")
def make_calibrated_lookup(nlp: Language, name: str) -> CalibratedLookup:
    lookup = CalibratedLookup(nlp.vocab, name, spans_key=name, scorer=score_entities)
    lookup.words = {}
    return lookup
