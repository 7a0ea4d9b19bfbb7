"""Calibration: what is between a model's scores and probabilities that come true as often as said.

A temperature divides all scores, of tags and of transitions (Guo et al. 2017, "On calibration of
modern neural networks"); it is fitted so that the probabilities of the predicted entities fit best
whether they are right. What is still wrong with those, in the mean and at the ends, is mended by a
line through their log odds (Platt 1999, "Probabilistic outputs for support vector machines").
"""

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass, fields
from numbers import Real

import numpy as np
import torch
from torch.nn.functional import binary_cross_entropy_with_logits

from ...metrics.reliability import log_loss

COLDEST, HOTTEST = 0.25, 8.0
# Golden-section search: the temperature is found to about 3 percent.
_STEPS = 10
_GOLDEN = (math.sqrt(5) - 1) / 2


@dataclass(frozen=True)
class Calibration:
    """How scores become probabilities.

    temperature (float): Divides all scores; more than 1 makes the model less sure.
    slope, intercept (float): An entity's log odds x become slope * x + intercept.
    RAISES ValueError: If one is no finite number, or temperature or slope is not over 0.
    """

    temperature: float = 1.0
    slope: float = 1.0
    intercept: float = 0.0

    def __post_init__(self) -> None:
        for name, value in vars(self).items():
            is_number = isinstance(value, Real) and not isinstance(value, bool)
            if not is_number or not -math.inf < value < math.inf:  # false for NaN, too
                raise ValueError(f"{self}: {name} must be a finite number.")
        if not (self.temperature > 0 and self.slope > 0):
            raise ValueError(f"{self}: temperature and slope must be over 0.")

    def of_entities(self, probabilities: np.ndarray) -> np.ndarray:
        """Probabilities of entities under the temperature, put on the line, (n,).

        Their order stays the same.
        """
        if self.slope == 1.0 and self.intercept == 0.0:
            return probabilities
        return _sigmoid(self.slope * _log_odds(probabilities) + self.intercept)


def read_calibration(saved: object) -> Calibration:
    """The calibration that was saved as plain data: the reverse of dataclasses.asdict.

    saved: Values by name; those left out are such as change nothing.
    RAISES ValueError: If it is no calibration.
    """
    if not isinstance(saved, Mapping) or set(saved) - {field.name for field in fields(Calibration)}:
        raise ValueError(f"{saved!r:.200} is no temperature, slope and intercept.")
    return Calibration(**saved)


def fit(probabilities_at: Callable[[float], np.ndarray], correct: np.ndarray) -> Calibration:
    """Find the temperature and then the line that make entities' probabilities most likely.

    probabilities_at: Gives the entities' probabilities (n,) at a temperature.
    correct: (n,) bool, whether each entity is right.
    """
    temperature = math.exp(
        _golden_section(
            lambda x: log_loss(probabilities_at(math.exp(x)), correct),
            math.log(COLDEST),
            math.log(HOTTEST),
        )
    )
    slope, intercept = _fit_line(probabilities_at(temperature), correct)
    return Calibration(temperature, slope, intercept)


def _golden_section(loss: Callable[[float], float], low: float, high: float) -> float:
    """The minimum of a function that falls and then rises (Kiefer 1953)."""
    left, right = high - _GOLDEN * (high - low), low + _GOLDEN * (high - low)
    at_left, at_right = loss(left), loss(right)
    for _ in range(_STEPS):
        if at_left < at_right:
            high, right, at_right = right, left, at_left
            left = high - _GOLDEN * (high - low)
            at_left = loss(left)
        else:
            low, left, at_left = left, right, at_right
            right = low + _GOLDEN * (high - low)
            at_right = loss(right)
    return left if at_left < at_right else right


def _fit_line(probabilities: np.ndarray, correct: np.ndarray) -> tuple[float, float]:
    """Slope and intercept of least log loss; the identity where the slope would not be positive.

    Platt's targets, a little off 0 and 1, keep the line finite when all entities are right.
    """
    n_right = int(correct.sum())
    n_wrong = len(correct) - n_right
    targets = np.where(correct, (n_right + 1) / (n_right + 2), 1 / (n_wrong + 2))  # (n,)
    x, y = torch.from_numpy(_log_odds(probabilities)), torch.from_numpy(targets)
    line = torch.tensor([1.0, 0.0], dtype=torch.float64, requires_grad=True)  # (2,)
    optimizer = torch.optim.LBFGS([line], max_iter=100, line_search_fn="strong_wolfe")

    def closure() -> float:
        optimizer.zero_grad()
        loss = binary_cross_entropy_with_logits(line[0] * x + line[1], y)
        loss.backward()
        return loss.item()

    optimizer.step(closure)
    slope, intercept = line.tolist()
    return (slope, intercept) if slope > 0 and math.isfinite(intercept) else (1.0, 0.0)


def _log_odds(probabilities: np.ndarray) -> np.ndarray:
    # as near to 0 and 1 as can be told apart from them
    inside = np.clip(probabilities, np.finfo(np.float64).tiny, 1.0 - np.finfo(np.float64).epsneg)
    return np.asarray(np.log(inside) - np.log1p(-inside))


def _sigmoid(x: np.ndarray) -> np.ndarray:
    return np.asarray(0.5 * (1.0 + np.tanh(0.5 * x)))
