"""Whether words at the edge of an entity are part of it: determiners, titles, punctuation."""

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from typing import ClassVar

from .case import DEPENDS, UNDECIDED, Case, either, sequences
from .marked_text import MarkedEntity, MarkedText

INSIDE, OUTSIDE = "inside", "outside"
LEFT, RIGHT = "left", "right"


@dataclass(frozen=True)
class Edge:
    """Whether entities of a type have these words in them, where they stand at one edge.

    label (str): The type.
    side (str): "left" or "right".
    words (Tuple[str, ...]): Each a word, or several parted by blanks, in lower or upper case.
    """

    kind: ClassVar[str] = "edge"
    rules: ClassVar[tuple[str, ...]] = (INSIDE, OUTSIDE)
    takes_label: ClassVar[bool] = False

    label: str
    side: str
    words: tuple[str, ...]

    @cached_property
    def _sequences(self) -> tuple[tuple[str, ...], ...]:
        return sequences(self.words)

    @property
    def labels(self) -> tuple[str, ...]:
        """See Question."""
        return (self.label,)

    def topics(self) -> Iterator[tuple[str, ...]]:
        """See Question."""
        return ((self.kind, self.label, self.side, " ".join(one)) for one in self._sequences)

    def said(self, rule: str) -> str:
        """See Question."""
        place = f"{either(self.words)} {'before' if self.side == LEFT else 'after'} it"
        return {
            UNDECIDED: f"Does {self.label} include {place}?",
            INSIDE: f"{self.label} includes {place}",
            OUTSIDE: f"{self.label} does not include {place}",
            DEPENDS: f"{self.label} may include {place}",
        }[rule]

    def cases(self, text: MarkedText) -> Iterator[Case]:
        """See Question. Words are at one edge of an entity, on either side of it.

        Where both are entities of the type, with the words and without, they nest: that is no case.
        """
        for entity in text.entities:
            if entity.label != self.label:
                continue
            case = self._inside(text, entity) or self._outside(text, entity)
            if case is not None:
                yield case

    def _inside(self, text: MarkedText, entity: MarkedEntity) -> Case | None:
        start, end, _ = entity
        for words in self._sequences:
            n = len(words)
            rest = (start + n, end) if self.side == LEFT else (start, end - n)
            at = start if self.side == LEFT else end - n
            if rest[0] >= rest[1] or text.words[at : at + n] != words:
                continue
            if not text.has(rest, self.label):
                return Case(INSIDE, (entity,), (start, end), (rest,))
        return None

    def _outside(self, text: MarkedText, entity: MarkedEntity) -> Case | None:
        start, end, _ = entity
        for words in self._sequences:
            n = len(words)
            at = start - n if self.side == LEFT else end
            if at < 0 or text.words[at : at + n] != words:
                continue
            whole = (min(at, start), max(at + n, end))
            is_one = text.is_one_sentence(*whole) and text.is_free((at, at + n), whole)
            if is_one and not text.has(whole, self.label):
                return Case(OUTSIDE, (entity,), whole, ((start, end),))
        return None

    def agrees(self, case: Case, rule: str) -> bool:
        """See Question."""
        return case.practice == rule

    def mended(self, case: Case, rule: str) -> tuple[MarkedEntity, ...]:
        """See Question."""
        stretches = (case.whole,) if rule == INSIDE else case.parts
        return tuple(MarkedEntity(*stretch, self.label) for stretch in stretches)
