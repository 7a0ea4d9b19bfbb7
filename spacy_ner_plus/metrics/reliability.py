"""How well probabilities agree with how often they come true."""

from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True)
class Bin:
    """Predictions of similar probability.

    n (int): How many.
    probability (float): Their mean probability.
    accuracy (float): The share of them that is right.
    """

    n: int
    probability: float
    accuracy: float


@dataclass(frozen=True)
class Agreement:
    """How well the probabilities of predicted entities agree with whether these are right.

    n (int): How many entities.
    ece (float): Expected calibration error, over the bins.
    log_loss (float): Mean negative log-likelihood of what came true, in nats.
    mean_probability (float): The mean of the probabilities.
    precision (float): The share of the entities that is right.
    bins (List[Bin]): At most 15 of equal mass, from the least to the most probable.
    """

    n: int
    ece: float
    log_loss: float
    mean_probability: float
    precision: float
    bins: list[Bin]


def agreement(probabilities: np.ndarray, correct: np.ndarray) -> Agreement:
    """Measure how well probabilities agree with what came true; all is 0 for no predictions.

    probabilities: (n,) float. correct: (n,) bool.
    """
    is_empty = not len(probabilities)
    return Agreement(
        n=len(probabilities),
        ece=expected_calibration_error(probabilities, correct),
        log_loss=log_loss(probabilities, correct),
        mean_probability=0.0 if is_empty else float(probabilities.mean()),
        precision=0.0 if is_empty else float(correct.mean()),
        bins=reliability_bins(probabilities, correct),
    )


def reliability_bins(probabilities: np.ndarray, correct: np.ndarray, n_bins: int = 15) -> list[Bin]:
    """Bins of equal mass, from the least to the most probable predictions.

    probabilities: (n,) float. correct: (n,) bool. n_bins (int): At most; none is empty.
    Nguyen and O'Connor (2015), "Posterior calibration and exploratory analysis for natural
    language processing models".
    """
    order = np.argsort(probabilities, kind="stable")
    parts = [part for part in np.array_split(order, n_bins) if len(part)]
    return [
        Bin(len(part), float(probabilities[part].mean()), float(correct[part].mean()))
        for part in parts
    ]


def expected_calibration_error(
    probabilities: np.ndarray, correct: np.ndarray, n_bins: int = 15
) -> float:
    """The mean difference, over predictions, of their bin's probability and accuracy; 0 for none.

    Naeini et al. (2015), "Obtaining well calibrated probabilities using Bayesian binning", with
    bins of equal mass.
    """
    bins = reliability_bins(probabilities, correct, n_bins)
    gaps = sum(b.n * abs(b.probability - b.accuracy) for b in bins)
    return gaps / max(1, len(probabilities))


def log_loss(probabilities: np.ndarray, correct: np.ndarray) -> float:
    """The mean negative log-likelihood of what came true, in nats; 0 for no predictions."""
    if not len(probabilities):
        return 0.0
    tiny = np.finfo(np.float64).tiny
    likelihoods = np.where(correct, probabilities, 1.0 - probabilities)
    return float(-np.log(np.maximum(likelihoods, tiny)).mean())
