"""Which disagreements are likely errors of the annotation, and in what order.

The score of a disagreement is the log odds of the model's reading m against the annotated one a,
each measured by what is usual for its types:

    score = log(p(m) / t(m)) - log(p(a) / t(a))

p is the exact probability of a reading of the stretch. t is the product, over the entities of the
reading, of the mean probability that the models give to annotated entities of that type: the self
confidence of confident learning (Northcutt et al. 2021), so that types of which models are never
sure neither flood the list nor stay out of it. A reading without entities has that of a token in
none. A disagreement is a likely error where the model is as sure of its own reading as it usually
is of a right one, p(m) >= t(m), and takes the annotated one for less likely than usual,
p(a) < t(a): the off-diagonal of the confident joint, with readings in place of classes.
"""

import math
from collections.abc import Iterable, Sequence

from ...pipeline.capabilities import Disagreement, SecondReading
from ...tags import Span as EntitySpan
from .schema import BOTH, BOUNDARY, LABEL, MISSING, SPURIOUS, SelfConfidence


class Ranking:
    """What readings are measured by.

    readings (Iterable[SecondReading]): Of all texts.

    Attributes:
        confidences (List[SelfConfidence]): By type, None last; of types that occur.
    """

    def __init__(self, readings: Iterable[SecondReading]) -> None:
        totals: dict[str | None, tuple[float, int]] = {}
        for confidence in (one for reading in readings for one in reading.confidences):
            total, n = totals.get(confidence.label, (0.0, 0))
            totals[confidence.label] = (total + confidence.total, n + confidence.n)
        self.confidences = [
            SelfConfidence(label, total / n, n)
            for label, (total, n) in sorted(
                totals.items(), key=lambda one: (one[0] is None, one[0])
            )
            if n
        ]
        self._usual = {one.label: math.log(one.mean) for one in self.confidences if one.mean > 0}

    def score(self, one: Disagreement) -> float:
        """How much likelier the model's reading is than the annotated one, in nats."""
        suggested = one.predicted_log_prob - self.usual(one.predicted)
        return suggested - (one.annotated_log_prob - self.usual(one.annotated))

    def is_likely(self, one: Disagreement) -> bool:
        """Whether it is off the diagonal of the confident joint."""
        return one.predicted_log_prob >= self.usual(
            one.predicted
        ) and one.annotated_log_prob < self.usual(one.annotated)

    def usual(self, spans: Sequence[EntitySpan]) -> float:
        """The log of t, the log probability that a reading usually has.

        A type that is never annotated has no self confidence: 0, that of certainty.
        """
        labels: list[str | None] = [label for *_, label in spans] or [None]
        return sum(self._usual.get(label, 0.0) for label in labels)


def kind_of(one: Disagreement) -> str:
    """What is wrong with the annotation, if the model is right."""
    if not one.annotated:
        return MISSING
    if not one.predicted:
        return SPURIOUS
    mine, theirs = ({span[:2] for span in spans} for spans in (one.annotated, one.predicted))
    if mine == theirs:
        return LABEL
    labels = {label for *_, label in one.annotated} | {label for *_, label in one.predicted}
    return BOUNDARY if len(labels) == 1 else BOTH
