"""The bootstrap over documents, against metrics/spans.py and drawing one document at a time."""

import numpy as np
import pytest

from spacy_ner_plus.evaluation import intervals as module
from spacy_ner_plus.evaluation.documents import Document, Entity
from spacy_ner_plus.evaluation.intervals import (
    bootstrap,
    document_counts,
    intervals,
    percentile_interval,
    resample,
    scores_of,
)
from spacy_ner_plus.metrics.spans import Counts, summarise

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


def test_scores_of_counts_equal_those_of_scoring() -> None:
    for seed in range(20):
        counts = random_counts(1, seed)[0]
        counts[seed % 3] = 0  # a type that does not occur
        expected = summarise(
            [{label: Counts(*map(int, row)) for label, row in zip(LABELS, counts, strict=True)}]
        )
        scores = scores_of(counts)
        micro = expected.micro
        assert scores.micro == pytest.approx([micro.precision, micro.recall, micro.f1], abs=1e-12)
        assert scores.macro == pytest.approx(
            [expected.macro_precision, expected.macro_recall, expected.macro_f1], abs=1e-12
        )


def test_scores_of_nothing_are_zero() -> None:
    scores = scores_of(np.zeros((0, 3), dtype=int))
    assert scores.micro.tolist() == scores.macro.tolist() == scores.weighted.tolist() == [0, 0, 0]


def test_resample_adds_up_documents_as_often_as_they_are_drawn(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    counts = random_counts(7)
    drawn = np.random.default_rng(3).multinomial(7, np.full(7, 1 / 7), size=50)
    expected = [
        sum((counts[i] * times for i, times in enumerate(row)), start=np.zeros((3, 3)))
        for row in drawn
    ]
    assert np.array_equal(resample(counts, 50, seed=3), expected)
    monkeypatch.setattr(module, "MAX_WEIGHTS", 20)  # some samples at a time
    assert np.array_equal(resample(counts, 50, seed=3), expected)


def test_bootstrap_interval_is_that_of_drawing_documents_one_by_one() -> None:
    counts = random_counts(40)
    ends = percentile_interval(bootstrap(counts, samples=4000, seed=1).micro)[2]
    random = np.random.default_rng(2)
    f1 = [scores_of(counts[random.integers(0, 40, 40)].sum(axis=0)).micro[2] for _ in range(4000)]
    assert ends == pytest.approx(np.quantile(f1, [0.025, 0.975]), abs=0.005)
    assert ends[0] < scores_of(counts.sum(axis=0)).micro[2] < ends[1]


def test_intervals_are_the_same_for_the_same_seed_and_of_no_width_for_equal_documents() -> None:
    counts = random_counts(10)
    assert intervals(LABELS, counts, 100, seed=1) == intervals(LABELS, counts, 100, seed=1)
    assert intervals(LABELS, counts, 100, seed=1) != intervals(LABELS, counts, 100, seed=2)
    equal = intervals(LABELS, np.repeat(counts[:1], 10, axis=0), 100)
    assert equal is not None
    for low, high in equal["micro"].values():  # type: ignore[attr-defined]
        assert low == high


def test_intervals_of_a_single_document_are_unknown() -> None:
    assert intervals(LABELS, random_counts(1)) is None
