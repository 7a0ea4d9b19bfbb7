"""Calibration: what is between a model's scores and probabilities that come true as often as said.

A temperature divides all scores, of tags and of transitions (Guo et al. 2017, "On calibration of
modern neural networks"); it is fitted so that the probabilities of the predicted entities fit best
whether they are right. What is still wrong with those, in the mean and at the ends, is mended by a
line through their log odds (Platt 1999, "Probabilistic outputs for support vector machines").
"""

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, fields

import numpy as np

from ...metrics.reliability import log_loss
from .line_fit import fit_line, platt_targets
from .log_odds import LogOddsLine, check_finite, log_odds

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
            check_finite(self, name, value)
        if not (self.temperature > 0 and self.slope > 0):
            raise ValueError(f"{self}: temperature and slope must be over 0.")

    def of_entities(self, probabilities: np.ndarray) -> np.ndarray:
        """Probabilities of entities under the temperature, put on the line, (n,).

        Their order stays the same.
        """
        return LogOddsLine(self.slope, self.intercept).of(probabilities)

    def described(self, names: Sequence[str]) -> str:
        """Its numbers in a line.

        names (Sequence[str]): The labels of the model, for all of which they are the same.
        """
        line = LogOddsLine(self.slope, self.intercept)
        return f"temperature {self.temperature:.3f}, {line.described}"


@dataclass(frozen=True)
class CalibrationFit:
    """How a calibration came out.

    calibration (Calibration): The calibration.
    notes (Tuple[str, ...]): What somebody should know of it.
    """

    calibration: Calibration
    notes: tuple[str, ...] = ()


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
    """Slope and intercept of least log loss; the identity where the slope would not be positive."""
    slope, intercept = fit_line(log_odds(probabilities), platt_targets(correct))
    return (slope, intercept) if slope > 0 and math.isfinite(intercept) else (1.0, 0.0)
