"""Lines through log odds: known answers, and those of another implementation."""

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from spacy_ner_plus.models.decoding.line_fit import fit_line, fit_slope, platt_targets
from spacy_ner_plus.models.decoding.log_odds import LogOddsLine, log_odds, sigmoid

FEW = settings(deadline=None, max_examples=40)


def loss(scores: np.ndarray, targets: np.ndarray, slope: float, intercept: float) -> float:
    x = slope * scores + intercept
    return float((np.logaddexp(0.0, x) - targets * x).mean())


def random_case(seed: int, n: int) -> tuple[np.ndarray, np.ndarray]:
    """Scores and targets; hard ones for even seeds, where both kinds are there."""
    rng = np.random.default_rng(seed)
    scores = rng.normal(rng.normal(), rng.uniform(0.1, 6.0), n)
    correct = rng.random(n) < sigmoid(rng.uniform(-0.5, 2.0) * scores + rng.normal())
    return scores, platt_targets(correct)


@pytest.mark.parametrize("seed", range(8))
def test_fits_are_those_of_scipy(seed: int) -> None:
    optimize = pytest.importorskip("scipy.optimize")
    scores, targets = random_case(seed, 20 * 3**seed // (seed + 1))
    options = {"method": "BFGS", "options": {"gtol": 1e-10}}
    line = optimize.minimize(lambda w: loss(scores, targets, w[0], w[1]), [1.0, 0.0], **options)
    slope = optimize.minimize(lambda w: loss(scores, targets, w[0], 0.0), [1.0], **options)
    np.testing.assert_allclose(fit_line(scores, targets), line.x, rtol=1e-4, atol=1e-5)
    np.testing.assert_allclose(fit_slope(scores, targets), slope.x[0], rtol=1e-4, atol=1e-5)
    assert loss(scores, targets, *fit_line(scores, targets)) <= line.fun + 1e-14


@FEW
@given(st.integers(0, 10_000), st.integers(5, 300))
def test_gradient_is_zero_at_the_fit(seed: int, n: int) -> None:
    """So the mean probability is that of the targets."""
    scores, targets = random_case(seed, n)
    slope, intercept = fit_line(scores, targets)
    error = sigmoid(slope * scores + intercept) - targets
    np.testing.assert_allclose([error.mean(), (error * scores).mean()], 0.0, atol=1e-9)
    slope = fit_slope(scores, targets)
    assert ((sigmoid(slope * scores) - targets) * scores).mean() == pytest.approx(0.0, abs=1e-9)


@FEW
@given(st.floats(0.05, 0.95), st.floats(0.05, 0.95), st.integers(1, 30), st.integers(1, 30))
def test_line_through_two_points_is_exact(low: float, high: float, n: int, m: int) -> None:
    scores = np.array([-1.0] * n + [2.0] * m)
    targets = np.array([low] * n + [high] * m)
    slope, intercept = fit_line(scores, targets)
    expected = (log_odds(np.array(high)) - log_odds(np.array(low))) / 3
    assert slope == pytest.approx(expected, abs=1e-8)
    assert intercept == pytest.approx(log_odds(np.array(high)) - 2 * expected, abs=1e-8)


def test_slope_of_one_point_is_exact() -> None:
    assert fit_slope(np.full(7, 2.0), np.full(7, 0.8)) == pytest.approx(math.log(4) / 2)


@pytest.mark.parametrize("spread", [1.0, 30.0, 700.0])
def test_scores_that_tell_right_from_wrong_without_fail_have_a_finite_line(spread: float) -> None:
    scores = np.linspace(-spread, spread, 100)
    slope, intercept = fit_line(scores, platt_targets(scores > 0))
    assert 0 < slope < math.inf
    assert abs(intercept) < 1e-6
    at_ends = sigmoid(slope * scores[[0, -1]] + intercept)
    np.testing.assert_allclose(at_ends, [1 / 52, 51 / 52], atol=0.02)


def test_targets_are_platts() -> None:
    targets = platt_targets(np.array([True, True, False]))
    np.testing.assert_array_equal(targets, [3 / 4, 3 / 4, 1 / 3])


def test_log_odds_of_the_ends_are_finite() -> None:
    ends = log_odds(np.array([0.0, 1.0, 0.5]))
    np.testing.assert_allclose(ends, [-708.4, 36.74, 0.0], rtol=1e-4)


@pytest.mark.parametrize("wrong", [(0.0, 0.0), (-1.0, 0.0), (math.nan, 0.0), (1.0, math.inf)])
def test_impossible_line_is_an_error(wrong: tuple[float, float]) -> None:
    with pytest.raises(ValueError, match="must be"):
        LogOddsLine(*wrong)
