"""Surface forms of entities: where the same words stand again, and whether they are an entity."""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import accumulate

Form = tuple[str, ...]
"""The words of an entity, as they are spelt."""

ENTITY = "entity"
UNLABELLED = "unlabelled"
# Places that say nothing about the form: it is part of something longer there.
INSIDE = "inside"
OVERLAPPING = "overlapping"
UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True)
class FormPlace:
    """Where the words of a form stand.

    start, end (int): Its tokens, end exclusive.
    kind (str): ENTITY: they are an entity. UNLABELLED: none of them is in one. INSIDE: they are a
        part of a longer entity, or of a longer form that is unlabelled here. OVERLAPPING: an entity
        has some of them only. UNKNOWN: it is not known whether they are one.
    label (Optional[str]): Of an entity.
    """

    start: int
    end: int
    kind: str
    label: str | None = None


class SurfaceForms:
    """Forms to look for in tokens.

    forms (Iterable[Form]): Any number of them: the time to look depends on the different lengths of
        those that begin with the same word only.
    """

    def __init__(self, forms: Iterable[Form]) -> None:
        self._forms = {tuple(form) for form in forms}
        lengths = defaultdict(set)
        for form in self._forms:
            if not form:
                raise ValueError("A form has at least one word.")
            lengths[form[0]].add(len(form))
        # by the first word, the shortest first
        self._lengths = {word: sorted(its) for word, its in lengths.items()}

    def __len__(self) -> int:
        return len(self._forms)

    def find(self, words: Sequence[str]) -> Iterator[tuple[int, int]]:
        """Where any of the forms stands: start, end (exclusive); they may nest and overlap."""
        for start, word in enumerate(words):
            for length in self._lengths.get(word, ()):
                end = start + length
                if end <= len(words) and tuple(words[start:end]) in self._forms:
                    yield start, end


def find_places(
    words: Sequence[str],
    entities: Iterable[tuple[int, int, str]],
    is_missing: Sequence[bool],
    forms: SurfaceForms,
) -> list[FormPlace]:
    """All places of forms in a text, from left to right.

    entities (Iterable[Tuple[int, int, str]]): Start, end (exclusive) and label of each; they may
        nest and overlap. One with several labels gives as many places.
    is_missing (Sequence[bool]): Of each token, whether nothing is known about it.
    """
    labels = defaultdict(list)
    reach = [0] * len(words)  # how far entities that start at a token go
    is_covered = [False] * len(words)
    for start, end, label in entities:
        labels[start, end].append(label)
        reach[start] = max(reach[start], end)
        is_covered[start:end] = [True] * (end - start)
    reach = list(accumulate(reach, max))
    n_covered = [0, *accumulate(is_covered)]
    n_missing = [0, *accumulate(map(bool, is_missing))]
    found: list[FormPlace] = []
    for start, end in forms.find(words):
        if its := labels.get((start, end)):
            found += [FormPlace(start, end, ENTITY, label) for label in its]
        elif reach[start] >= end:
            found.append(FormPlace(start, end, INSIDE))
        elif n_covered[end] > n_covered[start]:
            found.append(FormPlace(start, end, OVERLAPPING))
        elif n_missing[end] > n_missing[start]:
            found.append(FormPlace(start, end, UNKNOWN))
        else:
            found.append(FormPlace(start, end, UNLABELLED))
    return _without_nested(found)


def _without_nested(places: Iterable[FormPlace]) -> list[FormPlace]:
    """Unlabelled places within longer unlabelled ones are INSIDE."""
    made, furthest = [], 0
    for place in sorted(places, key=lambda its: (its.start, -its.end)):
        if place.kind == UNLABELLED:
            if place.end <= furthest:
                place = FormPlace(place.start, place.end, INSIDE)
            furthest = max(furthest, place.end)
        made.append(place)
    return made
