"""How the spans of a text lie to each other: inside, around, across, on the same place.

A span lies *inside* another one that has all of its tokens and more. Its *depth* is how many spans
are around it, one inside the other: the length of the longest such chain, 0 for an outermost one.
Where none cross, the spans around one are a chain, so this is their number. Two spans *cross* where
each has tokens that the other has not, and some are in both. Spans with the same tokens and several
labels share a *place*, and so their depth.

All is counted in time of n log n, however many pairs overlap.
"""

from bisect import bisect_left, bisect_right
from collections import defaultdict
from collections.abc import Collection, Iterable, Sequence
from typing import NamedTuple

PlacedSpan = tuple[int, int, str]
"""Start, end (exclusive) and label, never empty; in tokens, or in characters."""
Place = tuple[int, int]
"""Start and end (exclusive)."""


class Relations(NamedTuple):
    """How a span lies to the others of its text.

    depth (int): How many are around it, one inside the other; 0 for an outermost one.
    depth_in_label (int): The same among the spans of its own label.
    has_inner (bool): Another one lies inside it.
    crosses (bool): It crosses another one.
    shares_place (bool): Another label is on just its place.
    """

    depth: int = 0
    depth_in_label: int = 0
    has_inner: bool = False
    crosses: bool = False
    shares_place: bool = False

    @property
    def is_inner(self) -> bool:
        """Whether it lies inside another one."""
        return self.depth > 0


_ALONE = Relations()


def relate(spans: Sequence[PlacedSpan]) -> list[Relations]:
    """How each of the spans of a text lies to the others.

    spans (Sequence[PlacedSpan]): In any order. One that is there twice is no other one.
    RETURNS: One a span, in the same order.
    """
    if not _any_overlap(spans):
        return [_ALONE] * len(spans)
    labels_of: defaultdict[Place, set[str]] = defaultdict(set)
    places_of: defaultdict[str, set[Place]] = defaultdict(set)
    for start, end, label in spans:
        labels_of[start, end].add(label)
        places_of[label].add((start, end))
    depth_of, holding, crossing = depths(labels_of), _holding(labels_of), _crossing(labels_of)
    in_label = {label: depths(places) for label, places in places_of.items()}
    return [
        Relations(
            depth=depth_of[place],
            depth_in_label=in_label[label][place],
            has_inner=place in holding,
            crosses=place in crossing,
            shares_place=len(labels_of[place]) > 1,
        )
        for place, label in ((span[:2], span[2]) for span in spans)
    ]


def depths(places: Iterable[Place]) -> dict[Place, int]:
    """The depth of each place among some; one that is there twice is one."""
    ordered = sorted(set(places), key=_outer_first)
    return dict(zip(ordered, chain_lengths(end for _, end in ordered), strict=True))


def chain_lengths(ends: Iterable[int]) -> list[int]:
    """How many ends are before each one, at most, in a chain down to it that never grows.

    Of spans by their start, and of one start the longest first, those around another one come
    before it and end no earlier. So this is the number of those around each, one inside the other.
    It is the longest non-increasing subsequence (Fredman 1975, "On computing the length of longest
    increasing subsequences").
    """
    furthest: list[int] = []  # by length, minus the furthest end so far of a chain of it; ascending
    lengths = []
    for end in ends:
        length = bisect_left(furthest, -end + 1)
        furthest[length : length + 1] = [-end]
        lengths.append(length)
    return lengths


def _outer_first(place: Place) -> tuple[int, int]:
    return place[0], -place[1]


def _any_overlap(spans: Iterable[PlacedSpan]) -> bool:
    """Whether any share a token, or are there twice."""
    reach = None
    for start, end, _ in sorted(spans):
        if reach is not None and start < reach:
            return True
        reach = end
    return False


def _holding(places: Iterable[Place]) -> set[Place]:
    """Those that another one lies inside: seen from the end of the text, these come later."""
    ordered = sorted(places, key=_outer_first, reverse=True)
    lengths = chain_lengths(-end for _, end in ordered)
    return {place for place, length in zip(ordered, lengths, strict=True) if length}


def _crossing(places: Collection[Place]) -> set[Place]:
    """Those that cross another one, at their end or, seen in a mirror, at their start."""
    mirrored = _crossed_at_end((-end, -start) for start, end in places)
    return _crossed_at_end(places) | {(-end, -start) for start, end in mirrored}


def _crossed_at_end(places: Iterable[Place]) -> set[Place]:
    """Those within which another one starts that ends later."""
    # From the last start to the first: of places that start later, those that end after all that
    # start before them. Minus their starts ascend, and their ends fall.
    starts: list[int] = []
    ends: list[int] = []
    found: set[Place] = set()
    by_start: defaultdict[int, list[int]] = defaultdict(list)
    for start, end in places:
        by_start[start].append(end)
    for start in sorted(by_start, reverse=True):
        for end in by_start[start]:
            furthest = bisect_right(starts, -end)  # the first that starts within it
            if furthest < len(ends) and ends[furthest] > end:
                found.add((start, end))
        reach = max(by_start[start])
        while ends and ends[-1] <= reach:
            starts.pop()
            ends.pop()
        starts.append(-start)
        ends.append(reach)
    return found
