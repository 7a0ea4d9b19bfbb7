"""Gold spans that may nest and overlap, from doc.spans and doc.ents.

Missing is not O here either. Where a Doc has the key, it is annotated but for the stretches that
`unknown_group` holds; what doc.ents says of missing annotation does not count then: of spans that
overlap it has only one. Where it lacks the key, doc.ents says what is known, if it is read.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from spacy.tokens import Doc, Span
from spacy.training import Example

from .entity_source import DOC_ENTS, EntitySource
from .gold import (
    Lost,
    aligned_entities,
    have_same_tokens,
    is_blank,
    lost_entities,
    why_lost,
)
from .unknown_group import token_runs


@dataclass(frozen=True)
class GoldSources:
    """The places that the gold spans of a Doc are read from. What two of them have counts once.

    spans_key (str): The key in doc.spans; None for doc.ents alone.
    with_ents (bool): Read the entities of doc.ents, too.
    RAISES ValueError: Neither is read.
    """

    spans_key: str | None = None
    with_ents: bool = True

    def __post_init__(self) -> None:
        if not self.places:
            raise ValueError(
                "Gold spans must come from a key of doc.spans, from doc.ents, or from both."
            )

    @property
    def group(self) -> EntitySource | None:
        """The group of doc.spans, if one is read."""
        return None if self.spans_key is None else EntitySource(self.spans_key)

    @property
    def places(self) -> list[EntitySource]:
        """All that are read, the group first."""
        return [*([self.group] if self.group else []), *([DOC_ENTS] if self.with_ents else [])]

    @property
    def as_source(self) -> EntitySource:
        """All of them as one, to compare with."""
        return EntitySource(self.spans_key, with_ents=self.with_ents and self.group is not None)

    @property
    def where(self) -> str:
        """What Python calls the places."""
        return self.as_source.where

    def is_set(self, doc: Doc) -> bool:
        """Whether a Doc says anything about entities, be it that there are none."""
        return self.as_source.is_set(doc)


@dataclass(frozen=True)
class NestedGold:
    """What the reference of an Example says of spans of the predicted Doc.

    spans (List[Span]): Each place and label once, from left to right, the longer ones first.
    known: (n_tokens,) bool, tokens of the predicted Doc that are annotated: there are no other
        spans on them. On the others there may be, with any label.
    lost (List[Lost]): Spans that have no place in the predicted tokens.
    lost_tokens: For each of them, the predicted tokens that it touches, int64 (n_tokens,). Nobody
        knows what they hold of its label.
    """

    spans: list[Span]
    known: np.ndarray
    lost: list[Lost]
    lost_tokens: list[np.ndarray]


def nested_gold(example: Example, sources: GoldSources) -> NestedGold:
    """The gold spans of an Example.

    example (Example): Reference annotation and predicted tokens; they need not be split alike.
    """
    predicted, reference = example.predicted, example.reference
    spans: list[Span] = []
    lost: list[Lost] = []
    known = np.zeros(len(predicted), dtype=bool)
    if sources.with_ents:
        entities, known = aligned_entities(example)
        spans += entities
        lost += lost_entities(example)
    if sources.group is not None and sources.group.is_set(reference):
        known = _known_by_group(example, sources.group)
        for span, aligned in _aligned(
            example, [span for span, _ in sources.group.scored(reference)]
        ):
            if aligned is None or is_blank(aligned):
                lost.append(Lost(span, why_lost(span, predicted)))
            else:
                spans.append(aligned)
    unique = {(span.start, -span.end, span.label_): span for span in spans}
    lost = list({_place(one.entity): one for one in lost}.values())
    return NestedGold(
        spans=[unique[place] for place in sorted(unique)],
        known=known,
        lost=lost,
        lost_tokens=[_touched(example, one.entity.start, one.entity.end) for one in lost],
    )


def _aligned(example: Example, group: Sequence[Span]) -> Iterator[tuple[Span, Span | None]]:
    """Each span of the reference, and the same of the predicted Doc where its tokens fit."""
    predicted = example.predicted
    if have_same_tokens(predicted, example.reference):
        for span in group:
            yield span, Span(predicted, span.start, span.end, span.label_)
        return
    for span in group:
        found = example.get_aligned_spans_y2x([span], allow_overlap=True)
        yield span, found[0] if found else None


def _known_by_group(example: Example, group: EntitySource) -> np.ndarray:
    """(n_tokens,) bool, the predicted tokens that touch no unknown one of the reference."""
    unknown = group.missing(example.reference)  # (n_tokens of the reference,)
    if have_same_tokens(example.predicted, example.reference):
        return ~unknown
    known = np.ones(len(example.predicted), dtype=bool)
    for start, end in token_runs(unknown):
        known[_touched(example, start, end)] = False
    return known


def _place(span: Span) -> tuple[int, int, str]:
    return span.start, span.end, span.label_


def _touched(example: Example, start: int, end: int) -> np.ndarray:
    """The predicted tokens that some of the reference touch, int64."""
    return np.unique([int(i) for i in example.alignment.y2x[start:end]]).astype(np.int64)
