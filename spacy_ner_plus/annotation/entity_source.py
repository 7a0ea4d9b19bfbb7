"""Where the entities of a Doc are: in doc.ents, or in a group of doc.spans, where they may nest."""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from spacy.tokens import Doc, Span

from ..tags import Span as EntitySpan
from .existing import entity_spans
from .probabilities import SCORES, as_probability, probability_of_ents
from .token_states import MISSING
from .unknown_group import unknown_tokens

ENTS = "doc.ents"
"""What doc.ents is called where a key of doc.spans could be given as well."""


@dataclass(frozen=True)
class EntitySource:
    """Where the entities of Docs are, gold or predicted ones.

    spans_key (str): They are in doc.spans[spans_key], where they may nest and overlap; None for
        doc.ents.
    with_ents (bool): Those of doc.ents count, too, once where the group has them as well. A Doc
        that lacks the group is annotated as its doc.ents says.
    """

    spans_key: str | None = None
    with_ents: bool = False

    @classmethod
    def named(cls, name: str) -> "EntitySource":
        """The source that users name: a key of doc.spans, or "doc.ents"."""
        return cls(None if name == ENTS else name)

    @property
    def where(self) -> str:
        """What Python calls the place."""
        if self.spans_key is None:
            return ENTS
        group = f"doc.spans[{self.spans_key!r}]"
        return f"{group} or {ENTS}" if self.with_ents else group

    @property
    def may_nest(self) -> bool:
        """Whether entities may share tokens there."""
        return self.spans_key is not None

    def is_set(self, doc: Doc) -> bool:
        """Whether a Doc says anything about entities there, be it that there are none."""
        if self.reads_ents and doc.has_annotation("ENT_IOB"):
            return True
        return self.spans_key in doc.spans

    def missing(self, doc: Doc) -> np.ndarray:
        """The tokens about which nothing is known there but for the entities on them.

        RETURNS: (n_tokens,) bool
        """
        if self.spans_key is None or (self.with_ents and self.spans_key not in doc.spans):
            return np.asarray(doc.to_array("ENT_IOB").reshape(-1) == MISSING)
        return unknown_tokens(doc, self.spans_key)

    def scored(self, doc: Doc) -> Iterator[tuple[Span, float | None]]:
        """The entities of a Doc from left to right, each with its probability or None.

        Those of a group have its scores. One that is there twice is given twice.
        """
        pairs = [] if self.spans_key is None else _of_group(doc, self.spans_key)
        if self.reads_ents:
            known = {_place(span) for span, _ in pairs}
            pairs += [pair for pair in probability_of_ents(doc) if _place(pair[0]) not in known]
        yield from sorted(pairs, key=lambda pair: (pair[0].start, pair[0].end))

    def spans(self, doc: Doc) -> list[EntitySpan]:
        """Start, end and label of the entities of a Doc, on its own tokens, each once."""
        if self.spans_key is None:
            return entity_spans(doc)
        group = {_place(span) for span, _ in _of_group(doc, self.spans_key)}
        return sorted(group.union(entity_spans(doc) if self.with_ents else ()))

    @property
    def reads_ents(self) -> bool:
        """Whether the entities of doc.ents are among them."""
        return self.spans_key is None or self.with_ents


def _of_group(doc: Doc, key: str) -> list[tuple[Span, float | None]]:
    """The spans of a group, each with its score; none where a Doc lacks it."""
    if key not in doc.spans:
        return []
    group = doc.spans[key]
    scores = list(group.attrs.get(SCORES, ()))
    if len(scores) != len(group):  # another component's, or spans were added
        scores = [None] * len(group)
    return [(span, as_probability(score)) for span, score in zip(group, scores, strict=True)]


def _place(span: Span) -> EntitySpan:
    return span.start, span.end, span.label_


DOC_ENTS = EntitySource()
"""Entities are in doc.ents."""


@dataclass(frozen=True)
class EntitySources:
    """Where gold entities are, and where those are that are compared with them.

    gold (EntitySource): In annotated Docs.
    predicted (EntitySource): In Docs that a pipeline processed.
    """

    gold: EntitySource = DOC_ENTS
    predicted: EntitySource = DOC_ENTS


FLAT = EntitySources()
"""Both are in doc.ents."""
