"""A text as decisions look at it: its words, and all its entities, nested ones too."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from functools import cached_property
from itertools import accumulate
from typing import NamedTuple

from ..audited import AuditedText
from ..text_words import words_of


class MarkedEntity(NamedTuple):
    """An entity: its words, end exclusive, and its type."""

    start: int
    end: int
    label: str


Words = tuple[int, int]
"""The first word, and the one after the last."""


@dataclass(frozen=True)
class MarkedText:
    """A text with its entities. Its words are its tokens but for white space.

    text (str): The text.
    starts, ends (Tuple[int, ...]): The characters of each word, ends exclusive.
    opens (FrozenSet[int]): Words that sentences start with.
    missing (FrozenSet[int]): Words of which nobody knows whether they are in an entity.
    entities (Tuple[MarkedEntity, ...]): Sorted, none twice; they may nest and overlap.
    labels (Optional[FrozenSet[str]]): The types that it is annotated for; None for all.
    """

    text: str
    starts: tuple[int, ...]
    ends: tuple[int, ...]
    opens: frozenset[int]
    missing: frozenset[int]
    entities: tuple[MarkedEntity, ...]
    labels: frozenset[str] | None = None

    @cached_property
    def spelt(self) -> tuple[str, ...]:
        """The words."""
        return tuple(self.text[s:e] for s, e in zip(self.starts, self.ends, strict=True))

    @cached_property
    def words(self) -> tuple[str, ...]:
        """The words, in lower case as far as that goes."""
        return tuple(word.casefold() for word in self.spelt)

    @cached_property
    def places(self) -> dict[str, list[int]]:
        """Where each word is, by how it is written."""
        found: dict[str, list[int]] = {}
        for i, word in enumerate(self.spelt):
            found.setdefault(word, []).append(i)
        return found

    @cached_property
    def _known(self) -> frozenset[MarkedEntity]:
        return frozenset(self.entities)

    def has(self, stretch: Words, label: str) -> bool:
        """Whether just these words are an entity of a type."""
        return MarkedEntity(*stretch, label) in self._known

    @cached_property
    def owners(self) -> dict[int, list[MarkedEntity]]:
        """The entities that each word is in."""
        found: dict[int, list[MarkedEntity]] = {}
        for entity in self.entities:
            for i in range(entity.start, entity.end):
                found.setdefault(i, []).append(entity)
        return found

    def surface(self, start: int, end: int) -> str:
        """What words are in the text, with one blank for white space of any kind."""
        return " ".join(self.text[self.starts[start] : self.ends[end - 1]].split())

    def form(self, entity: MarkedEntity) -> str:
        """An entity's surface form."""
        return self.surface(entity.start, entity.end)

    def is_one_sentence(self, start: int, end: int) -> bool:
        """Whether no sentence starts within these tokens, as far as that is known."""
        return not any(i in self.opens for i in range(start + 1, end))

    def is_free(self, gap: Words, whole: Words) -> bool:
        """Whether an entity may be made of `whole`, as far as `gap`, a part of it, goes.

        Its words must be known, and in no entity but such as have all of `whole` in them.
        """
        start, end = whole
        return all(i in self.owners or i not in self.missing for i in range(*gap)) and all(
            owner.start <= start and end <= owner.end
            for i in range(*gap)
            for owner in self.owners.get(i, ())
        )

    def with_entities(self, entities: Iterable[MarkedEntity]) -> "MarkedText":
        """The same text with other entities."""
        return replace(self, entities=tuple(sorted(set(entities))))


def mark(text: AuditedText) -> MarkedText:
    """All entities of a text that start and end with tokens."""
    its, labels = words_of(text), text.record.annotated_labels
    # by token, how many words are before it
    before = [0, *accumulate(not token.is_space for token in text.doc)]
    entities = {MarkedEntity(before[s], before[e], label) for s, e, label in _entities(text)}
    return MarkedText(
        text=text.doc.text,
        starts=tuple(its.starts),
        ends=tuple(its.ends),
        opens=frozenset(i for i, opens in enumerate(its.opens) if opens),
        missing=frozenset(i for i, is_missing in enumerate(its.is_missing) if is_missing),
        entities=tuple(sorted(one for one in entities if one.start < one.end)),
        labels=None if labels is None else frozenset(labels),
    )


def _entities(text: AuditedText) -> Iterator[tuple[int, int, str]]:
    """Their first and last tokens, ends exclusive."""
    spans = [span for span in text.record.spans or () if span.is_accepted]
    if len(spans) == len(text.flat_entities):
        yield from ((ent.start, ent.end, ent.label_) for ent in text.flat_entities)
        return
    starts = {token.idx: token.i for token in text.doc}
    ends = {token.idx + len(token): token.i + 1 for token in text.doc}
    for span in spans:
        if span.start in starts and span.end in ends:
            yield starts[span.start], ends[span.end], span.label
