"""Which of the spans that a model scored are returned, and with which probabilities.

Each span has a probability p of its own, and its label's threshold t says from which p on a span is
good enough. There are three rules:

    all     Every span whose p reaches t. They may overlap in any way.
    nested  Of these, the best set without crossings: no two that overlap, neither inside the other.
    flat    Of these, the best set without overlaps.

The best set is that with the highest sum of log(p / (1 - p)) - log(t / (1 - t)). With t = 0.5 the
second term is 0, and it is the most probable of the sets that the rule permits, if spans are
independent: log P(S) is this sum plus what is the same for all sets. Any other t divides the odds
of the label's spans by t / (1 - t), as if a span with p = t were as likely there as not. Spans
below t would lower the sum, so no best set has them; spans with p = t leave it as it is, and are
taken where there is room.

0 and 1, as p and as t, count as the numbers next to them that can be told apart, with log odds of
-708 and 36.7. So a span with p = 1 gives way to two with p above 1 - 1e-8 that overlap it, certain
spans that exclude each other tie, and with t = 0 as many spans are taken as there is room for.

The scores are for "all" and "nested" p, that of the span whatever else is there; for "flat" P(the
span is there | no two spans that are there overlap), of all spans that were scored, also of those
below their thresholds. So a span that is taken may score below its threshold: two with p = 0.9 that
exclude each other have 0.47 each. Spans that were not scored count as impossible.
"""

from dataclasses import dataclass

import numpy as np

from .entities import Entities
from .flat_probabilities import flat_probabilities
from .flat_spans import best_flat
from .log_odds import log_odds
from .nested_choice import best_nested
from .set_values import reading_order

ALLOW = ("all", "nested", "flat")


@dataclass(frozen=True)
class SpanChoice:
    """Which of the scored spans of a Doc are returned.

    taken: (n_taken,) int64, their indices, by start, the longer ones first, then by label.
    scores: (n,) float64, of all spans, whether they are taken or not: see above.
    n_groups (int): How many groups of crossing spans "nested" had to decide.
    n_greedy (int): How many of these were too large for the exact way, so that a better set may
        exist.
    """

    taken: np.ndarray
    scores: np.ndarray
    n_groups: int = 0
    n_greedy: int = 0

    def of(self, spans: Entities) -> Entities:
        """Those of the scored spans that are returned, with their scores as probabilities."""
        return Entities(
            spans.starts[self.taken],
            spans.ends[self.taken],
            spans.labels[self.taken],
            self.scores[self.taken],
        )


def check_allow(allow: object) -> None:
    """RAISES ValueError: If it is none of the rules."""
    if allow not in ALLOW:
        raise ValueError(f"allow = {allow!r} is unknown: use one of {ALLOW}.")


def choose_spans(spans: Entities, allow: str, thresholds: np.ndarray) -> SpanChoice:
    """Choose from the scored spans of a Doc.

    spans (Entities): In any order. They may overlap, and have several labels each.
    allow (str): "all", "nested" or "flat".
    thresholds: (n_labels,) float64, the least probability of a span of each label, from 0 to 1.
    RAISES ValueError: If the rule is unknown; a span is empty, there twice, or has no probability;
        or a threshold is not from 0 to 1.
    """
    check_allow(allow)
    order = _checked_order(spans)  # (n,)
    least = _checked(thresholds)[spans.labels]  # (n,)
    scores = spans.probabilities
    if allow == "flat":
        scores = flat_probabilities(spans.starts, spans.ends, spans.probabilities)  # (n,)
    reaching = order[spans.probabilities[order] >= least[order]]  # (n_reaching,)
    starts, ends = spans.starts[reaching], spans.ends[reaching]  # (n_reaching,) each
    if allow == "all" or not _overlap(starts, ends):
        return SpanChoice(reaching, scores)
    labels = spans.labels[reaching]  # (n_reaching,)
    weights = log_odds(spans.probabilities[reaching]) - log_odds(least[reaching])  # (n_reaching,)
    if allow == "flat":
        return SpanChoice(reaching[best_flat(starts, ends, labels, weights)], scores)
    best = best_nested(starts, ends, labels, weights)
    return SpanChoice(reaching[best.taken], scores, best.n_groups, best.n_greedy)


def _checked_order(spans: Entities) -> np.ndarray:
    """The spans in the order of reading, (n,) int64. RAISES ValueError: As choose_spans."""
    starts, ends, labels, probabilities = (
        spans.starts,
        spans.ends,
        spans.labels,
        spans.probabilities,
    )
    order = reading_order(starts, ends, labels)  # (n,)
    is_empty = starts >= ends  # (n,)
    is_unknown = ~((probabilities >= 0.0) & (probabilities <= 1.0))  # (n,), NaN too
    is_again = np.zeros(len(spans), dtype=bool)
    columns = np.stack([starts, ends, labels])[:, order]  # (3, n)
    is_again[order[1:]] = (columns[:, 1:] == columns[:, :-1]).all(axis=0)
    for is_wrong, problem in (
        (is_empty, "is empty"),
        (is_unknown, "has no probability from 0 to 1"),
        (is_again, "is there twice"),
    ):
        if is_wrong.any():
            i = int(is_wrong.argmax())
            raise ValueError(
                f"The scored span ({starts[i]}, {ends[i]}) of label {labels[i]}, with the "
                f"probability {probabilities[i]}, {problem}."
            )
    return order


def _overlap(starts: np.ndarray, ends: np.ndarray) -> bool:
    """Whether any two of some spans in the order of reading overlap."""
    return bool((starts[1:] < np.maximum.accumulate(ends)[:-1]).any())


def _checked(thresholds: np.ndarray) -> np.ndarray:
    """RAISES ValueError: If one is not from 0 to 1."""
    is_wrong = ~((thresholds >= 0.0) & (thresholds <= 1.0))  # (n_labels,)
    if is_wrong.any():
        i = int(is_wrong.argmax())
        raise ValueError(f"The threshold {thresholds[i]} of label {i} must be from 0 to 1.")
    return thresholds
