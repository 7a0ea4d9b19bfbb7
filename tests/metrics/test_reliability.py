import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from spacy_ner_plus.metrics.reliability import (
    Agreement,
    agreement,
    expected_calibration_error,
    log_loss,
    reliability_bins,
)

PREDICTIONS = st.lists(st.tuples(st.floats(0, 1), st.booleans()), min_size=1, max_size=60)


def split(predictions: list[tuple[float, bool]]) -> tuple[np.ndarray, np.ndarray]:
    probabilities, correct = zip(*predictions, strict=True)
    return np.array(probabilities), np.array(correct)


@settings(deadline=None)
@given(PREDICTIONS, st.integers(1, 20))
def test_bins_hold_all_predictions_in_order_and_in_equal_parts(
    predictions: list[tuple[float, bool]], n_bins: int
) -> None:
    probabilities, correct = split(predictions)
    bins = reliability_bins(probabilities, correct, n_bins)
    sizes = [b.n for b in bins]
    assert sum(sizes) == len(predictions)
    assert len(bins) == min(n_bins, len(predictions))
    assert max(sizes) - min(sizes) <= 1
    means = [b.probability for b in bins]
    assert means == sorted(means)
    assert sum(b.n * b.accuracy for b in bins) == pytest.approx(correct.sum())
    assert sum(b.n * b.probability for b in bins) == pytest.approx(probabilities.sum())


@settings(deadline=None)
@given(PREDICTIONS)
def test_error_of_one_bin_is_the_gap_of_the_means(predictions: list[tuple[float, bool]]) -> None:
    probabilities, correct = split(predictions)
    gap = abs(probabilities.mean() - correct.mean())
    assert expected_calibration_error(probabilities, correct, 1) == pytest.approx(gap)
    assert expected_calibration_error(probabilities, correct) >= gap - 1e-12


def test_error_by_hand() -> None:
    probabilities = np.array([0.9, 0.2, 0.8, 0.4])
    correct = np.array([True, False, True, True])
    # bins {0.2, 0.4} with 1 of 2 right, {0.8, 0.9} with 2 of 2 right
    expected = (2 * abs(0.3 - 0.5) + 2 * abs(0.85 - 1.0)) / 4
    assert expected_calibration_error(probabilities, correct, 2) == pytest.approx(expected)


def test_log_loss_by_hand() -> None:
    probabilities = np.array([0.9, 0.2])
    expected = -(np.log(0.9) + np.log(0.8)) / 2
    assert log_loss(probabilities, np.array([True, False])) == pytest.approx(expected)


def test_log_loss_of_certain_error_is_finite() -> None:
    assert 700 < log_loss(np.array([1.0]), np.array([False])) < 800


def test_nothing_predicted_is_no_error() -> None:
    nothing = np.zeros(0)
    assert expected_calibration_error(nothing, nothing.astype(bool)) == 0.0
    assert log_loss(nothing, nothing.astype(bool)) == 0.0
    assert agreement(nothing, nothing.astype(bool)) == Agreement(0, 0.0, 0.0, 0.0, 0.0, [])


@settings(deadline=None)
@given(PREDICTIONS)
def test_agreement_is_what_the_single_measures_are(predictions: list[tuple[float, bool]]) -> None:
    probabilities, correct = split(predictions)
    found = agreement(probabilities, correct)
    assert found.n == len(predictions) == sum(b.n for b in found.bins)
    assert found.bins == reliability_bins(probabilities, correct)
    assert found.ece == expected_calibration_error(probabilities, correct)
    assert found.log_loss == log_loss(probabilities, correct)
    assert found.mean_probability == probabilities.mean()
    assert found.precision == correct.mean()
