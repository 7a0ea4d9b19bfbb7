"""What is compared: the gold and the predicted entities of a document, on the same tokens."""

from collections.abc import Collection, Iterable
from dataclasses import dataclass, replace

from spacy.tokens import Doc
from spacy.training import Example

from ..annotation.entity_source import DOC_ENTS, FLAT, EntitySource, EntitySources
from ..annotation.gold import annotated_labels
from ..annotation.judging import aligned, judgeable, judged_gold
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
    gold (Tuple[Entity, ...]): Those that can be judged, from left to right.
    predicted (Tuple[Entity, ...]): Those that can be judged, from left to right. Two that touch the
        same tokens only may have the same span.
    not_judged (Tuple[Entity, ...]): Predicted entities that touch a token without annotation, or
        are of a type that the document is not annotated for: neither right nor wrong. One that
        touches no token of the reference starts and ends at 0.
    gold_not_judged (Tuple[Entity, ...]): Gold entities that touch a token without annotation:
        neither found nor missed. Only a group of doc.spans can have such.
    n_repeated (int): Entities of either side that are there twice, with the same characters and
        label, and so left out once.
    """

    index: int
    text: str
    token_starts: tuple[int, ...]
    sentence_starts: tuple[int, ...]
    gold: tuple[Entity, ...]
    predicted: tuple[Entity, ...]
    not_judged: tuple[Entity, ...]
    gold_not_judged: tuple[Entity, ...] = ()
    n_repeated: int = 0

    @property
    def n_entities(self) -> int:
        """Entities of both sides."""
        sides = (self.gold, self.predicted, self.not_judged, self.gold_not_judged)
        return sum(map(len, sides))


def from_example(
    index: int, example: Example, sources: EntitySources = FLAT, choice: LabelChoice = ALL
) -> Document:
    """A document as a pipeline processed it.

    index (int): Its place in the data.
    example (Example): The processed and the annotated Doc. Annotations that are not on the tokens
        of the latter are gold too: see data.refused_annotations.
    sources (EntitySources): Where the entities of both are.
    choice (LabelChoice): Its new names tell which entities are of types that the document is
        annotated for. The entities keep their own.
    """
    found = entities_of(example.predicted, sources.predicted)
    reference, off_tokens = _reference(example.reference, sources.gold)
    if reference is not example.reference:
        example = Example(example.predicted, reference)
    spans = aligned(example, [entity.span for entity in found])
    return _document(index, reference, off_tokens, found, spans, sources.gold, choice)


def from_offsets(
    index: int,
    reference: Doc,
    found: list[Entity],
    gold: EntitySource = DOC_ENTS,
    choice: LabelChoice = ALL,
) -> Document:
    """A document with entities of which only the characters are known; their tokens are ignored.

    gold (EntitySource): Where the entities of the reference are.
    choice (LabelChoice): See from_example.
    """
    reference, off_tokens = _reference(reference, gold)
    outer = [
        reference.char_span(entity.start_char, entity.end_char, alignment_mode="expand")
        for entity in found
    ]
    spans: list[Span | None] = [
        None if span is None else (span.start, span.end, entity.label)
        for span, entity in zip(outer, found, strict=True)
    ]
    return _document(index, reference, off_tokens, found, spans, gold, choice)


def entities_of(doc: Doc, source: EntitySource = DOC_ENTS) -> list[Entity]:
    """The entities of a Doc, on its own tokens, with their probabilities where it has them."""
    return [
        Entity(span.start, span.end, span.label_, span.start_char, span.end_char, probability)
        for span, probability in source.scored(doc)
    ]


def _reference(doc: Doc, gold: EntitySource) -> tuple[Doc, set[Place]]:
    # of a text whose annotation is not known in a group, none is gold there
    return with_refused(doc, gold) if gold.is_set(doc) or gold.reads_ents else (doc, set())


def _document(
    index: int,
    reference: Doc,
    off_tokens: Collection[Place],
    found: list[Entity],
    spans: list[Span | None],
    source: EntitySource,
    choice: LabelChoice,
) -> Document:
    known = _judged(reference, spans, source, choice)
    judged: list[Entity] = []
    not_judged: list[Entity] = []
    for entity, span, verdict in zip(found, spans, known, strict=True):
        start, end, _ = span or (0, 0, "")
        entity = _moved(entity, start, end)
        (not_judged if verdict is None else judged).append(entity)
    can_judge = set(judged_gold(reference, source))
    gold: list[Entity] = []
    gold_not_judged: list[Entity] = []
    for entity in entities_of(reference, source):
        if (entity.start_char, entity.end_char, entity.label) in off_tokens:
            entity = replace(entity, is_off_tokens=True)
        (gold if entity.span in can_judge else gold_not_judged).append(entity)
    has_sentences = reference.has_annotation("SENT_START")
    document = Document(
        index=index,
        text=reference.text,
        token_starts=tuple(reference.to_array("IDX").tolist()) if len(reference) else (),
        sentence_starts=tuple(s.start for s in reference.sents) if has_sentences else (),
        gold=distinct(gold),
        predicted=distinct(judged),
        not_judged=distinct(not_judged),
        gold_not_judged=distinct(gold_not_judged),
    )
    n_given = len(gold) + len(judged) + len(not_judged) + len(gold_not_judged)
    return replace(document, n_repeated=n_given - document.n_entities)


def _judged(
    reference: Doc, spans: list[Span | None], source: EntitySource, choice: LabelChoice
) -> list[Span | None]:
    """The spans, with None in place of one that can't be judged."""
    own = annotated_labels(reference)
    annotated = None if own is None else choice.names(own)
    renamed = [span and (span[0], span[1], choice.name(span[2])) for span in spans]
    return judgeable(reference, renamed, annotated, source)


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


def distinct(entities: Iterable[Entity]) -> tuple[Entity, ...]:
    """Entities from left to right. Of those with the same characters and label the surest stays."""
    best: dict[tuple[int, int, str], Entity] = {}
    for entity in entities:
        place = entity.start_char, entity.end_char, entity.label
        if place not in best or (entity.probability or 0.0) > (best[place].probability or 0.0):
            best[place] = entity
    return tuple(sorted(best.values(), key=lambda e: (e.start, e.end, e.label, e.start_char)))
