"""Error types: each gold and each predicted entity of a document is accounted for exactly once.

In the manner of TIDE (Bolya et al. 2020, "TIDE: A general toolbox for identifying object detection
errors"): an error is what a gold and the predicted entities that stand for it have to do with each
other, and its weight is what F1 would gain if errors of its kind were mended.

1. The same span and label: *correct*. The same span and another label: *type*.
2. Of what is left, gold and predicted entities that overlap are tied to each other, the largest
   overlap first, so that groups of one with one, one with many or many with one come about. A tie
   is left out if both ends have others already, or if the many would overlap each other.
   One with one is a boundary error (*too_short*, *too_long*, *shifted*), with another label
   *boundary_and_type*; one gold entity with many predicted ones is *split*, many gold ones in one
   predicted are *merged*, whatever their labels.
3. An entity without a tie that lies inside one of the other side, which is accounted for
   otherwise, is *nested_inside*. What remains is *missed* (gold) or *spurious* (predicted).
"""

from bisect import bisect_left
from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import accumulate

from .documents import Document, Entity

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
    "missed": "missed",
    "spurious": "spurious",
}
"""Error types with the names to show."""

Pair = tuple[Entity | None, Entity | None]


@dataclass(frozen=True, slots=True)
class Finding:
    """Something right or wrong.

    kind (str): "correct" or a key of ERRORS.
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
        """Gold entities beside the predicted ones that stand for them: each entity once, with the
        other of largest overlap, or None.
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
    gold, predicted = list(document.gold), list(document.predicted)
    found = [
        Finding(CORRECT, document.index, (g,), (p,))
        for g, p in _take_equal(gold, predicted, with_label=True)
    ]
    found += [
        Finding("type", document.index, (g,), (p,))
        for g, p in _take_equal(gold, predicted, with_label=False)
    ]
    found += [
        Finding(_kind_of_group(golds, others), document.index, golds, others)
        for golds, others in _groups(gold, predicted)
    ]
    found += [
        Finding(kind, document.index, (entity,), ())
        for entity, kind in _alone(gold, document.predicted, "missed")
    ]
    found += [
        Finding(kind, document.index, (), (entity,))
        for entity, kind in _alone(predicted, document.gold, "spurious")
    ]
    return sorted(found, key=lambda finding: finding.start)


def _take_equal(
    gold: list[Entity], predicted: list[Entity], *, with_label: bool
) -> Iterator[tuple[Entity, Entity]]:
    """Take pairs of the same span out of both lists."""
    waiting: dict[tuple[object, ...], list[Entity]] = defaultdict(list)
    for entity in gold:
        waiting[_key(entity, with_label)].append(entity)
    pairs = [
        (waiting[key].pop(0), entity)
        for entity in predicted
        if waiting[key := _key(entity, with_label)]
    ]
    _remove(gold, (g for g, _ in pairs))
    _remove(predicted, (p for _, p in pairs))
    return iter(pairs)


def _key(entity: Entity, with_label: bool) -> tuple[object, ...]:
    return entity.span if with_label else (entity.start, entity.end)


def _remove(entities: list[Entity], gone: Iterable[Entity]) -> None:
    """Remove these very objects: equal ones may stay."""
    ids = {id(entity) for entity in gone}
    entities[:] = [entity for entity in entities if id(entity) not in ids]


def _groups(
    gold: list[Entity], predicted: list[Entity]
) -> Iterator[tuple[tuple[Entity, ...], tuple[Entity, ...]]]:
    """Take groups of overlapping entities out of both lists: one with one, one with many, or many
    with one.
    """
    ties = sorted(
        ((g, p) for p, inside in _overlapping(predicted, gold) for g in inside),
        key=lambda tie: (
            -_overlap(*tie),
            tie[0].label != tie[1].label,
            max(tie[0].start, tie[1].start),  # from left to right
            tie[0].span,
            tie[1].span,
        ),
    )
    others: dict[int, list[Entity]] = defaultdict(list)  # by the id of an entity: those tied to it
    for g, p in ties:
        mine, theirs = others[id(g)], others[id(p)]
        if mine and theirs:
            continue
        # a second tie makes the one with ties a centre: what it is tied to must have no others
        if any(_overlap(p, other) or len(others[id(other)]) > 1 for other in mine):
            continue
        if any(_overlap(g, other) or len(others[id(other)]) > 1 for other in theirs):
            continue
        mine.append(p)
        theirs.append(g)
    groups: list[tuple[tuple[Entity, ...], tuple[Entity, ...]]]
    groups = [((g,), _in_order(others[id(g)])) for g in gold if len(others[id(g)]) > 1]
    groups += [
        (_in_order(others[id(p)]), (p,))
        for p in predicted
        if others[id(p)] and len(others[id(others[id(p)][0])]) == 1
    ]
    _remove(gold, (g for golds, _ in groups for g in golds))
    _remove(predicted, (p for _, found in groups for p in found))
    return iter(groups)


def _in_order(entities: Iterable[Entity]) -> tuple[Entity, ...]:
    return tuple(sorted(entities, key=lambda entity: entity.start))  # they do not overlap


def _overlapping(
    entities: Iterable[Entity], others: Sequence[Entity]
) -> Iterator[tuple[Entity, list[Entity]]]:
    """Each entity with the others that it shares tokens with; others: in order of their start."""
    starts = [other.start for other in others]
    furthest = list(accumulate((other.end for other in others), max))
    for entity in entities:
        i = bisect_left(starts, entity.end)
        found = []
        while i and furthest[i - 1] > entity.start:
            i -= 1
            if others[i].end > entity.start:
                found.append(others[i])
        yield entity, found


def _kind_of_group(gold: tuple[Entity, ...], predicted: tuple[Entity, ...]) -> str:
    if len(predicted) > 1:
        return "split"
    if len(gold) > 1:
        return "merged"
    [g], [p] = gold, predicted
    if g.label != p.label:
        return "boundary_and_type"
    if g.start <= p.start and p.end <= g.end:
        return "too_short"
    if p.start <= g.start and g.end <= p.end:
        return "too_long"
    return "shifted"


def _alone(
    entities: Iterable[Entity], other_side: Sequence[Entity], kind: str
) -> Iterator[tuple[Entity, str]]:
    for entity, others in _overlapping(entities, other_side):
        is_inside = any(o.start <= entity.start and entity.end <= o.end for o in others)
        yield entity, "nested_inside" if is_inside else kind


def _overlap(a: Entity, b: Entity) -> int:
    return max(0, min(a.end, b.end) - max(a.start, b.start))
