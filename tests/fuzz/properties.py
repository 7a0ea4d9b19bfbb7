"""What must hold of every document: each check takes recipes and raises an error if it does not."""

import math
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from itertools import pairwise
from typing import Any

import numpy as np
from spacy.language import Language
from spacy.tokens import Doc, DocBin, Span

from spacy_ner_plus.models.decoding.emissions import Emissions
from spacy_ner_plus.models.decoding.entities import Entities
from spacy_ner_plus.models.decoding.losses import loss_and_gradient
from spacy_ner_plus.pipeline.ner_plus.factory import NerPlus
from tests.fuzz.pipelines import (
    PICKY,
    Setup,
    cook,
    pipeline,
)
from tests.fuzz.strategies import Recipe

FOREIGN = ("B-X", "somebody else's", "O")  # labels of entities that are on a Doc already
TOLERANCE = 2e-3  # of emissions, whose size is about 6
Found = list[tuple[int, int, str]]


# Predicting


def check_prediction(setup: Setup, recipes: Sequence[Recipe], batch_size: int = 4) -> None:
    """Documents come back in order and whole, with entities that fit them."""
    nlp = pipeline(setup)
    for doc, before in processed(nlp, recipes, batch_size):
        check_doc(doc, ner_of(nlp))
        check_kept(doc, before, setup.existing_ents)
        check_doc_copies(doc)


def processed(
    nlp: Language, recipes: Sequence[Recipe], batch_size: int
) -> Iterator[tuple[Doc, dict[str, Any]]]:
    """Each document as a pipeline leaves it, with what was on it before. All come, in order."""
    docs = [cook(recipe, nlp.vocab, FOREIGN) for recipe in recipes]
    befores = [state_of(doc) for doc in docs]
    with no_failures(nlp):
        found = list(nlp.pipe(docs, batch_size=batch_size))
    assert len(found) == len(docs) and all(a is b for a, b in zip(found, docs, strict=True))
    yield from zip(docs, befores, strict=True)


def check_doc(doc: Doc, ner: NerPlus) -> None:
    """Offsets, structure and probabilities of one processed document."""
    text = doc.text
    own = [*doc.spans[ner.spans_key]]
    for ent in [*doc.ents, *own]:
        assert text[ent.start_char : ent.end_char] == ent.text != ""
    for before, after in pairwise(doc.ents):
        assert before.end <= after.start, "entities overlap"
    assert doc.has_annotation("ENT_IOB", require_complete=True)
    assert _is_valid_iob(doc)
    scores = doc.spans[ner.spans_key].attrs["scores"]
    assert len(scores) == len(own)
    assert np.all((np.asarray(scores) >= 0) & (np.asarray(scores) <= 1))
    entities = {(ent.start, ent.end, ent.label): ent for ent in doc.ents}
    for span, score in zip(own, scores, strict=True):
        assert span.label_ in ner.labels
        assert not doc[span.start].is_space and not doc[span.end - 1].is_space
        assert entities[span.start, span.end, span.label]._.probability == float(score)


def check_kept(doc: Doc, before: dict[str, Any], existing_ents: str) -> None:
    """What was known about the document is still there, unless it was to be overwritten."""
    if existing_ents == "overwrite":
        return
    after = state_of(doc)
    assert set(before["ents"]) <= set(after["ents"])
    assert before["blocked"] == after["blocked"]


def check_doc_copies(doc: Doc) -> None:
    """A processed Doc can be copied, sent to another process and stored."""
    expected = state_of(doc)
    other = Doc(doc.vocab).from_bytes(doc.to_bytes())
    assert state_of(other) == expected and other.text == doc.text
    assert state_of(doc.copy()) == expected
    (stored,) = DocBin(store_user_data=True, docs=[doc]).get_docs(doc.vocab)
    assert stored.text == doc.text
    assert state_of(stored) == expected


def check_batches(setup: Setup, recipes: Sequence[Recipe]) -> None:
    """What is found in a document does not depend on what else is in the batch, or on the order."""
    nlp = pipeline(setup)
    ner = ner_of(nlp)
    docs = [cook(recipe, nlp.vocab, FOREIGN, annotated=False) for recipe in recipes]
    together = _each(ner.model.predict(docs))
    found = ner.predict(docs)
    backwards = _each(ner.model.predict(docs[::-1]))[::-1]
    for doc, batch, entities, reverse in zip(docs, together, found, backwards, strict=True):
        alone = ner.model.predict([doc])
        assert np.array_equal(alone.row_tokens[0], batch.row_tokens[0])
        for other in (batch, reverse):
            difference = (alone.scores - other.scores).abs()
            assert not len(difference) or float(difference.max()) < TOLERANCE
        _check_as_good(ner, alone, ner.predict([doc])[0], entities)


def _check_as_good(ner: NerPlus, emissions: Emissions, first: Entities, second: Entities) -> None:
    """Equal, but where two readings are equally good."""
    if spans_of(first, ner.labels) == spans_of(second, ner.labels):
        np.testing.assert_allclose(first.probabilities, second.probabilities, atol=0.05)
        return
    losses = [_loss(ner, emissions, entities) for entities in (first, second)]
    assert abs(losses[0] - losses[1]) < 10 * TOLERANCE * max(1, len(emissions.scores))


def _loss(ner: NerPlus, emissions: Emissions, entities: Entities) -> float:
    """Negative log-probability of a reading of one document."""
    rows = emissions.row_tokens[0]
    scheme = ner.shim.scheme
    spans = [
        (int(np.searchsorted(rows, start)), int(np.searchsorted(rows, end)), label)
        for start, end, label in spans_of(entities, ner.labels)
    ]
    allowed = np.zeros((len(rows), scheme.n_tags), dtype=bool)
    allowed[np.arange(len(rows)), scheme.encode(spans, len(rows))] = True
    losses, _ = loss_and_gradient(ner.shim.module.head.decoder, emissions, [allowed])
    return float(losses[0])


def check_structure(setup: Setup, recipes: Sequence[Recipe]) -> None:
    """Entities as predicted are sorted, apart, within the document, and on words."""
    nlp = pipeline(setup)
    ner = ner_of(nlp)
    docs = [cook(recipe, nlp.vocab, FOREIGN) for recipe in recipes]
    before = [doc.to_bytes() for doc in docs]
    for doc, entities in zip(docs, ner.predict(docs), strict=True):
        starts, ends = entities.starts, entities.ends
        assert np.all(starts < ends) and np.all(ends[:-1] <= starts[1:])
        assert not len(entities) or (starts[0] >= 0 and ends[-1] <= len(doc))
        assert np.all((entities.labels >= 0) & (entities.labels < len(ner.labels)))
        assert np.all((entities.probabilities >= 0) & (entities.probabilities <= 1))
    assert [doc.to_bytes() for doc in docs] == before, "predict changed a document"


def check_readings(setup: Setup, recipe: Recipe, start: int, length: int, k: int) -> None:
    """Readings, tag probabilities and entropy of any part of a document are distributions."""
    nlp = pipeline(setup)
    ner = ner_of(nlp)
    doc = cook(recipe, nlp.vocab, FOREIGN)
    start %= len(doc) + 1
    part = doc[start : start + length]
    readings = ner.alternatives(part, k)
    probabilities = [reading.probability for reading in readings]
    assert 1 <= len(readings) <= k and probabilities == sorted(probabilities, reverse=True)
    assert sum(probabilities) <= 1 + 1e-6
    if len(part) == len(doc):  # else an entity cut at an edge is another than one that ends there
        assert len({_keys(reading.entities) for reading in readings}) == len(readings)
    for reading in readings:
        for ent in reading.entities:
            assert part.start <= ent.start < ent.end <= part.end
            assert doc.text[ent.start_char : ent.end_char] == ent.text
    table = ner.tag_probabilities(part)
    assert table.probabilities.shape == (len(part), len(table.tags))
    np.testing.assert_allclose(table.probabilities.sum(axis=1), 1.0, atol=1e-6)
    assert -1e-6 <= ner.sequence_entropy(part) < math.inf


def _keys(entities: Sequence[Span]) -> tuple[tuple[int, int, str], ...]:
    return tuple((ent.start, ent.end, ent.label_) for ent in entities)


# Errors


def check_errors(recipes: Sequence[Recipe], batch_size: int = 4) -> None:
    """A document that fails reaches the error handler alone; the others are processed.

    The tokenizer knows ten words and raises an error on all others.
    """
    nlp = pipeline(Setup(tokenizer=PICKY, word_forms=None, labels=("X",)))
    ner = ner_of(nlp)
    docs = [cook(recipe, nlp.vocab, FOREIGN) for recipe in recipes]
    fails = [_fails(ner, doc) for doc in docs]
    failed: list[tuple[str, Any, list[Doc], Exception]] = []
    ner.set_error_handler(lambda *report: failed.append(report))
    processed = list(ner.pipe(docs, batch_size=batch_size))
    assert [id(d) for d in processed] == [
        id(doc) for doc, bad in zip(docs, fails, strict=True) if not bad
    ]
    assert all(name == "ner_plus" and proc is ner for name, proc, _, _ in failed)
    assert [[id(doc) for doc in batch] for _, _, batch, _ in failed] == [
        [id(doc)] for doc, bad in zip(docs, fails, strict=True) if bad
    ]
    for doc in processed:
        check_doc(doc, ner)


def _fails(ner: NerPlus, doc: Doc) -> bool:
    try:
        ner.predict([doc])
    except Exception:
        return True
    return False


# Helpers


def ner_of(nlp: Language) -> NerPlus:
    ner = nlp.get_pipe("ner_plus")
    assert isinstance(ner, NerPlus)
    return ner


@contextmanager
def no_failures(nlp: Language) -> Iterator[None]:
    """Whatever reaches an error handler is raised."""

    def fail(name: str, proc: Any, docs: list[Doc], error: Exception) -> None:
        raise error

    nlp.set_error_handler(fail)
    yield


def _each(emissions: Emissions) -> list[Emissions]:
    """The emissions of a batch, document by document."""
    parts = emissions.scores.split(emissions.lengths.tolist())
    return [
        Emissions(scores, [tokens])
        for scores, tokens in zip(parts, emissions.row_tokens, strict=True)
    ]


def spans_of(entities: Entities, labels: tuple[str, ...]) -> Found:
    return [
        (int(start), int(end), labels[label])
        for start, end, label in zip(entities.starts, entities.ends, entities.labels, strict=True)
    ]


def state_of(doc: Doc) -> dict[str, Any]:
    """A document's entities and blocked tokens, in characters."""
    ents = [(ent.start_char, ent.end_char, ent.label_) for ent in doc.ents]
    blocked = [t.idx for t in doc if t.ent_iob == 3 and not t.ent_type]
    return {"ents": ents, "blocked": blocked}


def _is_valid_iob(doc: Doc) -> bool:
    """No I without a B or I of the same type before it."""
    inside, begins = 1, (1, 3)
    previous = (2, 0)
    for token in doc:
        if token.ent_iob == inside and (previous[0] not in begins or previous[1] != token.ent_type):
            return False
        previous = (token.ent_iob, token.ent_type)
    return True
