"""Intervals of the exact scores, and the counts that they are drawn from."""

from dataclasses import astuple

import numpy as np
import pytest

from spacy_ner_plus.evaluation.documents import Document, Entity
from spacy_ner_plus.evaluation.exact import document_counts, exact_scores
from spacy_ner_plus.evaluation.intervals import intervals
from spacy_ner_plus.metrics.bootstrap import bootstrap

LABELS = ("A", "B", "C")


def random_counts(n_docs: int, seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).integers(0, 4, size=(n_docs, len(LABELS), 3))


def entities(*spans: tuple[int, int, str]) -> tuple[Entity, ...]:
    return tuple(Entity(start, end, label, start, end) for start, end, label in spans)


def document(gold: tuple[Entity, ...], predicted: tuple[Entity, ...]) -> Document:
    return Document(0, "", (), (), gold, predicted, ())


def test_document_counts_are_exact_matches_by_document_and_label() -> None:
    first = document(entities((0, 1, "A"), (2, 4, "B")), entities((0, 1, "A"), (2, 3, "B")))
    second = document(entities(), entities((0, 1, "C")))
    labels, counts = document_counts([first, second])
    assert labels == ["A", "B", "C"]
    assert counts.tolist() == [[[1, 0, 0], [0, 1, 1], [0, 0, 0]], [[0, 0, 0], [0, 0, 0], [0, 1, 0]]]
    labels, counts = document_counts([second], labels=["C", "D"])
    assert labels == ["C", "D"]
    assert counts.tolist() == [[[0, 1, 0], [0, 0, 0]]]


def test_document_counts_count_every_entity_where_spans_fall_together() -> None:
    both = document(entities((0, 1, "A")), entities((0, 1, "A"), (0, 1, "A")))
    assert document_counts([both])[1].tolist() == [[[1, 1, 0]]]


def test_intervals_lie_around_the_scores_and_are_those_of_the_samples() -> None:
    counts = random_counts(30)
    found, exact = intervals(LABELS, counts, 500, seed=1), exact_scores(LABELS, counts)
    assert found is not None
    assert (found.level, found.samples, found.seed) == (0.95, 500, 1)
    drawn = bootstrap(counts, 500, seed=1)
    for ends, scores, samples in [
        (found.micro, exact.micro, drawn.micro),
        (found.macro, exact.macro, drawn.macro),
        (found.weighted, exact.weighted, drawn.weighted),
        *((found.types[x], exact.types[x], drawn.types[:, i]) for i, x in enumerate(LABELS)),
    ]:
        expected = np.quantile(samples, [0.025, 0.975], axis=0).T
        assert astuple(ends) == tuple(pytest.approx(tuple(its)) for its in expected)
        assert ends.f1[0] < scores.f1 < ends.f1[1]


def test_intervals_are_the_same_for_the_same_seed_and_of_no_width_for_equal_documents() -> None:
    counts = random_counts(10)
    assert intervals(LABELS, counts, 100, seed=1) == intervals(LABELS, counts, 100, seed=1)
    assert intervals(LABELS, counts, 100, seed=1) != intervals(LABELS, counts, 100, seed=2)
    equal = intervals(LABELS, np.repeat(counts[:1], 10, axis=0), 100)
    assert equal is not None
    for low, high in (equal.micro.precision, equal.micro.recall, equal.micro.f1):
        assert low == high


def test_intervals_of_a_single_document_are_unknown() -> None:
    assert intervals(LABELS, random_counts(1)) is None
