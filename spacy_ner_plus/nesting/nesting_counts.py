"""How many spans lie inside of others, cross them or share their place."""

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass

from .span_relations import PlacedSpan, Relations, relate


@dataclass(frozen=True, slots=True)
class NestingCounts:
    """Spans, counted by how they lie to others of their text. Counts add up.

    spans (int): All; one that is given twice is one.
    nested (int): Those that lie inside another one.
    nested_in_own_label (int): Of these, those that lie inside one of their own label.
    crossing (int): Those that share tokens with another one, where each has more.
    several_labels (int): Those with the same tokens as another one, and another label.
    deepest (int): The most spans within each other, the outermost among them; 0 without spans.
    """

    spans: int = 0
    nested: int = 0
    nested_in_own_label: int = 0
    crossing: int = 0
    several_labels: int = 0
    deepest: int = 0

    @classmethod
    def of(cls, relations: Iterable[Relations]) -> "NestingCounts":
        """The counts of different spans of one text, by how each lies to all of them."""
        its = list(relations)
        return cls(
            spans=len(its),
            nested=sum(one.is_inner for one in its),
            nested_in_own_label=sum(one.depth_in_label > 0 for one in its),
            crossing=sum(one.crosses for one in its),
            several_labels=sum(one.shares_place for one in its),
            deepest=max((one.depth + 1 for one in its), default=0),
        )

    @property
    def any_overlap(self) -> bool:
        """Whether any spans share a token, so that doc.ents has no room for all."""
        return bool(self.nested or self.crossing or self.several_labels)

    def __add__(self, other: "NestingCounts") -> "NestingCounts":
        """The counts of other texts, too."""
        return NestingCounts(
            self.spans + other.spans,
            self.nested + other.nested,
            self.nested_in_own_label + other.nested_in_own_label,
            self.crossing + other.crossing,
            self.several_labels + other.several_labels,
            max(self.deepest, other.deepest),
        )


def count_nesting(spans: Iterable[PlacedSpan]) -> NestingCounts:
    """The counts of one text. spans (Iterable[PlacedSpan]): In any order."""
    return NestingCounts.of(relate(list(set(spans))))


def count_nesting_by_label(spans: Iterable[PlacedSpan]) -> dict[str, NestingCounts]:
    """The counts of one text's spans of each label; how they lie to those of all labels."""
    distinct = list(set(spans))
    by_label: defaultdict[str, list[Relations]] = defaultdict(list)
    for (_, _, label), its in zip(distinct, relate(distinct), strict=True):
        by_label[label].append(its)
    return {label: NestingCounts.of(its) for label, its in by_label.items()}
