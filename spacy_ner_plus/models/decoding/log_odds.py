"""Probabilities, their log odds, and lines through these."""

import math
from dataclasses import dataclass
from numbers import Real

import numpy as np


def log_odds(probabilities: np.ndarray) -> np.ndarray:
    """log(p / (1 - p)), float64, finite.

    0 and 1 count as the numbers next to them that can be told apart: -708 and 36.7.
    """
    inside = np.clip(probabilities, np.finfo(np.float64).tiny, 1.0 - np.finfo(np.float64).epsneg)
    return np.asarray(np.log(inside) - np.log1p(-inside))


def sigmoid(x: np.ndarray) -> np.ndarray:
    """The probabilities that have these log odds."""
    return np.asarray(0.5 * (1.0 + np.tanh(0.5 * x)))


def check_finite(owner: object, name: str, value: object) -> None:
    """RAISES ValueError: If a value is no finite number.

    owner: What has the value, for the error. name (str): The value's name.
    """
    is_number = isinstance(value, Real) and not isinstance(value, bool)
    if not is_number or not -math.inf < value < math.inf:  # type: ignore[operator]  # nor NaN
        raise ValueError(f"{owner}: {name} must be a finite number.")


@dataclass(frozen=True)
class LogOddsLine:
    """A line that log odds x are put on: slope * x + intercept.

    RAISES ValueError: If one is no finite number, or the slope is not over 0.
    """

    slope: float = 1.0
    intercept: float = 0.0

    def __post_init__(self) -> None:
        for name, value in vars(self).items():
            check_finite(self, name, value)
        if not self.slope > 0:
            raise ValueError(f"{self}: slope must be over 0.")

    @property
    def is_identity(self) -> bool:
        """Whether it changes nothing."""
        return self.slope == 1.0 and self.intercept == 0.0

    @property
    def described(self) -> str:
        """Its numbers in a line."""
        return f"slope {self.slope:.3f}, intercept {self.intercept:+.3f}"

    def of(self, probabilities: np.ndarray) -> np.ndarray:
        """The probabilities that have the log odds on the line, (n,), in the same order."""
        if self.is_identity:
            return probabilities
        return sigmoid(self.slope * log_odds(probabilities) + self.intercept)
