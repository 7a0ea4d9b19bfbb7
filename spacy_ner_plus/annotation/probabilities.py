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


def probability_of_ents(doc: Doc) -> Iterator[tuple[Span, float | None]]:
    """The entities in doc.ents from left to right, each with its probability or None."""
    has_probability = Span.has_extension(PROBABILITY)
    for ent in doc.ents:
        yield ent, as_probability(ent._.get(PROBABILITY)) if has_probability else None


def as_probability(value: Any) -> float | None:
    """A value as a probability; None if it is none.

    Somebody else may have registered the name for something else.
    """
    try:
        number = float(value)
    except (TypeError, ValueError):
        return None
    if isinstance(value, (bool, str)) or not -ROUNDING <= number <= 1 + ROUNDING:
        return None  # nor is it a number, if it is NaN
    return min(max(number, 0.0), 1.0)
