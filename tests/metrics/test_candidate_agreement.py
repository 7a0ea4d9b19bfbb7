import numpy as np

from spacy_ner_plus.metrics.candidate_agreement import candidate_agreement
from spacy_ner_plus.metrics.reliability import Agreement, agreement

PROBABILITIES = np.array([0.9, 0.05, 0.6, 0.049, 0.01, 0.3])
CORRECT = np.array([True, False, False, True, False, True])


def test_those_returned_and_all_probable_ones_are_measured() -> None:
    is_returned = np.array([True, False, True, False, False, False])
    found = candidate_agreement(PROBABILITIES, CORRECT, is_returned)
    assert found.returned == agreement(np.array([0.9, 0.6]), np.array([True, False]))
    probable = [0, 1, 2, 5]
    assert found.candidates == agreement(PROBABILITIES[probable], CORRECT[probable])
    assert (found.n_improbable, found.n_right_improbable) == (2, 1)


def test_those_returned_count_however_improbable() -> None:
    found = candidate_agreement(PROBABILITIES, CORRECT, PROBABILITIES < 0.1, least=0.5)
    assert found.returned.n == 3
    assert found.candidates.n == 2
    assert (found.n_improbable, found.n_right_improbable) == (4, 2)


def test_no_spans_are_no_error() -> None:
    nothing = np.zeros(0)
    found = candidate_agreement(nothing, nothing.astype(bool), nothing.astype(bool))
    assert found.returned == found.candidates == Agreement(0, 0.0, 0.0, 0.0, 0.0, [])
    assert found.n_improbable == found.n_right_improbable == 0
