"""From the entities that were found to what stands on the Docs."""

from collections.abc import Iterable

import numpy as np
from spacy.tokens import Doc, Span, SpanGroup

from ..models.tagging import Entities
from ..text.existing import existing

PROBABILITY = "probability"


def annotate(
    docs: Iterable[Doc],
    scores: Iterable[Entities],
    *,
    labels: list[int],
    least: np.ndarray,
    overwrites: bool,
    spans_key: str | None,
) -> None:
    """Write entities and their probabilities to Docs.

    docs (Iterable[Doc]): The documents.
    scores (Iterable[Entities]): What was found in each.
    labels (List[int]): The labels in the vocabulary's string store.
    least: (n_labels,) float, the least probability of an entity of each type.
    overwrites (bool): Whether entities that are there already are replaced, or kept.
    spans_key (str): Where in doc.spans the entities go; None for nowhere.
    """
    is_stored = register_probability()
    for doc, entities in zip(docs, scores, strict=True):
        is_wanted = entities.probabilities >= least[entities.labels]
        known = None if overwrites else existing(doc)
        if known is not None:
            is_wanted &= known.is_free(entities.starts, entities.ends)
        wanted = np.flatnonzero(is_wanted)
        found = [
            Span(doc, int(start), int(end), labels[label])
            for start, end, label in zip(
                entities.starts[wanted], entities.ends[wanted], entities.labels[wanted], strict=True
            )
        ]
        probabilities = entities.probabilities[wanted]
        if known is None:
            doc.set_ents(found, default="outside")
        else:
            blocked = known.blocked_spans(doc)
            doc.set_ents([*doc.ents, *found], blocked=blocked, default="outside")
        if is_stored:
            for span, probability in zip(found, probabilities, strict=True):
                span._.set(PROBABILITY, float(probability))
        if spans_key is not None:
            doc.spans[spans_key] = SpanGroup(
                doc, name=spans_key, spans=found, attrs={"scores": probabilities}
            )


def register_probability() -> bool:
    """Register ent._.probability, unless somebody has: also in a process that got the component
    as a pickle. Returns whether it is a plain value and not somebody else's getter or method.
    """
    if not Span.has_extension(PROBABILITY):
        Span.set_extension(PROBABILITY, default=None)
    _, method, getter, _ = Span.get_extension(PROBABILITY)
    return method is None and getter is None
