"""Gold annotation to the tags that it permits.

Missing is not O: a token without annotation permits every tag, so it teaches nothing, except
that it cannot carry on an entity that is known to end before it.
"""

import logging
from collections.abc import Collection, Iterable
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from spacy.tokens import Doc, Span
from spacy.training import Example

from ..records import check_tidy
from ..tags import Span as EntitySpan
from ..tags import TagScheme
from .agreeing_tags import tags_that_agree
from .token_states import OUTSIDE

logger = logging.getLogger("spacy_ner_plus")

# doc._.annotated_labels: the types that a Doc is annotated for; None stands for all of them.
ANNOTATED_LABELS = "annotated_labels"


def register_annotated_labels() -> None:
    """Register doc._.annotated_labels, unless somebody has."""
    if not Doc.has_extension(ANNOTATED_LABELS):
        Doc.set_extension(ANNOTATED_LABELS, default=None)


def annotated_labels(doc: Doc) -> set[str] | None:
    """The entity types that a Doc is annotated for, or None if for all.

    RAISES ValueError: If doc._.annotated_labels is no list of types, or one has white space around.
    """
    register_annotated_labels()
    labels = doc._.get(ANNOTATED_LABELS)
    if labels is None:
        return None
    is_list = isinstance(labels, (list, tuple, set, frozenset))
    if not is_list or not all(isinstance(label, str) for label in labels):
        raise ValueError(
            f"doc._.{ANNOTATED_LABELS} = {labels!r} of the document {doc.text[:80]!r} is no list "
            "of entity types."
        )
    for label in labels:
        check_tidy(f"A type in doc._.{ANNOTATED_LABELS} of {doc.text[:80]!r}", label)
    return set(labels)


@dataclass(frozen=True)
class Lost:
    """A gold entity that cannot be learned, because it does not fit what is tagged.

    entity (Span): The entity in the reference Doc.
    reason (str): What is wrong with it, with the nearest token boundaries.
    """

    entity: Span
    reason: str

    def __str__(self) -> str:
        return (
            f"{self.entity.text!r} ({self.entity.label_}) at characters "
            f"{self.entity.start_char}-{self.entity.end_char}: {self.reason}"
        )


def allowed_tags(example: Example, row_tokens: np.ndarray, scheme: TagScheme) -> np.ndarray:
    """The tags that the reference annotation permits on each row.

    example (Example): Reference annotation and predicted tokens; they need not be split alike.
    row_tokens: (n_rows,) int64, the predicted tokens that take part in tagging, ascending.
        Entities that start or end on other tokens (whitespace) are moved inwards; one that lies
        wholly on them is left out, with a message in the log.
    scheme (TagScheme): The tags.
    RETURNS: (n_rows, n_tags) bool: one tag where annotated, all where annotation is missing or
        does not fit the tokens, all but those that extend a known entity right behind it. Where
        reference._.annotated_labels names some types only, O permits the tags of all others.
    RAISES ValueError: If an entity's label is not in the scheme, or not among those that the
        document is annotated for.
    """
    entities, known = aligned_entities(example)
    spans = list(spans_on_rows(entities, row_tokens))
    check_known_labels(example.reference, scheme.labels)
    annotated = annotated_labels(example.reference)
    if annotated is not None:
        check_annotated_labels({label for _, _, label in spans}, annotated, example.reference)
    return tags_that_agree(spans, ~known[row_tokens], scheme, annotated)


def spans_on_rows(entities: Iterable[Span], row_tokens: np.ndarray) -> dict[EntitySpan, Span]:
    """Entities on the rows of their tokens; each place and label once, with its first entity.

    row_tokens: (n_rows,) int64 tokens, ascending. What starts or ends on others is moved inwards;
        what lies wholly on others is left out, with a message in the log.
    RETURNS: Start row, end row (exclusive) and label of each, in the given order.
    """
    spans: dict[EntitySpan, Span] = {}
    for entity in entities:
        start, end = np.searchsorted(row_tokens, [entity.start, entity.end]).tolist()
        if start < end:
            spans.setdefault((start, end, entity.label_), entity)
        else:
            lost = Lost(entity, "none of its tokens can be tagged: no wordpiece lies in them")
            tell_of_lost(str(lost))
    return spans


@lru_cache(maxsize=10_000)  # once for each entity, and not again at every step
def tell_of_lost(lost: str) -> None:
    """Say in the log, once, that an entity is left out: what Lost says of it."""
    logger.warning("A gold entity can't be learned: %s", lost)


def check_known_labels(
    reference: Doc, labels: Collection[str], entities: Iterable[Span] | None = None
) -> None:
    """Refuse types that are not among the labels.

    entities: Of the document; None for reference.ents.
    RAISES ValueError: If a document has an entity of such a type.
    """
    for entity in reference.ents if entities is None else entities:
        if entity.label_ not in labels:
            raise ValueError(
                f"The document {reference.text[:80]!r} has the entity {entity.text!r} of type "
                f"{entity.label_!r}, but the component knows only {list(labels)}. Add the type: "
                "with add_label before training, or in a config with "
                '[initialize.after_init] @callbacks = "spacy_ner_plus.add_labels.v1".'
            )


def aligned_entities(example: Example) -> tuple[list[Span], np.ndarray]:
    """What Example.get_aligned_ents_and_ner gives, without its loops over all characters.

    Those take several percent of a training step.

    RETURNS: The reference's entities as spans of the predicted Doc, as far as they fit its tokens;
        and (n_tokens,) bool, the predicted tokens whose annotation is known.
    """
    predicted, reference = example.predicted, example.reference
    if not reference.has_annotation("ENT_IOB"):
        return [], np.zeros(len(predicted), dtype=bool)
    if have_same_tokens(predicted, reference):
        entities = [Span(predicted, e.start, e.end, e.label_) for e in reference.ents]
        is_outside = reference.to_array("ENT_IOB") == OUTSIDE  # (n_tokens,)
    else:
        entities = example.get_aligned_spans_y2x(reference.ents, allow_overlap=False)
        aligned = [value == OUTSIDE for value in example.get_aligned("ENT_IOB")]
        is_outside = np.array(aligned, dtype=bool)
    known = is_outside | predicted.to_array("IS_SPACE").astype(bool)
    for entity in entities:
        known[entity.start : entity.end] = True
    return entities, known


def have_same_tokens(one: Doc, other: Doc) -> bool:
    """Whether two Docs are split alike, and nothing has to be aligned."""
    attributes: list[int | str] = ["ORTH", "SPACY"]
    return np.array_equal(one.to_array(attributes), other.to_array(attributes))


def check_annotated_labels(labels: set[str], annotated: set[str], doc: Doc) -> None:
    """RAISES ValueError: A document has entities of types that it is not annotated for."""
    surprising = labels - annotated
    if surprising:
        raise ValueError(
            f"The document {doc.text[:80]!r} has entities of type {sorted(surprising)}, but says "
            f"that it is annotated for {sorted(annotated)} only: see doc._.{ANNOTATED_LABELS}, or "
            "the setting labels of the corpus reader."
        )


def lost_entities(example: Example) -> list[Lost]:
    """The reference entities that have no place in the predicted tokens."""
    wanted = [entity for entity in example.reference.ents if entity.label]
    kept = [entity for entity in aligned_entities(example)[0] if not is_blank(entity)]
    if len(kept) == len(wanted):
        return []
    return [
        Lost(entity, why_lost(entity, example.predicted))
        for entity in wanted
        if is_blank(entity) or not example.get_aligned_spans_y2x([entity])
    ]


def describe_lost(lost: Iterable[Lost], *, most: int = 5) -> str:
    """A line for each of the first few, and the count of the rest."""
    lines = [str(one) for one in lost]
    shown = "\n".join(f"  {line}" for line in lines[:most])
    return shown if len(lines) <= most else f"{shown}\n  and {len(lines) - most} more"


def is_blank(entity: Span) -> bool:
    """Whether there is nothing but white space in an entity."""
    return all(token.is_space for token in entity)


def why_lost(entity: Span, predicted: Doc) -> str:
    """Why an entity of the reference has no place in the predicted tokens."""
    if is_blank(entity):
        return "it is whitespace only"
    if entity.doc.text != predicted.text:
        return "the reference and the predicted Doc differ in text"
    outer = predicted.char_span(entity.start_char, entity.end_char, alignment_mode="expand")
    assert outer is not None  # the texts are equal, so the offsets are in range
    return (
        f"it is not on token boundaries; the nearest around it are {outer.start_char}-"
        f"{outer.end_char} ({outer.text!r}). Its tokens count as not annotated"
    )
