"""Partial credit where entities of one side overlap each other, in the schemes of SemEval-2013.

nervaluate goes from left to right there, and a wrong entity may take the gold one of a right one.
Here each entity is paired with one of the other side at most, the best pairs first, so that as many
are right as can be: `strict` has the exact scores.
"""

from collections import Counter
from collections.abc import Callable, Sequence
from itertools import pairwise

from .documents import Entity

Pair = tuple[Entity, Entity]
"""A gold entity and the predicted one that stands for it."""


def overlaps_itself(entities: Sequence[Entity]) -> bool:
    """Whether entities of a side share a token. They are in the order of their start."""
    return any(entity.end > following.start for entity, following in pairwise(entities))


def count_overlapping(
    gold: Sequence[Entity], predicted: Sequence[Entity]
) -> Counter[tuple[str, str]]:
    """Count what each scheme makes of entities.

    Entities are paired by the same span and label, then by the same span, then by the share of
    tokens that they have in common; in the scheme `type` those of the same label come before those
    of the same span.

    RETURNS (Counter): By scheme and outcome: see partial.COUNTS.
    """
    counts: Counter[tuple[str, str]] = Counter()
    pairs = _pairs(gold, predicted, _by_span)
    for g, p in pairs:
        is_same = _has_same_span(g, p)
        counts["exact", "correct" if is_same else "incorrect"] += 1
        counts["partial", "correct" if is_same else "partial"] += 1
        counts["strict", "correct" if is_same and g.label == p.label else "incorrect"] += 1
    by_label = _pairs(gold, predicted, _by_label)
    for g, p in by_label:
        counts["type", "correct" if g.label == p.label else "incorrect"] += 1
    for scheme in ("strict", "exact", "partial", "type"):
        n_pairs = len(by_label if scheme == "type" else pairs)
        counts[scheme, "missed"] = len(gold) - n_pairs
        counts[scheme, "spurious"] = len(predicted) - n_pairs
    return counts


def _pairs(
    gold: Sequence[Entity],
    predicted: Sequence[Entity],
    order: Callable[[Entity, Entity], tuple[object, ...]],
) -> list[Pair]:
    """Entities that share tokens, each in one pair at most, the first by an order first."""
    candidates = [(g, p) for g in gold for p in predicted if g.start < p.end and p.start < g.end]
    taken: set[int] = set()
    pairs: list[Pair] = []
    for g, p in sorted(candidates, key=lambda pair: order(*pair)):
        if taken.isdisjoint((id(g), id(p))):
            taken |= {id(g), id(p)}
            pairs.append((g, p))
    return pairs


def _by_span(g: Entity, p: Entity) -> tuple[object, ...]:
    return not _has_same_span(g, p), -_share(g, p), g.label != p.label, g.span, p.span


def _by_label(g: Entity, p: Entity) -> tuple[object, ...]:
    return g.label != p.label, not _has_same_span(g, p), -_share(g, p), g.span, p.span


def _has_same_span(g: Entity, p: Entity) -> bool:
    return (g.start, g.end) == (p.start, p.end)


def _share(g: Entity, p: Entity) -> float:
    """The tokens that both have, of those that any of them has."""
    return (min(g.end, p.end) - max(g.start, p.start)) / (max(g.end, p.end) - min(g.start, p.start))
