"""Which disagreements are likely errors of the annotation, and in what order.

Let p be the exact probability of a reading of a stretch, of the annotated one a or of the model's
own m. A disagreement is a likely error by the thresholds of confident learning (Northcutt et al.
2021), with readings in place of classes:

    p(m) >= t(m) and p(a) < t(a)

t is the product, over the entities of a reading, of the mean probability that the models give to
annotated entities of the type, their self confidence; of a reading without entities, that of a
token in none. So the model must be as sure of its reading as it usually is of the annotated ones of
these types, and types of which models are never sure neither flood the list nor stay out of it.
Where both readings reach their thresholds, the confident joint of the paper takes the more probable
one. Here that is no error: the annotation is as probable as annotations of its types are.

Likely errors are ordered by their log odds, of probabilities that are held a little less sure:

    score = log(p(m) + d) - log(p(a) + d)

d is the share of the annotated entities with which models disagree at all. Whether p(a) is 1e-5 or
1e-10 then counts no more than that it is small: so improbable are the readings of long or odd
stretches, where models go wrong themselves, and not those that are wrong.
"""

import math
from collections.abc import Sequence

from ...pipeline.capabilities import Disagreement, SecondReading
from ...tags import Span as EntitySpan
from .likely_errors import BOTH, BOUNDARY, LABEL, MISSING, SPURIOUS, SelfConfidence


class Ranking:
    """What readings are measured by.

    readings (Sequence[SecondReading]): Of all texts.

    Attributes:
        confidences (List[SelfConfidence]): By type, None last; of types that occur.
        doubt (float): Disagreements for each annotated entity, 1 at most.
    """

    def __init__(self, readings: Sequence[SecondReading]) -> None:
        totals: dict[str | None, tuple[float, int]] = {}
        for confidence in (one for reading in readings for one in reading.confidences):
            total, n = totals.get(confidence.label, (0.0, 0))
            totals[confidence.label] = (total + confidence.total, n + confidence.n)
        by_label = sorted(totals.items(), key=lambda one: (one[0] is None, one[0]))
        self.confidences = [
            SelfConfidence(label, total / n, n) for label, (total, n) in by_label if n
        ]
        n_entities = sum(one.n for one in self.confidences if one.label is not None)
        n_disagreements = sum(len(reading.disagreements) for reading in readings)
        self.doubt = min(1.0, n_disagreements / max(1, n_entities))
        self._usual = {one.label: math.log(one.mean) for one in self.confidences if one.mean > 0}

    def score(self, one: Disagreement) -> float:
        """How much likelier the model's reading is than the annotated one, in nats."""
        suggested, annotated = math.exp(one.predicted_log_prob), math.exp(one.annotated_log_prob)
        return math.log(suggested + self.doubt) - math.log(annotated + self.doubt)

    def is_likely(self, one: Disagreement) -> bool:
        """Whether the model's reading reaches its threshold and the annotated one does not."""
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
