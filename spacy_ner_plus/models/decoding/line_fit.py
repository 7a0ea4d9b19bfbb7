"""Fitting a line through log odds to what came true, by maximum likelihood.

Platt (1999), "Probabilistic outputs for support vector machines". The loss is convex: it is
minimised by Newton's method with step halving, as in Lin, Lin and Weng (2007), "A note on Platt's
probabilistic outputs for support vector machines".
"""

import numpy as np

from .log_odds import sigmoid

_MAX_STEPS = 100
# What Newton's method still promises, in nats a prediction, when it stops.
_LEAST_GAIN = 1e-20
_LEAST_STEP = 2.0**-40
# Smaller gains can't be seen in the loss for its rounding; Newton's steps are right that near.
_LEAST_SEEN_GAIN = 1e-12
# Keeps the Hessian invertible where all scores are the same.
_RIDGE = 1e-12


def platt_targets(correct: np.ndarray) -> np.ndarray:
    """Platt's targets, (n,) float64: a little off 0 and 1.

    They keep the line finite also when a score tells the right from the wrong ones without fail.

    correct: (n,) bool.
    """
    n_right = int(correct.sum())
    n_wrong = len(correct) - n_right
    return np.where(correct, (n_right + 1) / (n_right + 2), 1 / (n_wrong + 2))


def fit_line(scores: np.ndarray, targets: np.ndarray) -> tuple[float, float]:
    """Slope and intercept of least mean log loss; the slope may come out negative.

    scores: (n,) float64 log odds. targets: (n,) float64, over 0 and below 1: see platt_targets.
    """
    columns = np.stack([scores, np.ones_like(scores)], axis=1)  # (n, 2)
    slope, intercept = _minimise(columns, targets, np.array([1.0, 0.0])).tolist()
    return slope, intercept


def fit_slope(scores: np.ndarray, targets: np.ndarray) -> float:
    """The slope of least mean log loss of a line through (0, 0): one over a temperature.

    scores, targets: (n,) float64, as in fit_line. It may come out negative.
    """
    [slope] = _minimise(scores[:, None], targets, np.array([1.0])).tolist()
    return float(slope)


def _minimise(columns: np.ndarray, targets: np.ndarray, weights: np.ndarray) -> np.ndarray:
    """The weights (n_columns,) of a logistic regression, from some to begin with.

    columns: (n, n_columns). targets: (n,).
    """
    n, n_columns = columns.shape
    loss = _mean_loss(columns @ weights, targets)
    for _ in range(_MAX_STEPS):
        probabilities = sigmoid(columns @ weights)  # (n,)
        gradient = columns.T @ (probabilities - targets) / n  # (n_columns,)
        spread = probabilities * (1.0 - probabilities)  # (n,)
        hessian = (columns.T * spread) @ columns / n + _RIDGE * np.eye(n_columns)
        step = np.linalg.solve(hessian, gradient)  # (n_columns,)
        gain = float(gradient @ step)
        if gain < _LEAST_GAIN:
            break
        if gain < _LEAST_SEEN_GAIN:
            weights = weights - step
            continue
        size = 1.0
        # Armijo's rule: at least a ten-thousandth of what the gradient promises
        while (lower := _mean_loss(columns @ (weights - size * step), targets)) > (
            loss - 1e-4 * size * gain
        ):
            size /= 2
            if size < _LEAST_STEP:
                return weights  # as low as rounding lets it come
        weights, loss = weights - size * step, lower
    return weights


def _mean_loss(scores: np.ndarray, targets: np.ndarray) -> float:
    return float((np.logaddexp(0.0, scores) - targets * scores).mean())
