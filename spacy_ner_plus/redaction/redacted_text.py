"""A text in which stretches were replaced, and the way back: to its offsets, and to the text."""

from bisect import bisect_right
from collections.abc import Sequence
from dataclasses import dataclass, field

# Why a stretch was replaced: an entity was found there; entities were too improbable to be found,
# but not to be replaced; the words of a replaced one stand there again.
FOUND, LIKELY, REPEATED = KINDS = ("found", "likely", "repeated")


@dataclass(frozen=True, slots=True)
class HiddenStretch:
    """What is not to be seen in a text.

    start, end (int): Characters of the original, the end exclusive.
    label (str): The type of the entity; of those that overlap, of the longest.
    kind (str): One of KINDS.
    probability (Optional[float]): The highest of the entities that it is made of, if known.
    """

    start: int
    end: int
    label: str
    kind: str = FOUND
    probability: float | None = None


@dataclass(frozen=True, slots=True)
class Replacement:
    """A stretch that was replaced.

    hidden (HiddenStretch): Where it was in the original.
    start, end (int): Where it is in the redacted text, the end exclusive.
    without_surrogate (bool): Whether another form was taken, as there was no other name.
    """

    hidden: HiddenStretch
    start: int
    end: int
    without_surrogate: bool = False


@dataclass(frozen=True)
class OffsetMap:
    """Places of an original and of its redacted form, each in terms of the other.

    originals, redacted (Sequence[Tuple[int, int]]): Start and end of the replaced stretches, from
        left to right, on both sides.
    """

    originals: Sequence[tuple[int, int]]
    redacted: Sequence[tuple[int, int]]
    _starts: tuple[list[int], list[int]] = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        starts = [start for start, _ in self.originals], [start for start, _ in self.redacted]
        object.__setattr__(self, "_starts", starts)

    def to_redacted(self, start: int, end: int) -> tuple[int, int]:
        """The place in the redacted text; a stretch of which it has a part is taken whole."""
        return self._moved(start, end, 0)

    def to_original(self, start: int, end: int) -> tuple[int, int]:
        """The place in the original; a stretch of which it has a part is taken whole."""
        return self._moved(start, end, 1)

    def _moved(self, start: int, end: int, side: int) -> tuple[int, int]:
        here, there = (self.originals, self.redacted)[:: 1 - 2 * side]
        starts = self._starts[side]

        def moved(place: int, *, is_end: bool) -> int:
            # an end belongs to what is before it, a start to what is behind it
            i = bisect_right(starts, place - is_end) - 1
            if i < 0:
                return place
            beyond = place - here[i][1]
            is_within = beyond <= 0 if is_end else beyond < 0
            return there[i][is_end] if is_within else there[i][1] + beyond

        if start == end:  # a place between two characters, within a stretch its start
            place = moved(start, is_end=False)
            return place, place
        return moved(start, is_end=False), moved(end, is_end=True)


@dataclass(frozen=True)
class RedactedText:
    """A text without what is not to be seen.

    text (str): The redacted text.
    replacements (Tuple[Replacement, ...]): From left to right.
    originals (Tuple[str, ...]): What stood there before. It is not shown by repr.
    """

    text: str
    replacements: tuple[Replacement, ...]
    originals: tuple[str, ...] = field(repr=False)

    @property
    def offsets(self) -> OffsetMap:
        """Its places in terms of the original, and the other way round."""
        return OffsetMap(
            [(one.hidden.start, one.hidden.end) for one in self.replacements],
            [(one.start, one.end) for one in self.replacements],
        )

    def restored(self) -> str:
        """The original."""
        places = [(one.start, one.end) for one in self.replacements]
        return restored(self.text, places, self.originals)


def restored(text: str, places: Sequence[tuple[int, int]], originals: Sequence[str]) -> str:
    """A text with what stood there before in the place of replacements.

    places (Sequence[Tuple[int, int]]): Start and end of each in the text, from left to right.
    """
    parts, at = [], 0
    for (start, end), original in zip(places, originals, strict=True):
        parts += [text[at:start], original]
        at = end
    return "".join([*parts, text[at:]])
