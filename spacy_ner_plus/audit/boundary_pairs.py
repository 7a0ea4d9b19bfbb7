"""Forms that are an entity as a whole in some places, and of which only a part is one in others."""

from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from math import log2

from ..annotation.surface_forms import ENTITY, OVERLAPPING, Form, SurfaceForms, find_places
from .occurrences import Occurrence, occurrence
from .text_words import TextWords

Entity = tuple[int, int, str]


@dataclass(frozen=True)
class BoundaryPair:
    """A form and a part of it.

    whole, part (str): The forms. They differ by words at an edge, or at both.
    label (str): That of the whole, mostly.
    as_whole (int): Places where the whole is an entity.
    in_part (int): Places where the same words stand, and the part is one.
    cut (int): Those of them where a sentence starts within the whole: no decision of an annotator,
        but mostly a sentence boundary in the wrong place.
    surprise (float): In bits: the entropy of the two counts times their sum.
    whole_example, part_example (Occurrence): The first place of each; the second is the part.
    """

    whole: str
    part: str
    label: str
    as_whole: int
    in_part: int
    cut: int
    surprise: float
    whole_example: Occurrence
    part_example: Occurrence


def find_pairs(texts: Sequence[TextWords]) -> list[BoundaryPair]:
    """All pairs, those with the largest sum of surprises first, those that are only cut last."""
    forms = SurfaceForms(
        its.form(start, end) for its in texts for start, end, _ in its.entities if end - start > 1
    )
    wholes: dict[Form, list[tuple[TextWords, Entity]]] = defaultdict(list)
    parts: dict[tuple[Form, Form], list[tuple[TextWords, Entity]]] = defaultdict(list)
    n_cut = Counter[tuple[Form, Form]]()
    for its in texts:
        for place in find_places(its.words, its.entities, its.is_missing, forms):
            form = its.form(place.start, place.end)
            if place.kind == ENTITY and place.label is not None:
                wholes[form].append((its, (place.start, place.end, place.label)))
            elif place.kind == OVERLAPPING:
                for start, end, label in _within(its, place.start, place.end):
                    key = form, its.form(start, end)
                    parts[key].append((its, (start, end, label)))
                    n_cut[key] += any(its.opens[place.start + 1 : place.end])
    pairs = (_pair(wholes[key[0]], places, n_cut[key]) for key, places in parts.items())
    return sorted(
        pairs, key=lambda its: (its.cut == its.in_part, -its.surprise, its.whole, its.part)
    )


def _within(its: TextWords, start: int, end: int) -> Iterator[Entity]:
    """The longest entity in a stretch, if there is one."""
    inside = [one for one in its.entities if start <= one[0] and one[1] <= end]
    if inside:
        yield max(inside, key=lambda one: one[1] - one[0])


def _pair(
    wholes: Sequence[tuple[TextWords, Entity]],
    parts: Sequence[tuple[TextWords, Entity]],
    n_cut: int,
) -> BoundaryPair:
    labels = Counter(label for _, (_, _, label) in wholes)
    whole, part = _example(*wholes[0]), _example(*parts[0])
    return BoundaryPair(
        whole.text,
        part.text,
        labels.most_common(1)[0][0],
        as_whole=len(wholes),
        in_part=len(parts),
        cut=n_cut,
        surprise=round(_bits([len(wholes), len(parts)]), 2),
        whole_example=whole,
        part_example=part,
    )


def _example(its: TextWords, entity: Entity) -> Occurrence:
    start, end, label = entity
    return occurrence(its.text, its.starts[start], its.ends[end - 1], label)


def _bits(counts: Iterable[int]) -> float:
    """What it takes to say of each which it is."""
    numbers = [n for n in counts if n]
    total = sum(numbers)
    return sum(n * log2(total / n) for n in numbers)
