import numpy as np

from spacy_ner_plus.metrics.candidate_agreement import agreement_by_level
from spacy_ner_plus.metrics.reliability import Agreement, agreement

PROBABILITIES = np.array([0.9, 0.05, 0.6, 0.3])
CORRECT = np.array([True, False, False, True])


def test_outermost_and_inner_spans_are_measured_apart() -> None:
    found = agreement_by_level(PROBABILITIES, CORRECT, np.array([False, True, False, True]))
    assert found.total == agreement(PROBABILITIES, CORRECT)
    assert found.outer == agreement(np.array([0.9, 0.6]), np.array([True, False]))
    assert found.inner == agreement(np.array([0.05, 0.3]), np.array([False, True]))


def test_no_spans_are_no_error() -> None:
    nothing = np.zeros(0)
    found = agreement_by_level(nothing, nothing.astype(bool), nothing.astype(bool))
    assert found.total == found.outer == found.inner == Agreement(0, 0.0, 0.0, 0.0, 0.0, [])
