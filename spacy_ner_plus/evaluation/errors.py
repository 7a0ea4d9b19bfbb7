"""Error types: each gold and each predicted entity of a document is accounted for exactly once.

In the manner of TIDE (Bolya et al. 2020, "TIDE: A general toolbox for identifying object detection
errors"): an error is what a gold and the predicted entities that stand for it have to do with each
other, and its weight is what F1 would gain if errors of its kind were mended.

1. The same span and label: *correct*. The same span and another label: *type*.
2. Of what is left, gold and predicted entities that overlap are tied to each other, the largest
   overlap first, so that groups of one with one, one with many or many with one come about. A tie
   is left out if both ends have others already, or if the many would overlap each other. Where
   entities of one side overlap, the share of tokens in common (of those that any of the two has)
   stands for the overlap: by the number of tokens, all would be tied to the outermost.
   One with one is a boundary error (*too_short*, *too_long*, *shifted*), with another label
   *boundary_and_type*; one gold entity with many predicted ones is *split*, many gold ones in one
   predicted are *merged*, whatever their labels.
3. An entity without a tie that shares tokens with others of its own side has a kind of its own:
   see NESTED_ERRORS. Another one that lies inside one of the other side, which is accounted for
   otherwise, is *nested_inside*. What remains is *missed* (gold) or *spurious* (predicted).
"""

from bisect import bisect_left
from collections import defaultdict, deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import accumulate

from .documents import Document, Entity
from .nested_errors import MISSED, NESTED_ERRORS, SPURIOUS, in_nesting, nested_places

CORRECT = "correct"
# In the order in which they are shown.
ERRORS = {
    "too_short": "boundary: too short",
    "too_long": "boundary: too long",
    "shifted": "boundary: shifted",
    "type": "type",
    "boundary_and_type": "boundary and type",
    "split": "split",
    "merged": "merged",
    "nested_inside": "nested inside",
    MISSED: "missed",
    SPURIOUS: "spurious",
}
"""Error types with the names to show."""
NAMES = ERRORS | NESTED_ERRORS
"""The same with those of entities that share tokens with others of their own side."""

Pair = tuple[Entity | None, Entity | None]
Group = tuple[list[int], list[int]]
"""Gold and predicted entities that stand for each other, by their places among those of a side."""


def shown_errors(kinds: Iterable[str]) -> dict[str, str]:
    """The error types to show, with their names: those of nested entities if any is there.

    kinds (Iterable[str]): What is there.
    """
    return ERRORS if NESTED_ERRORS.keys().isdisjoint(kinds) else NAMES


@dataclass(frozen=True, slots=True)
class Finding:
    """Something right or wrong.

    kind (str): "correct" or a key of NAMES.
    document (int): Index of the document.
    gold, predicted (Tuple[Entity, ...]): What it is about, from left to right; either may be empty.
    """

    kind: str
    document: int
    gold: tuple[Entity, ...]
    predicted: tuple[Entity, ...]

    @property
    def start(self) -> int:
        """The first token of what it is about."""
        return min(entity.start for entity in (*self.gold, *self.predicted))

    @property
    def pairs(self) -> list[Pair]:
        """Gold entities beside the predicted ones that stand for them.

        Each entity is there once, with the other of largest overlap, or None.
        """
        if not self.gold or not self.predicted:
            return [*((g, None) for g in self.gold), *((None, p) for p in self.predicted)]
        best = max(
            ((g, p) for g in self.gold for p in self.predicted),
            key=lambda pair: _overlap(*pair),
        )
        others: list[Pair] = [(g, None) for g in self.gold if g is not best[0]]
        others += [(None, p) for p in self.predicted if p is not best[1]]
        return [best, *others]


def find_errors(document: Document) -> list[Finding]:
    """What is right and what is wrong in a document, from left to right.

    Gold entities and predicted ones that can be judged are each in exactly one finding.
    """
    gold, predicted = document.gold, document.predicted
    found: list[tuple[str, tuple[Entity, ...], tuple[Entity, ...]]] = []
    for grouping in (_same_span_and_label, _same_span, _overlapping_groups):
        groups = grouping(gold, predicted)
        for golds, others in groups:
            sides = tuple(gold[i] for i in golds), tuple(predicted[i] for i in others)
            found.append((_kind_of_group(*sides), *sides))
        gold = _without(gold, (i for golds, _ in groups for i in golds))
        predicted = _without(predicted, (i for _, others in groups for i in others))
    found += [
        (kind, (e,), ()) for e, kind in _alone(gold, document.gold, document.predicted, MISSED)
    ]
    found += [
        (kind, (), (e,))
        for e, kind in _alone(predicted, document.predicted, document.gold, SPURIOUS)
    ]
    findings = [Finding(kind, document.index, *sides) for kind, *sides in found]
    return sorted(findings, key=lambda finding: finding.start)


def _same_span_and_label(gold: Sequence[Entity], predicted: Sequence[Entity]) -> list[Group]:
    return _equal(gold, predicted, lambda entity: entity.span)


def _same_span(gold: Sequence[Entity], predicted: Sequence[Entity]) -> list[Group]:
    return _equal(gold, predicted, lambda entity: (entity.start, entity.end))


def _equal(
    gold: Sequence[Entity],
    predicted: Sequence[Entity],
    key: Callable[[Entity], tuple[object, ...]],
) -> list[Group]:
    """Pairs of the same key, each entity in one at most, from left to right."""
    waiting: dict[tuple[object, ...], deque[int]] = defaultdict(deque)
    for i, entity in enumerate(gold):
        waiting[key(entity)].append(i)
    return [
        ([waiting[key(entity)].popleft()], [j])
        for j, entity in enumerate(predicted)
        if waiting[key(entity)]
    ]


class _Ties:
    """Which entities of the two sides are tied to each other, by their places."""

    def __init__(self, gold: Sequence[Entity], predicted: Sequence[Entity]) -> None:
        self.gold, self.predicted = gold, predicted
        self.of_gold: list[list[int]] = [[] for _ in gold]
        self.of_predicted: list[list[int]] = [[] for _ in predicted]

    def add(self, g: int, p: int) -> None:
        self.of_gold[g].append(p)
        self.of_predicted[p].append(g)

    def may_tie(self, g: int, p: int) -> bool:
        """Whether rule 2 lets two entities be tied.

        It does not if both have others already, nor if one came to have many, of which two overlap
        or one has many itself.
        """
        if self.of_gold[g] and self.of_predicted[p]:
            return False
        others_of_g = ((self.predicted[i], self.of_predicted[i]) for i in self.of_gold[g])
        others_of_p = ((self.gold[i], self.of_gold[i]) for i in self.of_predicted[p])
        return self._may_join(self.predicted[p], others_of_g) and self._may_join(
            self.gold[g], others_of_p
        )

    @staticmethod
    def _may_join(new: Entity, many: Iterable[tuple[Entity, list[int]]]) -> bool:
        """Whether an entity may be one more of the many that another is tied to.

        many: Each with its ties.
        """
        return all(len(ties) == 1 and not _overlap(new, entity) for entity, ties in many)


def _overlapping_groups(gold: Sequence[Entity], predicted: Sequence[Entity]) -> list[Group]:
    """Entities that overlap, the largest overlap first.

    A group is one with one, one with many, or many with one.
    """
    ties = _Ties(gold, predicted)
    for g, p in _by_overlap(gold, predicted):
        if ties.may_tie(g, p):
            ties.add(g, p)
    # none of the many overlaps another, so their starts put them in order
    groups = [
        ([g], sorted(others, key=lambda p: predicted[p].start))
        for g, others in enumerate(ties.of_gold)
        if len(others) > 1
    ]
    groups += [
        (sorted(others, key=lambda g: gold[g].start), [p])
        for p, others in enumerate(ties.of_predicted)
        if others and len(ties.of_gold[others[0]]) == 1
    ]
    return groups


def _by_overlap(gold: Sequence[Entity], predicted: Sequence[Entity]) -> list[tuple[int, int]]:
    """Pairs that share tokens: most first, then those of one label, then from left to right."""
    nests = in_nesting(gold, predicted)

    def order(pair: tuple[int, int]) -> tuple[object, ...]:
        g, p = gold[pair[0]], predicted[pair[1]]
        overlap: float = _overlap(g, p)
        if nests[pair[1]]:
            overlap /= max(g.end, p.end) - min(g.start, p.start)
        return -overlap, g.label != p.label, max(g.start, p.start), g.span, p.span

    pairs = ((g, p) for p, others in enumerate(_overlapping(predicted, gold)) for g in others)
    return sorted(pairs, key=order)


def _overlapping(entities: Iterable[Entity], others: Sequence[Entity]) -> Iterator[list[int]]:
    """For each entity, the places of the others that it shares tokens with.

    others (Sequence[Entity]): In the order of their start.
    """
    starts = [other.start for other in others]
    furthest = list(accumulate((other.end for other in others), max))
    for entity in entities:
        i = bisect_left(starts, entity.end)
        found = []
        while i and furthest[i - 1] > entity.start:
            i -= 1
            if others[i].end > entity.start:
                found.append(i)
        yield found


def _kind_of_group(gold: tuple[Entity, ...], predicted: tuple[Entity, ...]) -> str:
    if len(predicted) > 1:
        return "split"
    if len(gold) > 1:
        return "merged"
    [g], [p] = gold, predicted
    if (g.start, g.end) == (p.start, p.end):
        return CORRECT if g.label == p.label else "type"
    if g.label != p.label:
        return "boundary_and_type"
    if g.start <= p.start and p.end <= g.end:
        return "too_short"
    if p.start <= g.start and g.end <= p.end:
        return "too_long"
    return "shifted"


def _alone(
    entities: Sequence[Entity], own_side: Sequence[Entity], other_side: Sequence[Entity], kind: str
) -> Iterator[tuple[Entity, str]]:
    """Entities that nothing stands for, with their kind by rule 3.

    kind (str): MISSED or SPURIOUS.
    """
    place_of = dict(zip(map(id, own_side), nested_places(own_side), strict=True))
    for entity, places in zip(entities, _overlapping(entities, other_side), strict=True):
        others = (other_side[i] for i in places)
        if place := place_of[id(entity)]:
            yield entity, f"{place}_{kind}"
        elif any(o.start <= entity.start and entity.end <= o.end for o in others):
            yield entity, "nested_inside"
        else:
            yield entity, kind


def _without(entities: Sequence[Entity], gone: Iterable[int]) -> tuple[Entity, ...]:
    """The entities but for those in some places."""
    places = set(gone)
    return tuple(entity for i, entity in enumerate(entities) if i not in places)


def _overlap(a: Entity, b: Entity) -> int:
    return max(0, min(a.end, b.end) - max(a.start, b.start))
