"""The probability of an entity: its value, where it is, and what it survives."""

import pickle
from collections.abc import Iterator
from itertools import product
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import spacy
import torch
from spacy.language import Language
from spacy.tokens import Doc, DocBin, Span

from spacy_ner_plus.annotation.probabilities import register_probability
from spacy_ner_plus.nn.crf import CRF
from spacy_ner_plus.pipeline.ner_plus.factory import NerPlus
from tests.pipeline.samples import (
    TEXTS,
    add_ner_plus,
    found_in,
    initialized_nlp,
    probabilities,
    shake_head,
    spans,
)

SENTENCE = "Selegiline induced postural hypotension"


# Against all tag sequences


def enumerate_paths(ner: NerPlus, doc: Doc) -> list[tuple[float, list[tuple[int, int, str]]]]:
    """Score and spans of every valid tag sequence of a Doc without whitespace tokens."""
    scheme, decoder = ner.shim.scheme, ner.shim.module.head.decoder
    emissions = ner.model.predict([doc]).scores.double().numpy()  # (time, tags)
    assert len(emissions) == len(doc)
    n_tags = scheme.n_tags
    start, transition, end = np.zeros(n_tags), np.zeros((n_tags, n_tags)), np.zeros(n_tags)
    if isinstance(decoder, CRF):
        learned = (decoder.start, decoder.transition, decoder.end)
        start, transition, end = (p.detach().double().numpy() for p in learned)
    paths = []
    for path in product(range(n_tags), repeat=len(doc)):
        tags = np.array(path)
        if not (
            scheme.starts[tags[0]]
            and scheme.transitions[tags[:-1], tags[1:]].all()
            and scheme.ends[tags[-1]]
        ):
            continue
        score = start[tags[0]] + end[tags[-1]] + transition[tags[:-1], tags[1:]].sum()
        score += emissions[np.arange(len(tags)), tags].sum()
        starts, ends, labels = scheme.decode(tags)
        found = zip(starts, ends, (scheme.labels[i] for i in labels), strict=True)
        paths.append((float(score), [(int(s), int(e), label) for s, e, label in found]))
    return paths


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(3))
@pytest.mark.parametrize("use_crf", [True, False], ids=["crf", "softmax"])
@pytest.mark.parametrize("tag_scheme", ["BIO", "BILOU"])
def test_entities_and_probabilities_equal_those_of_all_paths(
    encoder_dir: Path, tag_scheme: str, use_crf: bool, seed: int
) -> None:
    nlp = initialized_nlp(encoder_dir, tag_scheme=tag_scheme, model_use_crf=use_crf)
    ner = nlp.get_pipe("ner_plus")
    shake_head(ner, scale=0.2, seed=seed)
    with torch.no_grad():
        ner.shim.module.head.linear.bias[0] -= 5.0  # so that there are entities
    paths = enumerate_paths(ner, nlp.make_doc(SENTENCE))
    scores = np.array([score for score, _ in paths])
    log_z = np.logaddexp.reduce(scores)
    best = paths[int(scores.argmax())][1]
    doc = nlp(SENTENCE)
    assert best == [(ent.start, ent.end, ent.label_) for ent in doc.ents] != []
    for ent in doc.ents:
        span = (ent.start, ent.end, ent.label_)
        with_span = [score for score, found in paths if span in found]
        expected = np.exp(np.logaddexp.reduce(with_span) - log_z)
        assert ent._.probability == pytest.approx(expected, rel=1e-6)


# Where it is


def test_probability_is_in_the_extension_and_in_the_span_group(trained_docs: list[Doc]) -> None:
    n_checked = 0
    for doc in trained_docs:
        assert all(type(value) is float and 0 <= value <= 1 for value in probabilities(doc))
        group = doc.spans["ner_plus"]
        assert list(group) == list(doc.ents)
        assert group.attrs["scores"].tolist() == probabilities(doc)
        n_checked += len(doc.ents)
    assert n_checked > 5


def test_probability_of_other_spans_is_none(trained_docs: list[Doc]) -> None:
    doc = trained_docs[0]
    assert doc[0:1]._.probability is None


def test_learned_entities_are_more_probable_than_guesses(
    trained: Language, trained_docs: list[Doc], encoder_dir: Path
) -> None:
    assert min(probabilities(trained_docs[0])) > 0.8
    guesser = initialized_nlp(encoder_dir)
    shake_head(guesser.get_pipe("ner_plus"), scale=0.02)
    guesses = probabilities(guesser(TEXTS[0]))
    assert guesses and np.mean(guesses) < 0.5


def test_spans_key_is_where_the_span_group_goes(encoder_dir: Path) -> None:
    for key in ("mine", None):
        nlp = initialized_nlp(encoder_dir, spans_key=key)
        shake_head(nlp.get_pipe("ner_plus"))
        doc = nlp(TEXTS[0])
        assert len(doc.ents) and None not in probabilities(doc)
        assert list(doc.spans) == ([key] if key else [])


# What it survives


def copies(doc: Doc, vocab: spacy.vocab.Vocab) -> Iterator[tuple[str, Doc]]:
    yield "bytes", Doc(vocab).from_bytes(doc.to_bytes())
    yield "pickle", pickle.loads(pickle.dumps(doc))
    yield "copy", doc.copy()
    stored = DocBin(docs=[doc], store_user_data=True).to_bytes()
    yield "DocBin", next(iter(DocBin().from_bytes(stored).get_docs(vocab)))


def test_probability_survives_copies_and_serialization(
    trained: Language, trained_docs: list[Doc]
) -> None:
    doc = trained_docs[0]
    seen = []
    for name, copy in copies(doc, trained.vocab):
        assert found_in(copy) == found_in(doc), name
        assert probabilities(copy) == probabilities(doc), name
        group = copy.spans["ner_plus"]
        assert [(s.start, s.end, s.label_) for s in group] == [
            (s.start, s.end, s.label_) for s in doc.ents
        ]
        assert np.asarray(group.attrs["scores"]).tolist() == probabilities(doc), name
        seen.append(name)
    assert len(seen) == 4


# An extension of somebody else


@pytest.fixture
def own_extension() -> Iterator[Any]:
    """Registers an extension of that name in place of ours, and puts ours back."""
    if Span.has_extension("probability"):
        Span.remove_extension("probability")

    def register(**kwargs: Any) -> None:
        Span.set_extension("probability", **kwargs)

    yield register
    if Span.has_extension("probability"):
        Span.remove_extension("probability")
    register_probability()


@pytest.mark.parametrize(
    "extension",
    [{"getter": lambda span: "mine"}, {"method": lambda span: "mine"}],
    ids=["getter", "method"],
)
def test_extension_of_somebody_else_is_left_alone(
    trained_dir: Path, own_extension: Any, extension: dict[str, Any]
) -> None:
    own_extension(**extension)
    nlp = spacy.load(trained_dir)
    doc = nlp(TEXTS[0])
    values = [ent._.probability for ent in doc.ents]
    assert len(values) == 4
    assert {value() if callable(value) else value for value in values} == {"mine"}
    assert len(doc.spans["ner_plus"].attrs["scores"]) == 4


def test_stored_extension_of_somebody_else_is_filled(trained_dir: Path, own_extension: Any) -> None:
    own_extension(default=-1.0)
    doc = spacy.load(trained_dir)(TEXTS[0])
    assert all(0 <= value <= 1 for value in probabilities(doc))
    assert doc[0:1]._.probability == -1.0


@pytest.mark.usefixtures("own_extension")
def test_pickle_registers_the_extension_where_it_is_read(trained: Language) -> None:
    """A process that reads the pickle has never called the component's constructor."""
    pickled = pickle.dumps(trained)
    assert not Span.has_extension("probability")
    doc = pickle.loads(pickled)(TEXTS[0])
    assert all(0 <= value <= 1 for value in probabilities(doc)) and len(doc.ents) == 4


def test_second_component_writes_to_its_own_key(own_trained: Language, encoder_dir: Path) -> None:
    second = add_ner_plus(own_trained, encoder_dir, pipe_name="second", spans_key="second")
    ner = own_trained.get_pipe("ner_plus")
    second.shim.from_bytes(ner.shim.to_bytes())
    doc = own_trained(TEXTS[0])
    assert len(doc.spans["ner_plus"]) == 4 and len(doc.spans["second"]) == 0
    found = second.predict([own_trained.make_doc(TEXTS[0])])[0]
    assert spans(found, second.labels) == [(e.start, e.end, e.label_) for e in doc.ents]
