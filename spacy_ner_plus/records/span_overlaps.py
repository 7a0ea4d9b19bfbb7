"""How spans lie to each other: within, across, on the same place."""

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

Place = tuple[int, int, str]
"""Start, end (exclusive) and label; in characters, or in tokens."""


def any_overlap(spans: Iterable[Place]) -> bool:
    """Whether any spans of a text overlap, or are there twice."""
    end = 0
    for start, its_end, _ in sorted(spans):
        if start < end:
            return True
        end = its_end
    return False


@dataclass
class Lying:
    """How a span lies to the others of its text.

    level (int): 1 for one that is in no other, else one more than that of the deepest around it.
    in_own_label (bool): It is within a longer one of its own label.
    crosses (bool): It has a part of another that has a part of it, and each has more.
    shares_place (bool): Another label is on just its place.
    """

    level: int = 1
    in_own_label: bool = False
    crosses: bool = False
    shares_place: bool = False

    @property
    def is_nested(self) -> bool:
        """Whether it is within a longer one."""
        return self.level > 1


def lying(spans: Sequence[Place]) -> list[Lying]:
    """How each of the spans of a text lies to the others.

    spans (Sequence[Place]): In any order, each once. It takes time in the number of pairs that
        overlap.
    RETURNS (List[Lying]): One a span, in the same order.
    """
    found = [Lying() for _ in spans]
    # what is around a span comes before it
    order = sorted(range(len(spans)), key=lambda i: (spans[i][0], -spans[i][1]))
    for at, i in enumerate(order):
        start, end, label = spans[i]
        for later in range(at + 1, len(order)):
            j = order[later]
            other_start, other_end, other_label = spans[j]
            if other_start >= end:
                break
            if (other_start, other_end) == (start, end):
                found[i].shares_place = found[j].shares_place = True
            elif other_end <= end:
                found[j].level = max(found[j].level, found[i].level + 1)
                found[j].in_own_label |= other_label == label
            else:
                found[i].crosses = found[j].crosses = True
    return found


@dataclass
class OverlappingSpans:
    """Spans, counted by how they lie.

    spans (int): All; one that is given twice is one.
    nested (int): Those within a longer one.
    in_own_label (int): Of these, those within a longer one of their own label.
    crossing (int): Those that overlap another in part.
    shared_places (int): Those on whose place there is another label, too.
    levels (Counter[int]): All by level, 1 for those in no other.
    widths (Counter[int]): All by their length.
    """

    spans: int = 0
    nested: int = 0
    in_own_label: int = 0
    crossing: int = 0
    shared_places: int = 0
    levels: Counter[int] = field(default_factory=Counter)
    widths: Counter[int] = field(default_factory=Counter)

    @property
    def overlapping(self) -> bool:
        """Whether any overlap, so that a flat model can't have all."""
        return bool(self.nested or self.crossing or self.shared_places)

    def wider(self, max_width: int) -> int:
        """How many are longer than this."""
        return sum(n for width, n in self.widths.items() if width > max_width)

    def add(self, width: int, how: Lying) -> None:
        """Count a span."""
        self.spans += 1
        self.nested += how.is_nested
        self.in_own_label += how.in_own_label
        self.crossing += how.crosses
        self.shared_places += how.shares_place
        self.levels[how.level] += 1
        self.widths[width] += 1


@dataclass
class OverlapCounts:
    """The spans of many texts.

    total (OverlappingSpans): All.
    labels (Dict[str, OverlappingSpans]): The same by label.
    """

    total: OverlappingSpans = field(default_factory=OverlappingSpans)
    labels: dict[str, OverlappingSpans] = field(default_factory=dict)

    def add(self, spans: Iterable[Place]) -> None:
        """Count the spans of a text."""
        places = list(dict.fromkeys(spans))
        for (start, end, label), how in zip(places, lying(places), strict=True):
            for counts in (self.total, self.labels.setdefault(label, OverlappingSpans())):
                counts.add(end - start, how)
