"""Entities on a Doc with their probabilities: what ner_plus leaves there, and who else does."""

from collections.abc import Iterator
from typing import Any

from spacy.tokens import Doc, Span

PROBABILITY = "probability"
PROBABILITY_OF = "probability_of"  # the label of the entity that has it
SCORES = "scores"  # in the attributes of a group of spans, as spancat has it
# By this much, rounding may bring a probability out of [0, 1].
ROUNDING = 1e-6


def register_probability() -> bool:
    """Register ent._.probability, unless somebody has.

    It is called also in a process that got the component as a pickle.

    RETURNS (bool): Whether it is a value that can be set, and not somebody else's getter or method.
    """
    if not Span.has_extension(PROBABILITY):
        Span.set_extension(PROBABILITY, getter=_probability_of, setter=_set_probability)
    _, method, getter, _ = Span.get_extension(PROBABILITY)
    return method is None and getter in (None, _probability_of)


def _key(name: str, span: Span) -> tuple[str, str, int, int]:
    """Where spaCy keeps span._.name in doc.user_data: from_docs and as_doc know this form."""
    return "._.", name, span.start_char, span.end_char


def _set_probability(span: Span, value: Any) -> None:
    """Keep a probability for the entity of these characters and this label; None for none."""
    data: dict[Any, Any] = span.doc.user_data
    if value is None:
        data.pop(_key(PROBABILITY, span), None)
        data.pop(_key(PROBABILITY_OF, span), None)
    else:
        data[_key(PROBABILITY, span)] = value
        data[_key(PROBABILITY_OF, span)] = span.label_


def _probability_of(span: Span) -> Any:
    """The probability that was set for these characters, if it was for this label.

    One that was written by version 0.4 or before, or from JSON, does not say for which.
    """
    data: dict[Any, Any] = span.doc.user_data
    label = data.get(_key(PROBABILITY_OF, span), span.label_)
    return data.get(_key(PROBABILITY, span)) if label == span.label_ else None


def scored_spans(doc: Doc, spans_key: str | None = None) -> Iterator[tuple[Span, float | None]]:
    """The entities of a Doc from left to right, each with its probability or None.

    spans_key (str): Take doc.spans[spans_key], with its scores; None for doc.ents.
    """
    if spans_key is None:
        has_probability = Span.has_extension(PROBABILITY)
        for ent in doc.ents:
            yield ent, _as_probability(ent._.get(PROBABILITY)) if has_probability else None
    elif spans_key in doc.spans:
        group = doc.spans[spans_key]
        scores = list(group.attrs.get(SCORES, ()))
        if len(scores) != len(group):  # another component's, or spans were added
            scores = [None] * len(group)
        pairs = sorted(zip(group, scores, strict=True), key=lambda p: (p[0].start, p[0].end))
        yield from ((span, _as_probability(score)) for span, score in pairs)


def _as_probability(value: Any) -> float | None:
    """Somebody else may have registered the name for something else."""
    try:
        number = float(value)
    except (TypeError, ValueError):
        return None
    if isinstance(value, (bool, str)) or not -ROUNDING <= number <= 1 + ROUNDING:
        return None  # nor is it a number, if it is NaN
    return min(max(number, 0.0), 1.0)
