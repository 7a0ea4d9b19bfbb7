"""How spans of one text lie to each other, and how well those inside of others are found.

A span lies *inside* another one that has all of its tokens and more. Its *depth* is how many spans
are around it, one inside the other: the length of the longest such chain, 0 for an outermost one.
Where none cross, the spans around one are a chain, so this is their number. Spans with the same
tokens and several labels have the same depth.
"""

from bisect import bisect_left
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

import numpy as np

Span = tuple[int, int, str]
"""Start, end (exclusive) and label."""

GOLD, FOUND, PREDICTED, RIGHT = range(4)
"""Columns of tables of counts by depth: see count_by_depth."""


@dataclass(frozen=True, slots=True)
class Relations:
    """How spans lie to others of their own side.

    inside (int): Spans that lie inside another one.
    inside_same_label (int): Those of them that lie inside one of their own label.
    several_labels (int): Spans with the same tokens as another one, and another label.
    crossing (int): Spans that share some tokens with another one, where both have more.
    """

    inside: int = 0
    inside_same_label: int = 0
    several_labels: int = 0
    crossing: int = 0

    def __bool__(self) -> bool:
        """Whether any spans share a token."""
        return bool(self.inside or self.several_labels or self.crossing)

    def __add__(self, other: "Relations") -> "Relations":
        return Relations(
            self.inside + other.inside,
            self.inside_same_label + other.inside_same_label,
            self.several_labels + other.several_labels,
            self.crossing + other.crossing,
        )


def depths(spans: Iterable[Span]) -> dict[tuple[int, int], int]:
    """The depth of each span of a text, by its start and end.

    RETURNS (Dict[Tuple[int, int], int]): In time of n log n: spans around another one start no
        later and end no earlier, so by start, and of one start the longest first, a depth is the
        length of the longest chain of ends before it that never grow.
    """
    found: dict[tuple[int, int], int] = {}
    ends: list[int] = []  # by depth, minus the furthest end of a span of that depth so far
    for start, end in sorted({span[:2] for span in spans}, key=lambda span: (span[0], -span[1])):
        # ends are descending: at each depth there is a span around one of the next depth
        depth = _n_at_least(ends, end)
        ends[depth : depth + 1] = [-end]
        found[start, end] = depth
    return found


def relations(spans: Iterable[Span]) -> Relations:
    """Count how the spans of a text lie to each other. One that is there twice counts once."""
    distinct = sorted(set(spans), key=lambda span: (span[0], -span[1], span[2]))
    inside, same_label, several, crossing = (set[int]() for _ in range(4))
    for i, j in overlapping_pairs(distinct):
        (start, end, label), (later_start, later_end, later_label) = distinct[i], distinct[j]
        if (start, end) == (later_start, later_end):
            several |= {i, j}
        elif later_end <= end:
            inside.add(j)
            if later_label == label:
                same_label.add(j)
        else:
            crossing |= {i, j}
    return Relations(len(inside), len(same_label), len(several), len(crossing))


def overlapping_pairs(spans: Sequence[Span]) -> Iterator[tuple[int, int]]:
    """The places of any two spans that share a token, the smaller first.

    spans (Sequence[Span]): In the order of their start.
    """
    open_spans: list[int] = []
    for j, (start, _, _) in enumerate(spans):
        open_spans = [i for i in open_spans if spans[i][1] > start]
        yield from ((i, j) for i in open_spans)
        open_spans.append(j)


def count_by_depth(
    gold: Sequence[Sequence[Span]], predicted: Sequence[Sequence[Span]]
) -> np.ndarray:
    """Compare the spans of each document, by their depth among those of their own side.

    gold, predicted (Sequence[Sequence[Span]]): By document, as in spans.count_spans.
    RETURNS: (n_docs, n_depths, 4) int64, by the depth of gold spans how many there are and how many
        are found, by that of predicted spans how many there are and how many are right: columns
        GOLD, FOUND, PREDICTED, RIGHT. Found and right ones are the same spans, but a span may have
        another depth on the other side. There is one depth at least.
    """
    rows = [_counted_by_depth(*pair) for pair in zip(gold, predicted, strict=True)]
    n_depths = max([1, *(depth + 1 for row in rows for depth, _ in row)])
    counts = np.zeros((len(rows), n_depths, 4), dtype=np.int64)
    for table, row in zip(counts, rows, strict=True):
        for (depth, column), n in row.items():
            table[depth, column] = n
    return counts


def depth_scores(counts: np.ndarray) -> np.ndarray:
    """Precision, recall and F1 of counts by depth. A ratio without cases is 0.0.

    counts: (..., 4), see count_by_depth; sums over documents or depths too.
    RETURNS: (..., 3) float64. F1 is the harmonic mean of the precision of predicted spans at a
        depth and the recall of gold spans there.
    """
    counts = np.asarray(counts, dtype=np.float64)
    precision = _ratio(counts[..., RIGHT], counts[..., PREDICTED])
    recall = _ratio(counts[..., FOUND], counts[..., GOLD])
    f1 = _ratio(2 * precision * recall, precision + recall)
    return np.stack([precision, recall, f1], axis=-1)


def _counted_by_depth(gold: Sequence[Span], predicted: Sequence[Span]) -> Counter[tuple[int, int]]:
    """Of one document, by depth and column."""
    wanted, found = Counter(gold), Counter(predicted)
    common = wanted & found
    row: Counter[tuple[int, int]] = Counter()
    for side, all_column, right_column in ((wanted, GOLD, FOUND), (found, PREDICTED, RIGHT)):
        depth_of = depths(side)
        for span, n in side.items():
            row[depth_of[span[:2]], all_column] += n
            row[depth_of[span[:2]], right_column] += common[span]
    return row


def _n_at_least(negated: Sequence[int], end: int) -> int:
    """How many of the ends are this one or further. negated: Minus the ends, ascending."""
    return bisect_left(negated, -end + 1)


def _ratio(part: np.ndarray, whole: np.ndarray) -> np.ndarray:
    return np.divide(part, whole, out=np.zeros(np.shape(part)), where=np.asarray(whole) != 0)
