"""What must hold of learning from every document, and of every pipeline that is saved."""

import math
import pickle
import tempfile
import warnings
from collections.abc import Sequence

import spacy
import torch
from spacy.language import Language
from spacy.tokens import Doc
from spacy.training import Example
from thinc.api import Adam

from tests.fuzz.pipelines import (
    Setup,
    cook,
    cook_example,
    make_pipeline,
    model_config,
    pipeline,
)
from tests.fuzz.properties import FOREIGN, check_doc, ner_of, spans_of, state_of
from tests.fuzz.strategies import Recipe


def check_training(setup: Setup, pairs: Sequence[tuple[Recipe, str]]) -> None:
    """Learning from any documents gives finite losses and weights, and so does scoring them.

    pairs: Gold annotation, and how the predicted document is tokenised.
    """
    nlp = pipeline(setup)
    ner = ner_of(nlp)
    before = {name: value.clone() for name, value in ner.shim.module.state_dict().items()}
    examples = [cook_example(recipe, nlp.vocab, ner.labels, split) for recipe, split in pairs]
    optimizer = Adam(1e-4, L2=0.01, grad_clip=1.0)
    try:
        for _ in range(2):
            losses = nlp.update(examples, sgd=optimizer)
            assert math.isfinite(losses["ner_plus"]) and losses["ner_plus"] >= 0
        assert all(bool(torch.isfinite(p).all()) for p in ner.shim.module.parameters())
        fresh = [Example(eg.predicted.copy(), eg.reference) for eg in examples]
        scores = nlp.evaluate(fresh, batch_size=2)
        for key in ("ents_p", "ents_r", "ents_f", "ents_macro_f"):
            assert scores[key] is None or 0 <= scores[key] <= 1
    finally:
        ner.shim.module.load_state_dict(before)
        ner.shim.module.zero_grad()


def check_initialize(setup: Setup, pairs: Sequence[tuple[Recipe, str]], labels: list[str]) -> None:
    """Labels come from any examples, and what can't be learned is a warning, not an error."""
    nlp = spacy.blank("en")
    examples = [cook_example(recipe, nlp.vocab, tuple(labels), split) for recipe, split in pairs]
    used = {ent.label_ for eg in examples for ent in eg.reference.ents}
    if not used:
        return
    config = {"tag_scheme": setup.tag_scheme, "model": model_config(setup)}
    ner = nlp.add_pipe("ner_plus", config=config)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", UserWarning)
        ner.initialize(lambda: examples, nlp=nlp)
    assert ner.labels == tuple(sorted(used))
    assert math.isfinite(ner.update(examples)["ner_plus"])


def check_growth(setup: Setup, pairs: Sequence[tuple[Recipe, str]], label: str) -> None:
    """A new label changes no prediction; then all of them are learned and rehearsed."""
    if label in setup.labels:
        return
    nlp = make_pipeline(setup)
    ner = ner_of(nlp)
    docs = [cook_example(recipe, nlp.vocab, ner.labels, split).predicted for recipe, split in pairs]
    before = ner.predict(docs)
    optimizer = nlp.resume_training()
    assert ner.add_label(label) == 1
    for old, new in zip(before, ner.predict(docs), strict=True):
        assert spans_of(old, ner.labels) == spans_of(new, ner.labels)
    optimizer.learn_rate = 1e-4
    examples = [cook_example(recipe, nlp.vocab, ner.labels, split) for recipe, split in pairs]
    for example in examples:
        used = {ent.label_ for ent in example.reference.ents}
        example.reference._.annotated_labels = sorted({*used, label})
    for losses in (nlp.update(examples, sgd=optimizer), nlp.rehearse(examples, sgd=optimizer)):
        assert math.isfinite(losses["ner_plus"])
    assert all(bool(torch.isfinite(p).all()) for p in ner.shim.module.parameters())


# Files


def check_labels(setup: Setup, labels: list[str], recipes: Sequence[Recipe]) -> None:
    """Whatever its labels are called, a pipeline finds the same after a trip to bytes and disk."""
    nlp = make_pipeline(Setup(**{**vars(setup), "labels": tuple(labels)}))
    assert ner_of(nlp).labels == tuple(labels) == tuple(ner_of(nlp).label_data)
    expected = _predict(nlp, recipes)
    for doc in expected:
        check_doc(doc, ner_of(nlp))
    with tempfile.TemporaryDirectory() as folder:
        nlp.to_disk(folder)
        loaded = spacy.load(folder)
    from_bytes = spacy.blank("en").from_config(nlp.config).from_bytes(nlp.to_bytes())
    unpickled = pickle.loads(pickle.dumps(nlp))
    for other in (loaded, from_bytes, unpickled):
        assert ner_of(other).labels == tuple(labels)
        for doc, again in zip(expected, _predict(other, recipes), strict=True):
            assert state_of(doc)["ents"] == state_of(again)["ents"]
            assert [e._.probability for e in doc.ents] == [e._.probability for e in again.ents]


def _predict(nlp: Language, recipes: Sequence[Recipe]) -> list[Doc]:
    return list(nlp.pipe([cook(r, nlp.vocab, FOREIGN, annotated=False) for r in recipes]))
