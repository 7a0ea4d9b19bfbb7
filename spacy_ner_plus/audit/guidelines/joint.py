"""Whether what words join is one entity or two: `and`, commas, brackets."""

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from typing import ClassVar

from .case import DEPENDS, UNDECIDED, Case, either, sequences
from .marked_text import MarkedEntity, MarkedText, Words

ONE, TWO = "one", "two"


@dataclass(frozen=True)
class Joined:
    """Whether entities of a type are one if these words stand between them.

    label (str): The type.
    words (Tuple[str, ...]): Each a word, or several parted by blanks, in lower or upper case.
    """

    kind: ClassVar[str] = "joined"
    rules: ClassVar[tuple[str, ...]] = (ONE, TWO)
    takes_label: ClassVar[bool] = False

    label: str
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
        return ((self.kind, self.label, " ".join(one)) for one in self._sequences)

    def said(self, rule: str) -> str:
        """See Question."""
        place = f"{self.label} with {either(self.words)} between"
        return {
            UNDECIDED: f"Is {place} one entity or two?",
            ONE: f"{place} is one entity",
            TWO: f"{place} is two entities",
            DEPENDS: f"{place} may be one entity or two",
        }[rule]

    def cases(self, text: MarkedText) -> Iterator[Case]:
        """See Question. Of one entity all words within it part it.

        Where both the whole and all parts are entities of the type, they nest: that is no case.
        """
        starting: dict[int, list[MarkedEntity]] = {}
        ours = [entity for entity in text.entities if entity.label == self.label]
        for entity in ours:
            starting.setdefault(entity.start, []).append(entity)
        for entity in ours:
            parts = self._parts(text, entity)
            if len(parts) > 1 and not all(text.has(part, self.label) for part in parts):
                yield Case(ONE, (entity,), (entity.start, entity.end), parts)
            for words in self._sequences:
                for other in starting.get(entity.end + len(words), ()):
                    if self._is_joined(text, entity, other, words):
                        both = ((entity.start, entity.end), (other.start, other.end))
                        yield Case(TWO, (entity, other), (entity.start, other.end), both)

    def _parts(self, text: MarkedText, entity: MarkedEntity) -> tuple[Words, ...]:
        """What an entity is without the words strictly within it."""
        parts: list[Words] = []
        start, i = entity.start, entity.start + 1
        while i < entity.end:
            n = next((len(w) for w in self._sequences if text.words[i : i + len(w)] == w), 0)
            if n and i + n < entity.end:
                if i > start:
                    parts.append((start, i))
                start = i = i + n
            else:
                i += 1
        return (*parts, (start, entity.end))

    def _is_joined(
        self, text: MarkedText, left: MarkedEntity, right: MarkedEntity, words: tuple[str, ...]
    ) -> bool:
        gap, whole = (left.end, right.start), (left.start, right.end)
        return (
            text.words[gap[0] : gap[1]] == words
            and text.is_one_sentence(*whole)
            and text.is_free(gap, whole)
            and not text.has(whole, self.label)
        )

    def agrees(self, case: Case, rule: str) -> bool:
        """See Question."""
        return case.practice == rule

    def mended(self, case: Case, rule: str) -> tuple[MarkedEntity, ...]:
        """See Question."""
        stretches = (case.whole,) if rule == ONE else case.parts
        return tuple(MarkedEntity(*stretch, self.label) for stretch in stretches)
