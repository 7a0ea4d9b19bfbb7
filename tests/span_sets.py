"""Sets of spans, one by one: slow and obvious, for the tests of what chooses among them."""

from collections.abc import Callable, Iterator, Sequence
from fractions import Fraction
from itertools import combinations

import numpy as np
from hypothesis import strategies as st

Extent = tuple[int, int]
ScoredSpan = tuple[int, int, int]  # start, end, label
MayStay = Callable[[Extent, Extent], bool]


def overlap(one: Extent, other: Extent) -> bool:
    return one[0] < other[1] and other[0] < one[1]


def cross(one: Extent, other: Extent) -> bool:
    """Both have a token that is not the other's, and a common one."""
    tokens, others = set(range(*one)), set(range(*other))
    return bool(tokens & others) and bool(tokens - others) and bool(others - tokens)


def sets_without(excludes: MayStay, spans: Sequence[ScoredSpan]) -> Iterator[tuple[int, ...]]:
    """All sets of spans no two of which exclude each other, as indices."""
    for size in range(len(spans) + 1):
        for chosen in combinations(range(len(spans)), size):
            pairs = combinations(chosen, 2)
            if not any(excludes(spans[i][:2], spans[j][:2]) for i, j in pairs):
                yield chosen


def best_set(excludes: MayStay, spans: Sequence[ScoredSpan], weights: Sequence[int]) -> list[int]:
    """The set of highest weight, and among these of most tokens.

    Among equals, that with the first span not in both: the earlier, longer, lower label.
    """
    order = sorted(range(len(spans)), key=lambda i: (spans[i][0], -spans[i][1], spans[i][2]))

    def value(chosen: tuple[int, ...]) -> tuple[int, int, list[bool]]:
        lengths = (spans[i][1] - spans[i][0] for i in chosen)
        has = [i in chosen for i in order]
        return sum(weights[i] for i in chosen), sum(lengths), has

    best = max(sets_without(excludes, spans), key=value)
    return [i for i in order if i in best]


def exact_flat_probabilities(
    spans: Sequence[ScoredSpan], probabilities: Sequence[float]
) -> list[Fraction]:
    """P(span is there | no two that are there overlap), without rounding; none may be 1."""
    odds = [Fraction(p) / (1 - Fraction(p)) for p in probabilities]
    of_spans, total = [Fraction(0)] * len(spans), Fraction(0)
    for chosen in sets_without(overlap, spans):
        mass = Fraction(1)
        for i in chosen:
            mass *= odds[i]
        total += mass
        for i in chosen:
            of_spans[i] += mass
    return [mass / total for mass in of_spans]


def columns_of(spans: Sequence[ScoredSpan]) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Starts, ends and labels (n,) int64."""
    starts, ends, labels = np.array(spans, dtype=np.int64).reshape(-1, 3).T
    return starts, ends, labels


@st.composite
def scored_spans(
    draw: st.DrawFn, *, n_tokens: int = 8, n_labels: int = 2, most: int = 10
) -> list[ScoredSpan]:
    """Different spans of a few tokens, in any order."""
    starts = st.integers(0, n_tokens - 1)
    spans = starts.flatmap(
        lambda start: st.tuples(
            st.just(start), st.integers(start + 1, n_tokens), st.integers(0, n_labels - 1)
        )
    )
    return draw(st.lists(spans, max_size=most, unique=True))
