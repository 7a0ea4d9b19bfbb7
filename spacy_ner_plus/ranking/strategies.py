"""What makes a text worth annotating: a score for each, the largest first.

    least-confidence   1 - P(best reading): Culotta and McCallum (2005), "Reducing labeling effort
                       for structured prediction tasks"
    margin             P(second reading) - P(best reading): Scheffer, Decomain and Wrobel (2001)
    entropy            of the distribution over all readings: Settles and Craven (2008), "An
                       analysis of active learning strategies for sequence labeling tasks"
    mnlp               -log P(best reading) / tokens: Shen et al. (2018), "Deep active learning for
                       named entity recognition"
    expected-errors    entities of the best reading that are expected to be wrong or missed
    random             to compare with

The first three and the fifth grow with the length of a text. Where annotation is paid by the token,
entropy and expected errors are divided by the tokens: see `per_token`.
"""

import math
from collections.abc import Callable

from ..pipeline.capabilities import Uncertainty

RANDOM = "random"
STRATEGIES: dict[str, Callable[[Uncertainty], float]] = {
    "least-confidence": lambda its: -math.expm1(min(its.log_prob, 0.0)),
    "margin": lambda its: math.exp(its.second_log_prob) - math.exp(its.log_prob),
    "entropy": lambda its: its.entropy,
    "mnlp": lambda its: -its.log_prob / max(its.n_tokens, 1),
    "expected-errors": lambda its: its.expected_errors,
}
# Those that are sums over a text.
SUMS = ("entropy", "expected-errors")
NAMES = (*STRATEGIES, RANDOM)


def score(strategy: str, its: Uncertainty, *, per_token: bool) -> float:
    """How much a text is worth. strategy (str): One of STRATEGIES.

    per_token (bool): Divide sums by the number of tokens.
    """
    value = STRATEGIES[strategy](its)
    return value / max(its.n_tokens, 1) if per_token and strategy in SUMS else value
