"""How well the probabilities of scored spans agree with what is right: those returned, and all."""

from dataclasses import dataclass

import numpy as np

from .reliability import Agreement, agreement

LEAST_PROBABILITY = 0.05


@dataclass(frozen=True)
class CandidateAgreement:
    """How well the probabilities of scored spans agree with whether these are right.

    returned (Agreement): Of those that are returned.
    candidates (Agreement): Of all that are not improbable, whether returned or not: it also sees
        right spans that are left out.
    n_improbable (int): How many others there are.
    n_right_improbable (int): How many of these are right.
    """

    returned: Agreement
    candidates: Agreement
    n_improbable: int
    n_right_improbable: int


def candidate_agreement(
    probabilities: np.ndarray,
    correct: np.ndarray,
    is_returned: np.ndarray,
    *,
    least: float = LEAST_PROBABILITY,
) -> CandidateAgreement:
    """Measure the agreement of the spans that are returned, and of all probable ones.

    probabilities: (n,) float64, of all scored spans. correct: (n,) bool. is_returned: (n,) bool.
    least (float): The least probability of a span that is not improbable.
    """
    is_probable = probabilities >= least  # (n,)
    return CandidateAgreement(
        returned=agreement(probabilities[is_returned], correct[is_returned]),
        candidates=agreement(probabilities[is_probable], correct[is_probable]),
        n_improbable=int((~is_probable).sum()),
        n_right_improbable=int((correct & ~is_probable).sum()),
    )
