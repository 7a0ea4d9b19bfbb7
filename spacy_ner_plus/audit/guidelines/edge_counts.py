"""Words at the edges of entities, counted with what they stand beside."""

from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field

from .edge import LEFT, RIGHT, Edge
from .marked_text import MarkedEntity, MarkedText

# A word is asked about if it is inside and outside with so many different entities...
FEWEST_ENTITIES = 2
# ...or if one entity has it on one place and not on another, and each was done so often.
FEWEST_CASES = 2


@dataclass
class EdgeCounts:
    """How often a word is in entities of a type and beside them.

    inside, outside (Counter[str]): By the rest of the entity.
    is_lower (Set[Tuple[bool, bool]]): Whether it is inside, and in lower case.
    """

    inside: Counter[str] = field(default_factory=Counter)
    outside: Counter[str] = field(default_factory=Counter)
    is_lower: set[tuple[bool, bool]] = field(default_factory=set)

    @property
    def rank(self) -> tuple[int, int]:
        """How much it is a question: the more entities there are of the rarer practice."""
        shared = len(self.inside.keys() & self.outside.keys())
        fewest = min(len(self.inside), len(self.outside))
        return fewest + shared, min(self.inside.total(), self.outside.total())

    @property
    def is_open(self) -> bool:
        """Whether both is done, and not just as a capital says: The Hague, but the Alps."""
        if self.is_lower == {(True, False), (False, True)}:
            return False
        fewest = min(self.inside.total(), self.outside.total())
        is_shared = bool(self.inside.keys() & self.outside.keys())
        return min(len(self.inside), len(self.outside)) >= FEWEST_ENTITIES or (
            is_shared and fewest >= FEWEST_CASES
        )


def open_edges(texts: Iterable[MarkedText], most: int) -> Iterator[Edge]:
    """Words that are part of some entities and stand beside others: `the`, `president`, `'s`.

    most (int): Words a type, the most doubtful first.
    """
    by_label: dict[str, list[tuple[tuple[int, int], str, str]]] = defaultdict(list)
    for (label, side, word), counts in count_edges(texts).items():
        if counts.is_open:
            by_label[label].append((counts.rank, side, word))
    for label, found in sorted(by_label.items()):
        found.sort(key=lambda one: (-one[0][0], -one[0][1], *one[1:]))
        for _, side, word in found[:most]:
            yield Edge(label, side, (word,))


def count_edges(texts: Iterable[MarkedText]) -> dict[tuple[str, str, str], EdgeCounts]:
    """The words at edges by type, side and word."""
    counts: dict[tuple[str, str, str], EdgeCounts] = defaultdict(EdgeCounts)
    for text in texts:
        for entity in text.entities:
            _count(text, entity, counts)
    return counts


def _count(
    text: MarkedText, entity: MarkedEntity, counts: dict[tuple[str, str, str], EdgeCounts]
) -> None:
    start, end, label = entity
    for side, first, rest, beside in (
        (LEFT, start, (start + 1, end), start - 1),
        (RIGHT, end - 1, (start, end - 1), end),
    ):
        if end - start > 1 and not text.has(rest, label):
            its = counts[label, side, text.words[first]]
            its.inside[" ".join(text.words[slice(*rest)])] += 1
            its.is_lower.add((True, text.spelt[first].islower()))
        whole = (min(start, beside), max(end, beside + 1))
        if (
            0 <= beside < len(text.words)
            and text.is_one_sentence(*whole)
            and text.is_free((beside, beside + 1), whole)
            and not text.has(whole, label)
        ):
            its = counts[label, side, text.words[beside]]
            its.outside[" ".join(text.words[start:end])] += 1
            its.is_lower.add((False, text.spelt[beside].islower()))
