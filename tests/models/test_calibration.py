import json
from dataclasses import asdict
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from spacy_ner_plus.metrics.reliability import expected_calibration_error, log_loss
from spacy_ner_plus.models.decoding.calibration import Calibration, fit, read_calibration


def sigmoid(x: np.ndarray) -> np.ndarray:
    return 1.0 / (1.0 + np.exp(-x))


def sample(slope: float, intercept: float, n: int = 20_000) -> tuple[np.ndarray, np.ndarray]:
    """Log odds that a model gives, and what comes true by other log odds."""
    random = np.random.default_rng(0)
    given = random.normal(2.0, 2.5, n)
    return given, random.random(n) < sigmoid(slope * given + intercept)


@pytest.mark.parametrize("truth", [(1.0, 0.0), (0.5, 0.0), (0.6, -0.5), (1.5, 0.3)])
def test_fit_finds_what_generated_the_data(truth: tuple[float, float]) -> None:
    """Temperature and line together undo a linear distortion of the log odds."""
    log_odds, correct = sample(*truth)
    found = fit(lambda t: sigmoid(log_odds / t), correct)
    assert found.slope / found.temperature == pytest.approx(truth[0], rel=0.06)
    assert found.intercept == pytest.approx(truth[1], abs=0.08)
    calibrated = found.of_entities(sigmoid(log_odds / found.temperature))
    assert expected_calibration_error(calibrated, correct) < 0.01
    if truth != (1.0, 0.0):
        assert log_loss(calibrated, correct) < log_loss(sigmoid(log_odds), correct)


def test_fit_without_offset_is_the_temperature() -> None:
    log_odds, correct = sample(0.5, 0.0)
    found = fit(lambda t: sigmoid(log_odds / t), correct)
    assert found.temperature == pytest.approx(2.0, rel=0.1)
    assert found.slope == pytest.approx(1.0, abs=0.1)


@settings(deadline=None)
@given(
    st.lists(st.floats(0, 1), min_size=2, max_size=20, unique=True),
    st.floats(0.1, 5),
    st.floats(-5, 5),
)
def test_line_keeps_the_order_and_the_range(
    probabilities: list[float], slope: float, intercept: float
) -> None:
    ordered = np.sort(np.array(probabilities))
    mapped = Calibration(1.0, slope, intercept).of_entities(ordered)
    assert ((mapped >= 0) & (mapped <= 1)).all()
    assert (np.diff(mapped) >= 0).all()


def test_identity_changes_no_bit() -> None:
    probabilities = np.random.default_rng(0).random(100)
    np.testing.assert_array_equal(Calibration(2.0).of_entities(probabilities), probabilities)


@settings(deadline=None)
@given(st.floats(1e-6, 1 - 1e-6), st.floats(0.2, 3), st.floats(-3, 3))
def test_line_by_hand(probability: float, slope: float, intercept: float) -> None:
    odds = (probability / (1 - probability)) ** slope * np.exp(intercept)
    mapped = Calibration(1.0, slope, intercept).of_entities(np.array([probability]))
    assert mapped[0] == pytest.approx(odds / (1 + odds), rel=1e-6)


@pytest.mark.parametrize(
    "wrong",
    [
        {"temperature": 0.0},
        {"temperature": float("nan")},
        {"temperature": True},
        {"temperature": "1"},
        {"temperature": np.inf},
        {"slope": -1.0},
        {"slope": None},
        {"intercept": np.inf},
        {"intercept": float("nan")},
    ],
)
def test_impossible_values_are_an_error(wrong: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match="must be"):
        Calibration(**wrong)
    with pytest.raises(ValueError, match="must be"):
        read_calibration(wrong)


@pytest.mark.parametrize("saved", [None, [1.0, 1.0, 0.0], {"heat": 1.0}, "hot"])
def test_what_is_no_calibration_is_not_read(saved: Any) -> None:
    with pytest.raises(ValueError, match="is no temperature, slope and intercept"):
        read_calibration(saved)


def test_calibration_is_read_from_what_was_saved() -> None:
    calibration = Calibration(2.0, 0.5, -0.25)
    assert read_calibration(json.loads(json.dumps(asdict(calibration)))) == calibration
    assert read_calibration({}) == Calibration()
