"""How well the probabilities of spans agree with what is right: of those returned, and of all."""

from dataclasses import dataclass

import numpy as np

from .reliability import Agreement, agreement

LEAST_PROBABILITY = 0.05
"""Of a candidate, before any calibration."""


@dataclass(frozen=True)
class AgreementByLevel:
    """How well the probabilities of some spans agree with whether these are right.

    total (Agreement): Of all.
    outer (Agreement): Of those that lie inside no span that is returned.
    inner (Agreement): Of those that do.
    """

    total: Agreement
    outer: Agreement
    inner: Agreement


@dataclass(frozen=True)
class CandidateAgreement:
    """The same of the spans that are returned, and of all that are not improbable.

    returned (AgreementByLevel): Of those returned, with the scores that they have on a Doc.
    candidates (AgreementByLevel): Of all that had a probability of 0.05 before any calibration,
        returned or not, with the probability of each whatever else is there. So it sees right ones
        that are left out, too, and it is of the same spans under each calibration.
    """

    returned: AgreementByLevel
    candidates: AgreementByLevel


def agreement_by_level(
    probabilities: np.ndarray, correct: np.ndarray, is_inner: np.ndarray
) -> AgreementByLevel:
    """Measure the agreement of spans. probabilities: (n,) float64. correct, is_inner: (n,) bool."""
    return AgreementByLevel(
        total=agreement(probabilities, correct),
        outer=agreement(probabilities[~is_inner], correct[~is_inner]),
        inner=agreement(probabilities[is_inner], correct[is_inner]),
    )
