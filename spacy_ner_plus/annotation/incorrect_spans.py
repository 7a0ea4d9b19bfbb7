"""Spans that are known to be wrong: no entity has exactly this place and this type.

spaCy's `ner` has them in a group of doc.spans that its setting incorrect_spans_key names. Nothing
else is said by one: its tokens may be in other entities, or in one of another type.
"""

import logging
from collections.abc import Container, Iterator
from functools import lru_cache

import numpy as np
from spacy.tokens import Doc, Span
from spacy.training import Example

from ..tags import Span as EntitySpan
from .gold import aligned_entities, have_same_tokens, spans_on_rows

logger = logging.getLogger("spacy_ner_plus")

# Of a document, that may have a token in common: a chain has tags of its own for each.
MOST_OVERLAPPING = 500


def has_incorrect(doc: Doc, key: str | None) -> bool:
    """Whether anything is known to be wrong of a Doc."""
    return key is not None and len(doc.spans.get(key, ())) > 0


def incorrect_rows(
    example: Example,
    key: str | None,
    row_tokens: np.ndarray,
    gold: Container[EntitySpan] | None = None,
) -> list[EntitySpan]:
    """The spans of an Example's reference that are known to be wrong, on rows.

    key (str): Where they are; None for nowhere.
    row_tokens: (n_rows,) int64, the predicted tokens that take part in tagging, ascending. What
        starts or ends on others, or within a token, is no entity that a model could find: it is
        left out, with a message in the log.
    gold (Container[EntitySpan]): The entities on the same rows; None for those of doc.ents.
    RETURNS: Start row, end row (exclusive) and label of each, once, from left to right.
    RAISES ValueError: If one is gold as well or has no label, or very many overlap.
    """
    if not has_incorrect(example.reference, key):
        return []
    assert key is not None
    if gold is None:
        gold = spans_on_rows(aligned_entities(example)[0], row_tokens)
    found: dict[EntitySpan, Span] = {}
    for span, aligned in _aligned(example, key):
        rows = None if aligned is None else _rows(aligned, row_tokens)
        if rows is None:
            _tell_of_lost(span.text, span.label_, span.start_char, span.end_char)
        else:
            found[(*rows, span.label_)] = span
    for place, span in found.items():
        if place in gold:
            raise ValueError(
                f"The document {span.doc.text[:80]!r} has the entity {span.text!r} of type "
                f"{span.label_!r} at characters {span.start_char}-{span.end_char}, and says in "
                f"doc.spans[{key!r}] that it is wrong: take it out of one of them."
            )
    _check_overlapping(example.reference, list(found), len(row_tokens), key)
    return sorted(found)


def _aligned(example: Example, key: str) -> Iterator[tuple[Span, Span | None]]:
    """Each span of the reference, and the same of the predicted Doc where its tokens fit."""
    predicted = example.predicted
    is_same = have_same_tokens(predicted, example.reference)
    for span in example.reference.spans[key]:
        if not span.label_:
            raise ValueError(
                f"doc.spans[{key!r}] of the document {span.doc.text[:80]!r} has {span.text!r} at "
                f"characters {span.start_char}-{span.end_char} without a label: give it the type "
                "that it is not."
            )
        if is_same:
            yield span, Span(predicted, span.start, span.end, span.label_)
        else:
            found = example.get_aligned_spans_y2x([span], allow_overlap=True)
            yield span, found[0] if found else None


def _rows(span: Span, row_tokens: np.ndarray) -> tuple[int, int] | None:
    """The rows of a span of which the first and the last token have one."""
    start, end = np.searchsorted(row_tokens, [span.start, span.end]).tolist()
    if start == end or row_tokens[start] != span.start or row_tokens[end - 1] != span.end - 1:
        return None
    return start, end


def _check_overlapping(doc: Doc, spans: list[EntitySpan], n_rows: int, key: str) -> None:
    furthest = {(start, label): end for start, end, label in sorted(spans)}
    steps = np.zeros(n_rows + 1, dtype=np.int64)
    for (start, _), end in furthest.items():
        steps[start] += 1
        steps[end] -= 1
    if (most := int(steps.cumsum().max())) > MOST_OVERLAPPING:
        raise ValueError(
            f"doc.spans[{key!r}] of the document {doc.text[:80]!r} has {most:,} spans that begin "
            f"at different places and share a token, more than {MOST_OVERLAPPING}: where all of a "
            "stretch is known to be no entity, annotate it as such in doc.ents."
        )


@lru_cache(maxsize=10_000)  # once for each span, and not again at every step
def _tell_of_lost(text: str, label: str, start: int, end: int) -> None:
    logger.warning(
        "A span that is known to be wrong teaches nothing: %r (%s) at characters %d-%d does not "
        "start and end where tokens do that an entity can start and end with",
        text,
        label,
        start,
        end,
    )
