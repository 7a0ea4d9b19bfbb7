"""Entities whose boundaries vary: words at their edges that are in here and out there.

A word next to an entity, such as "the" or "acute", could be its first or last word as well. Each
such place is expected to be decided as the others with the same word beside the same rest of an
entity are, and as the word is decided beside any rest of that label: shares left one out, smoothed
by Witten and Bell, as in label_model. The most surprising decisions come first.
"""

from collections import Counter, defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from math import log2

from ..support.numbers import counted
from .audited import AuditedCorpus, AuditedText
from .boundary_pairs import BoundaryPair, find_pairs
from .label_model import smoothed
from .occurrences import Occurrence, occurrence
from .text_words import TextWords, corpus_words

LEFT, RIGHT = "left", "right"
INSIDE, OUTSIDE = 0, 1
MOST_PLACES = 20


@dataclass(frozen=True, slots=True)
class EdgePlace:
    """A word at the edge of an entity.

    text (AuditedText): Where it is.
    start, end (int): The characters of the entity.
    word (str): As it is spelt.
    rest (Tuple[str, ...]): The entity without the word, in lower case.
    is_outside (int): INSIDE: the word is the entity's first or last; OUTSIDE: it stands beside it.
    """

    text: AuditedText
    start: int
    end: int
    word: str
    rest: tuple[str, ...]
    is_outside: int


@dataclass(frozen=True)
class SurprisingEdge:
    """An entity that has or lacks the word, against what is expected.

    place (Occurrence): The entity.
    is_inside (bool): Whether the word is in it.
    surprise (float): In bits.
    """

    place: Occurrence
    is_inside: bool
    surprise: float


@dataclass(frozen=True)
class EdgeWord:
    """A word that is in some entities of a label and just outside of others.

    word (str): It, in lower case.
    label (str): Of the entities.
    side (str): On which side of the entities it is: "left" or "right".
    inside (int): Entities of several words whose first (last) it is.
    outside (int): Entities just after (before) which it stands.
    rests (int): Different remaining words with which it is both inside and outside.
    surprise (float): The sum of the surprises, in bits.
    surprising (int): Entities whose boundary is not the expected one.
    places (List[SurprisingEdge]): The first 20 of them, the most surprising first.
    """

    word: str
    label: str
    side: str
    inside: int
    outside: int
    rests: int
    surprise: float
    surprising: int
    places: list[SurprisingEdge]


@dataclass(frozen=True)
class Boundaries:
    """The section.

    words (List[EdgeWord]): Words with surprising boundaries: first those with a rest that has them
        inside and outside, then by the sum of their surprises.
    pairs (List[BoundaryPair]): Forms that are an entity as a whole here, and in part there. Those
        that are only cut by sentence boundaries come last.
    """

    words: list[EdgeWord]
    pairs: list[BoundaryPair]

    @property
    def warnings(self) -> list[str]:
        """What somebody should act on."""
        decided = [its for its in self.pairs if its.in_part > its.cut]
        said = []
        if decided:
            n_parts = sum(its.in_part - its.cut for its in decided)
            first = ", ".join(f"{its.whole!r} or {its.part!r}" for its in decided[:2])
            said.append(
                f"Where exactly entities start and end varies: in {counted(n_parts, 'place')} only "
                f"a part is an entity of what is one as a whole elsewhere, such as {first} "
                f"({counted(len(decided), 'surface form')}). Decide which it is, and write it into "
                "the guidelines."
            )
        if n_cut := sum(its.cut for its in self.pairs):
            cut = [repr(its.whole) for its in self.pairs if its.cut]
            said.append(
                f"Entities cut in two by a sentence boundary, which seems wrong: {n_cut:,}, such "
                f"as {', '.join(cut[:2])}."
            )
        return said


def find_boundaries(corpus: AuditedCorpus) -> Boundaries:
    """Find words and forms by which boundaries vary."""
    texts = list(corpus_words(corpus))
    groups = defaultdict(list)
    for its in texts:
        for key, place in _edges(its):
            groups[key].append(place)
    words = [
        found
        for (label, side, word), places in groups.items()
        if len({place.is_outside for place in places}) == 2
        and (found := _edge_word(word, label, side, places)) is not None
    ]
    return Boundaries(
        sorted(words, key=lambda its: (not its.rests, -its.surprise, its.word, its.label)),
        find_pairs(texts),
    )


def _edges(its: TextWords) -> Iterator[tuple[tuple[str, str, str], EdgePlace]]:
    """The words on both edges of all entities, within and beside them, by label and side."""
    is_in_entity = [False] * len(its.words)
    for start, end, _ in its.entities:
        is_in_entity[start:end] = [True] * (end - start)
    for start, end, label in its.entities:
        form = tuple(word.lower() for word in its.form(start, end))
        chars = its.starts[start], its.ends[end - 1]
        beside = ((LEFT, its.left(start)), (RIGHT, its.right(end)))
        inside = ((LEFT, start, form[1:]), (RIGHT, end - 1, form[:-1]))
        for side, i, rest in inside:
            if rest:
                word = its.words[i]
                yield (label, side, word.lower()), EdgePlace(its.text, *chars, word, rest, INSIDE)
        for side, at in beside:
            if at is not None and not is_in_entity[at] and not its.is_missing[at]:
                word = its.words[at]
                yield (label, side, word.lower()), EdgePlace(its.text, *chars, word, form, OUTSIDE)


def _edge_word(word: str, label: str, side: str, places: Sequence[EdgePlace]) -> EdgeWord | None:
    of_word = Counter(place.is_outside for place in places)
    by_rest: dict[tuple[str, ...], Counter[int]] = defaultdict(Counter)
    for place in places:
        by_rest[place.rest][place.is_outside] += 1
    found = []
    for place in places:
        prior = smoothed(_without(of_word, place), (0.5, 0.5))
        probability = smoothed(_without(by_rest[place.rest], place), prior)[place.is_outside]
        if probability < 0.5:
            found.append((-log2(probability), place))
    if not found:
        return None
    found.sort(key=lambda item: -item[0])
    return EdgeWord(
        word,
        label,
        side,
        inside=of_word[INSIDE],
        outside=of_word[OUTSIDE],
        rests=sum(len(counts) == 2 for counts in by_rest.values()),
        surprise=round(sum(surprise for surprise, _ in found), 2),
        surprising=len(found),
        places=[
            SurprisingEdge(
                occurrence(place.text, place.start, place.end, label),
                place.is_outside == INSIDE,
                round(surprise, 2),
            )
            for surprise, place in found[:MOST_PLACES]
        ],
    )


def _without(counts: Counter[int], place: EdgePlace) -> list[int]:
    """How often it is inside and outside in other places."""
    return [counts[side] - (place.is_outside == side) for side in (INSIDE, OUTSIDE)]
