"""What is compared: the gold and the predicted entities of a document, on the same tokens."""

from collections.abc import Collection, Iterable
from dataclasses import dataclass, replace

from spacy.tokens import Doc
from spacy.training import Example

from ..annotation.gold import annotated_labels
from ..annotation.judging import aligned, judgeable
from ..annotation.probabilities import scored_spans
from ..data.refused_annotations import Place, with_refused
from ..tags import Span
from .label_choice import ALL, LabelChoice


@dataclass(frozen=True, slots=True)
class Entity:
    """An entity in a document of an evaluation.

    start, end (int): In tokens of the reference, end exclusive. A predicted entity covers all
        tokens that it touches.
    label (str): Its type.
    start_char, end_char (int): In characters of the text, as it was annotated or predicted.
    probability (float): Of a predicted entity, if the pipeline gives one.
    uncalibrated (float): The same without the pipeline's calibration, if it has one.
    is_off_tokens (bool): Of a gold entity: whether it is not on the tokens that the data have, so
        that it can't be found on them.
    """

    start: int
    end: int
    label: str
    start_char: int
    end_char: int
    probability: float | None = None
    uncalibrated: float | None = None
    is_off_tokens: bool = False

    @property
    def span(self) -> Span:
        """Where it is, and its label."""
        return self.start, self.end, self.label


@dataclass(frozen=True, slots=True)
class Document:
    """A document of an evaluation.

    index (int): Its place in the data, from 0; documents without annotation count too.
    text (str): Its text.
    token_starts (Tuple[int, ...]): Where the reference's tokens start, in characters.
    sentence_starts (Tuple[int, ...]): The tokens that start a sentence; empty if nothing says so.
    gold (Tuple[Entity, ...]): From left to right.
    predicted (Tuple[Entity, ...]): Those that can be judged, from left to right. Two that touch the
        same tokens only may have the same span.
    not_judged (Tuple[Entity, ...]): Predicted entities that touch a token without annotation, or
        are of a type that the document is not annotated for: neither right nor wrong. One that
        touches no token of the reference starts and ends at 0.
    """

    index: int
    text: str
    token_starts: tuple[int, ...]
    sentence_starts: tuple[int, ...]
    gold: tuple[Entity, ...]
    predicted: tuple[Entity, ...]
    not_judged: tuple[Entity, ...]


def from_example(
    index: int, example: Example, spans_key: str | None = None, choice: LabelChoice = ALL
) -> Document:
    """A document as a pipeline processed it.

    index (int): Its place in the data.
    example (Example): The processed and the annotated Doc. Annotations that are not on the tokens
        of the latter are gold too, unless spans_key is given: see data.refused_annotations.
    spans_key (str): Compare doc.spans[spans_key], which may nest and overlap; None for doc.ents.
    choice (LabelChoice): Its new names tell which entities are of types that the document is
        annotated for. The entities keep their own.
    """
    found = entities_of(example.predicted, spans_key)
    reference, off_tokens = _reference(example.reference, spans_key)
    if reference is not example.reference:
        example = Example(example.predicted, reference)
    spans = aligned(example, [entity.span for entity in found])
    return _document(index, reference, off_tokens, found, spans, spans_key, choice)


def from_offsets(
    index: int,
    reference: Doc,
    found: list[Entity],
    spans_key: str | None = None,
    choice: LabelChoice = ALL,
) -> Document:
    """A document with entities of which only the characters are known; their tokens are ignored.

    spans_key (str), choice (LabelChoice): See from_example.
    """
    reference, off_tokens = _reference(reference, spans_key)
    outer = [
        reference.char_span(entity.start_char, entity.end_char, alignment_mode="expand")
        for entity in found
    ]
    spans: list[Span | None] = [
        None if span is None else (span.start, span.end, entity.label)
        for span, entity in zip(outer, found, strict=True)
    ]
    return _document(index, reference, off_tokens, found, spans, spans_key, choice)


def entities_of(doc: Doc, spans_key: str | None) -> list[Entity]:
    """The entities of a Doc, on its own tokens, with their probabilities where it has them."""
    return [
        Entity(span.start, span.end, span.label_, span.start_char, span.end_char, probability)
        for span, probability in scored_spans(doc, spans_key)
    ]


def _reference(doc: Doc, spans_key: str | None) -> tuple[Doc, set[Place]]:
    return with_refused(doc) if spans_key is None else (doc, set())


def _document(
    index: int,
    reference: Doc,
    off_tokens: Collection[Place],
    found: list[Entity],
    spans: list[Span | None],
    spans_key: str | None,
    choice: LabelChoice,
) -> Document:
    known = _judged(reference, spans, spans_key, choice)
    predicted: list[Entity] = []
    not_judged: list[Entity] = []
    for entity, span, judged in zip(found, spans, known, strict=True):
        start, end, _ = span or (0, 0, "")
        entity = _moved(entity, start, end)
        (not_judged if judged is None else predicted).append(entity)
    gold = (
        replace(entity, is_off_tokens=True)
        if (entity.start_char, entity.end_char, entity.label) in off_tokens
        else entity
        for entity in entities_of(reference, spans_key)
    )
    has_sentences = reference.has_annotation("SENT_START")
    return Document(
        index=index,
        text=reference.text,
        token_starts=tuple(reference.to_array("IDX").tolist()) if len(reference) else (),
        sentence_starts=tuple(s.start for s in reference.sents) if has_sentences else (),
        gold=_in_order(gold),
        predicted=_in_order(predicted),
        not_judged=_in_order(not_judged),
    )


def _judged(
    reference: Doc, spans: list[Span | None], spans_key: str | None, choice: LabelChoice
) -> list[Span | None]:
    """The spans, with None in place of one that can't be judged."""
    own = annotated_labels(reference)
    annotated = None if own is None else choice.names(own)
    renamed = [span and (span[0], span[1], choice.name(span[2])) for span in spans]
    if spans_key is None:
        return judgeable(reference, renamed, annotated)
    # groups of spans know no missing tokens, only documents annotated for some types
    return [
        span if span is not None and (annotated is None or span[2] in annotated) else None
        for span in renamed
    ]


def _moved(entity: Entity, start: int, end: int) -> Entity:
    return Entity(
        start,
        end,
        entity.label,
        entity.start_char,
        entity.end_char,
        entity.probability,
        entity.uncalibrated,
    )


def _in_order(entities: Iterable[Entity]) -> tuple[Entity, ...]:
    return tuple(sorted(entities, key=lambda e: (e.start, e.end, e.label, e.start_char)))
