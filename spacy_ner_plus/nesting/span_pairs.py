"""Which spans of a text share tokens, and whether one lies within the other or they cross."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, fields

PlacedSpan = tuple[int, int, str]
"""Start token, end token (exclusive), label; never empty."""


def overlapping_pairs(spans: Iterable[PlacedSpan]) -> Iterator[tuple[PlacedSpan, PlacedSpan]]:
    """All pairs of spans that share tokens.

    It takes no longer than sorting them and naming the pairs.

    YIELDS: The one that starts first, or is longer where both start together, or comes first where
        both have the same place; and the other. They cross where the other ends later, else the
        other lies within the first.
    """
    still_open: list[PlacedSpan] = []
    for span in sorted(spans, key=lambda span: (span[0], -span[1])):
        still_open = [one for one in still_open if one[1] > span[0]]
        for one in still_open:
            yield one, span
        still_open.append(span)


@dataclass(frozen=True)
class NestingCounts:
    """How many spans lie within others, cross them or share their place. Counts add up.

    n_spans: All spans, repeated ones once.
    n_nested: Those that lie within a longer one.
    n_nested_in_own_label: Those that lie within a longer one of the same label.
    n_crossing: Those that share tokens with another, and neither lies within the other.
    n_with_several_labels: Those whose place another one with another label has.
    n_repeated: Repetitions of the same span, which count nowhere else.
    """

    n_spans: int = 0
    n_nested: int = 0
    n_nested_in_own_label: int = 0
    n_crossing: int = 0
    n_with_several_labels: int = 0
    n_repeated: int = 0

    def __add__(self, other: "NestingCounts") -> "NestingCounts":
        names = [field.name for field in fields(self)]
        return NestingCounts(*(getattr(self, name) + getattr(other, name) for name in names))


def count_nesting(spans: Iterable[PlacedSpan]) -> NestingCounts:
    """The counts of one text.

    spans (Iterable[PlacedSpan]): In any order.
    """
    spans = list(spans)
    unique = set(spans)
    nested: set[PlacedSpan] = set()
    in_own_label: set[PlacedSpan] = set()
    crossing: set[PlacedSpan] = set()
    several: set[PlacedSpan] = set()
    for one, other in overlapping_pairs(unique):
        if one[:2] == other[:2]:
            several |= {one, other}
        elif other[1] > one[1]:
            crossing |= {one, other}
        else:
            nested.add(other)
            if one[2] == other[2]:
                in_own_label.add(other)
    return NestingCounts(
        n_spans=len(unique),
        n_nested=len(nested),
        n_nested_in_own_label=len(in_own_label),
        n_crossing=len(crossing),
        n_with_several_labels=len(several),
        n_repeated=len(spans) - len(unique),
    )
