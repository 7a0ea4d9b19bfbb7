"""Pipelines of toy components: see lookups."""

from typing import Any

import spacy
from spacy.language import Language
from spacy.tokens import Doc

from tests.pipeline.lookups import Lookup, Words
from tests.pipeline.samples import make_examples

WORDS: Words = {
    "pain": ("Disease", 0.9),
    "fever": ("Disease", 0.4),
    "aspirin": ("Chemical", 0.7),
    "cough": ("Disease", None),
}
TEXT = "fever pain aspirin cough"
TOYS = ["test_lookup", "test_learned_lookup", "test_calibrated_lookup"]


def lookup_nlp(words: Words = WORDS, **settings: Any) -> Language:
    nlp = spacy.blank("en")
    add_lookup(nlp, words, **settings)
    return nlp


def add_lookup(nlp: Language, words: Words = WORDS, **settings: Any) -> Lookup:
    lookup: Lookup = nlp.add_pipe("test_lookup", name="lookup", config=settings)  # type: ignore
    lookup.words = words
    return lookup


def toy_nlp(factory: str, **settings: Any) -> Language:
    """A pipeline with one toy that knows something."""
    nlp = spacy.blank("en")
    toy: Any = nlp.add_pipe(factory, name="toy", config=settings)
    if factory == "test_learned_lookup":
        toy.initialize(lambda: make_examples(nlp))
    else:
        toy.words = {
            ent.text: (ent.label_, 0.5 + 0.4 * (len(ent.text) % 2))
            for example in make_examples(nlp)
            for ent in example.reference.ents
        }
    return nlp


def found(doc: Doc) -> list[tuple[str, str, float | None]]:
    return [(ent.text, ent.label_, ent._.probability) for ent in doc.ents]
