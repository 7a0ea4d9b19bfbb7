"""Error types of entities that share tokens with others of their own side.

An entity that nothing on the other side stands for says more where entities nest: whether inner
ones are what a pipeline misses, or those around them, or one of several types of a span.
"""

from collections.abc import Sequence

from ..nesting.span_relations import Relations, relate
from .documents import Entity

MISSED, SPURIOUS = "missed", "spurious"
# In the order in which they are shown.
NESTED_ERRORS = {
    f"{place}_{side}": f"{name} {side}"
    for side in (MISSED, SPURIOUS)
    for place, name in (("inner", "inner"), ("outer", "outer"), ("label", "further type"))
}
"""Error types with the names to show. A *further type* is that of a span which has another one, an
*inner* entity lies inside another one of its side, an *outer* one has others inside and none around
it."""

LABEL, INNER, OUTER = "label", "inner", "outer"


def nested_places(entities: Sequence[Entity]) -> list[str | None]:
    """How each entity of a side lies to the others: the first of LABEL, INNER, OUTER that is true.

    entities (Sequence[Entity]): In any order.
    RETURNS: None for one that shares no token with others, or that they only cross.
    """
    return [_nested_place(its) for its in relate([entity.span for entity in entities])]


def _nested_place(its: Relations) -> str | None:
    if its.shares_place:
        return LABEL
    if its.is_inner:
        return INNER
    return OUTER if its.has_inner else None


def in_nesting(gold: Sequence[Entity], predicted: Sequence[Entity]) -> list[bool]:
    """Of each predicted entity, whether entities of one side share tokens around it.

    That is in the stretch of tokens where each entity shares some with the next, of either side.

    gold, predicted (Sequence[Entity]): In the order of their start.
    """
    found = [False] * len(predicted)
    both = [(entity, 0, i) for i, entity in enumerate(gold)]
    both += [(entity, 1, i) for i, entity in enumerate(predicted)]
    stretch: list[int] = []  # predicted entities in it
    reach = [0, 0]  # where each side's entities in it end
    nests = False
    for entity, side, i in sorted(both, key=lambda its: its[0].start):
        if entity.start >= max(reach):
            _note(found, stretch, nests)
            stretch, nests = [], False
        nests |= entity.start < reach[side]
        reach[side] = max(reach[side], entity.end)
        if side == 1:
            stretch.append(i)
    _note(found, stretch, nests)
    return found


def _note(found: list[bool], places: Sequence[int], value: bool) -> None:
    for i in places:
        found[i] = value
