"""From the entities that were found to what stands on the Docs."""

from collections.abc import Sequence

import numpy as np
from spacy.tokens import Doc, Span, SpanGroup

from ..annotation.existing import existing
from ..annotation.probabilities import PROBABILITY, ROUNDING, register_probability
from ..models.decoding.entities import Entities


def check_existing_ents(value: str, choices: Sequence[str]) -> None:
    """RAISES ValueError: If a value of `existing_ents` is none of the choices."""
    if value not in choices:
        raise ValueError(f"existing_ents = {value!r} is unknown: use one of {tuple(choices)}.")


def check_probabilities(probabilities: np.ndarray) -> None:
    """RAISES ValueError: If one is neither NaN, which is not known, nor from 0 to 1.

    probabilities: (n,) float.
    """
    is_wrong = (probabilities < -ROUNDING) | (probabilities > 1 + ROUNDING)  # false for NaN
    if is_wrong.any():
        raise ValueError(
            f"Entity {int(is_wrong.argmax())} was found with the probability "
            f"{probabilities[is_wrong][0]}: it must be from 0 to 1, or NaN where it is not known."
        )


class Annotator:
    """Writes entities and their probabilities to Docs.

    labels (Sequence[int]): The labels in the vocabulary's string store.
    least: (n_labels,) float, the least probability of an entity of each type.
    overwrites (bool): Whether entities that are there already are replaced, or kept.
    spans_key (str): Where in doc.spans the entities go; None for nowhere.
    """

    def __init__(
        self,
        labels: Sequence[int],
        least: np.ndarray,
        *,
        overwrites: bool,
        spans_key: str | None,
    ) -> None:
        self._labels = labels
        self._least = least
        self._overwrites = overwrites
        self._spans_key = spans_key
        self._is_stored = register_probability()

    def write(self, doc: Doc, entities: Entities) -> None:
        """Put entities on a Doc, but for those too improbable or in the way of others.

        RAISES ValueError: If a probability is neither NaN nor from 0 to 1.
        """
        check_probabilities(entities.probabilities)
        # an entity whose probability is not known (NaN) stays at any threshold
        is_wanted = ~(entities.probabilities < self._least[entities.labels])
        is_bare = self._overwrites or not doc.has_annotation("ENT_IOB")
        known = None if is_bare else existing(doc)
        if known is not None:
            is_wanted &= known.is_free(entities.starts, entities.ends)
        probabilities = entities.probabilities[is_wanted]
        columns = (entities.starts, entities.ends, entities.labels)
        found = [
            Span(doc, start, end, self._labels[label])
            for start, end, label in zip(*(c[is_wanted].tolist() for c in columns), strict=True)
        ]
        if known is None:
            doc.set_ents(found, default="outside")
        else:
            blocked = known.blocked_spans(doc)
            doc.set_ents([*doc.ents, *found], blocked=blocked, default="outside")
        values = [None if np.isnan(value) else value for value in probabilities.tolist()]
        if self._is_stored:
            for span, value in zip(found, values, strict=True):
                span._.set(PROBABILITY, value)
        if self._spans_key is not None:
            attrs = {} if None in values else {"scores": probabilities}
            group = SpanGroup(doc, name=self._spans_key, spans=found, attrs=attrs)
            doc.spans[self._spans_key] = group
