"""What to show of a document around an entity."""

from bisect import bisect_left, bisect_right
from collections.abc import Iterable
from dataclasses import dataclass
from itertools import accumulate
from typing import Any

from ..records import SpanRecord
from .documents import Document, Entity

# On either side, if no sentence ends before.
CONTEXT_TOKENS = 40


class InText:
    """Entities of one text from left to right.

    Those in a part are found without going through all: documents may be long.
    """

    def __init__(self, entities: Iterable[Entity]) -> None:
        self._entities = sorted(entities, key=lambda e: (e.start_char, e.end_char, e.label))
        self._starts = [entity.start_char for entity in self._entities]
        self._furthest = list(accumulate((entity.end_char for entity in self._entities), max))

    def touching(self, first: int, last: int) -> list[Entity]:
        """Those that share a character with the part from first to last, exclusive."""
        low = bisect_right(self._furthest, first)
        high = bisect_left(self._starts, last)
        return [entity for entity in self._entities[low:high] if entity.end_char > first]


@dataclass(frozen=True)
class Excerpt:
    """Part of a document's text.

    text (str): The part.
    offset (int): Where it starts in the document, in characters.
    """

    text: str
    offset: int

    def within(self, entities: InText) -> list[Entity]:
        """The entities that lie wholly within the part, from left to right."""
        end = self.offset + len(self.text)
        touching = entities.touching(self.offset, end)
        return [e for e in touching if self.offset <= e.start_char and e.end_char <= end]

    def span(self, entity: Entity) -> SpanRecord:
        """An entity with offsets in the part."""
        start, end = entity.start_char - self.offset, entity.end_char - self.offset
        text = self.text[start:end]
        return SpanRecord(start, end, entity.label, text=text, probability=entity.probability)

    def rows(self, entities: Iterable[Entity]) -> list[dict[str, Any]]:
        """Entities as plain data, in their order."""
        return [self.span(entity).to_json() for entity in entities]


def excerpt(document: Document, start: int, end: int, entities: InText) -> Excerpt:
    """The sentences that tokens are in.

    Where sentences are longer or not known, it is some tokens on either side.

    start, end (int): In tokens, end exclusive.
    entities (InText): None of these is cut: the part grows until it holds the whole of
        each that it touches.
    """
    n_tokens = len(document.token_starts)
    sentences = (*(document.sentence_starts or (0,)), n_tokens)
    low = max(sentences[bisect_right(sentences, start) - 1], start - CONTEXT_TOKENS)
    high = min(sentences[bisect_right(sentences, end - 1)], end + CONTEXT_TOKENS)
    first = document.token_starts[low]
    last = document.token_starts[high] if high < n_tokens else len(document.text)
    last = first + len(document.text[first:last].rstrip())
    while True:
        touched = entities.touching(first, last)
        wider = (
            min([first, *(e.start_char for e in touched)]),
            max([last, *(e.end_char for e in touched)]),
        )
        if wider == (first, last):
            return Excerpt(document.text[first:last], first)
        first, last = wider
