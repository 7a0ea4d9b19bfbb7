"""From entities that may nest and overlap to the stretches of a text that are hidden."""

from bisect import bisect_left, bisect_right
from collections.abc import Iterable, Sequence
from dataclasses import replace

from ..annotation.surface_forms import SurfaceForms
from .folded_words import FoldedWord, folded_words, is_name
from .redacted_text import REPEATED, HiddenStretch


def united(stretches: Iterable[HiddenStretch]) -> list[HiddenStretch]:
    """Stretches of which none overlap, from left to right, over the same characters.

    Of those that overlap, label and kind are those of the longest, of equally long ones of the most
    probable one.
    """
    made: list[HiddenStretch] = []
    leading: list[HiddenStretch] = []  # the one whose label each has
    for one in sorted(stretches, key=lambda its: (its.start, -its.end)):
        if not made or one.start >= made[-1].end:
            made.append(one)
            leading.append(one)
            continue
        before = made[-1]
        leading[-1] = max(leading[-1], one, key=_rank)
        made[-1] = HiddenStretch(
            before.start,
            max(before.end, one.end),
            leading[-1].label,
            leading[-1].kind,
            _highest(before.probability, one.probability),
        )
    return made


def with_repeated(
    text: str, entities: Sequence[HiddenStretch], cuts: Iterable[int] = ()
) -> list[HiddenStretch]:
    """Entities, and everything else in the text that has the same words as one of them.

    entities (Sequence[HiddenStretch]): They may nest and overlap. Those within others are looked
        for, too.
    cuts (Iterable[int]): The edges of tokens, where words end as well: see folded_words.
    RETURNS (List[HiddenStretch]): As united. Those that come in are of kind REPEATED, and have the
        label of the first entity that has their words.
    """
    stretches = united(entities)
    if not stretches:
        return []
    # what is left of a word beside an entity within it is a word of the redacted text
    edges = [edge for one in entities for edge in (one.start, one.end)]
    words = folded_words(text, [*cuts, *edges])
    labels = _names(words, entities)
    folded = [word.folded for word in words]
    repeated = []
    for first, last in SurfaceForms(labels).find(folded):
        start, end = words[first].start, words[last - 1].end
        if not _is_hidden(start, end, stretches):
            label = labels[tuple(folded[first:last])]
            repeated.append(HiddenStretch(start, end, label, REPEATED))
    return united([*stretches, *repeated])


def without_margins(text: str, stretch: HiddenStretch) -> HiddenStretch | None:
    """A stretch without white space at its ends, which tells nothing; None if it is all."""
    covered = text[stretch.start : stretch.end]
    start = stretch.start + len(covered) - len(covered.lstrip())
    end = stretch.end - (len(covered) - len(covered.rstrip()))
    return replace(stretch, start=start, end=end) if start < end else None


def _names(
    words: Sequence[FoldedWord], entities: Sequence[HiddenStretch]
) -> dict[tuple[str, ...], str]:
    """The words of each entity that have a letter or digit, and the label of the first."""
    starts = [word.start for word in words]
    found: dict[tuple[str, ...], str] = {}
    for one in sorted(entities, key=lambda its: (its.start, -its.end)):
        first, end = bisect_left(starts, one.start), bisect_left(starts, one.end)
        name = tuple(word.folded for word in words[first:end])
        if is_name(name):
            found.setdefault(name, one.label)
    return found


def _is_hidden(start: int, end: int, stretches: Sequence[HiddenStretch]) -> bool:
    """Whether all of these characters are within one of the stretches, which don't overlap."""
    i = bisect_right(stretches, start, key=lambda one: one.start) - 1
    return i >= 0 and end <= stretches[i].end


def _rank(one: HiddenStretch) -> tuple[int, int, float, int]:
    # repeated ones say nothing of their own
    probability = -1.0 if one.probability is None else one.probability
    return one.kind != REPEATED, one.end - one.start, probability, -one.start


def _highest(one: float | None, other: float | None) -> float | None:
    known = [value for value in (one, other) if value is not None]
    return max(known, default=None)
