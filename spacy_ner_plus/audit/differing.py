"""Where two copies of a text, exact or nearly so, are annotated differently."""

import re
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass

from .audited_unit import AuditedUnit, Entity
from .occurrences import Occurrence, occurrence

Stretch = tuple[int, int, str | None]
"""As Entity, of what may be none."""
Pair = tuple[AuditedUnit, Stretch, AuditedUnit, Stretch]


@dataclass(frozen=True)
class Differing:
    """The same words in two copies of a text, with other annotation.

    one, other (Occurrence): In either copy; without a label where they are no entity.
    """

    one: Occurrence
    other: Occurrence


def signature(unit: AuditedUnit) -> tuple[Entity, ...]:
    """Its entities by characters without case and white space: those of copies annotated alike."""
    text = unit.within.record.text
    return tuple(
        (_solid(text[unit.start : start]), _solid(text[unit.start : end]), label)
        for start, end, label in unit.entities
    )


def _solid(text: str) -> int:
    return len("".join(text.casefold().split()))


def differing_exact(one: AuditedUnit, other: AuditedUnit) -> list[Differing]:
    """Where copies that are the same but for case and white space differ, from left to right."""
    ours = dict(zip(signature(one), one.entities, strict=True))
    theirs = dict(zip(signature(other), other.entities, strict=True))
    only_ours = {key: its for key, its in ours.items() if key not in theirs}
    only_theirs = {key: its for key, its in theirs.items() if key not in ours}
    found: list[Pair] = []
    for key, entity in only_ours.items():
        beside = next((its for its in only_theirs if its[0] < key[1] and key[0] < its[1]), None)
        if beside is None:
            found.append((one, entity, other, _stretch(other, key)))
        else:
            found.append((one, entity, other, only_theirs.pop(beside)))
    found += [(one, _stretch(one, key), other, its) for key, its in only_theirs.items()]
    return sorted(_as_differing(found), key=lambda differing: differing.one.start)


def _stretch(unit: AuditedUnit, key: Entity) -> Stretch:
    """The characters of a unit that a signature's are, without a label."""
    # a character may be several without case
    solid = [i for i, c in enumerate(unit.text) if not c.isspace() for _ in c.casefold()]
    return unit.start + solid[key[0]], unit.start + solid[key[1] - 1] + 1, None


def differing_near(one: AuditedUnit, other: AuditedUnit) -> list[Differing]:
    """Where copies that are nearly the same differ, as to words that both have."""
    found: list[Pair] = list(_missing(one, other))
    seen = {(theirs[0], theirs[1]) for _, _, _, theirs in found}
    for ours, entity, theirs, stretch in _missing(other, one):
        if (entity[0], entity[1]) not in seen:
            found.append((theirs, stretch, ours, entity))
    return sorted(_as_differing(found), key=lambda differing: differing.one.start)


def _missing(
    one: AuditedUnit, other: AuditedUnit
) -> Iterator[tuple[AuditedUnit, Entity, AuditedUnit, Stretch]]:
    """Entities of one whose words the other has, but not as such an entity: with what it has."""
    theirs: defaultdict[str, list[Entity]] = defaultdict(list)
    for entity in other.entities:
        theirs[_words(other, entity)].append(entity)
    looked_at = set()
    for entity in one.entities:
        words, label = _words(one, entity), entity[2]
        if (words, label) in looked_at:
            continue
        looked_at.add((words, label))
        if words in theirs:
            if all(its[2] != label for its in theirs[words]):
                yield one, entity, other, theirs[words][0]
        elif place := _find(words, other):
            beside = (its for its in other.entities if its[0] < place[1] and place[0] < its[1])
            yield one, entity, other, next(beside, (*place, None))


def _words(unit: AuditedUnit, entity: Entity) -> str:
    return " ".join(unit.within.record.text[entity[0] : entity[1]].split())


def _find(words: str, unit: AuditedUnit) -> tuple[int, int] | None:
    """Where a unit has these words, with any white space between."""
    pattern = r"\s+".join(map(re.escape, words.split()))
    found = re.search(rf"(?<!\w){pattern}(?!\w)", unit.text)
    return (unit.start + found.start(), unit.start + found.end()) if found else None


def _as_differing(pairs: list[Pair]) -> Iterator[Differing]:
    """Those of which both sides are known."""
    for one, ours, other, theirs in pairs:
        labels = [label for label in (ours[2], theirs[2]) if label is not None]
        if all(one.is_known(*ours[:2], label) for label in labels) and all(
            other.is_known(*theirs[:2], label) for label in labels
        ):
            yield Differing(occurrence(one.within, *ours), occurrence(other.within, *theirs))
