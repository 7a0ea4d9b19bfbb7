"""Which slot each group of span factors takes: see `span_factors`, and `slot_tags` for slots."""

import heapq
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np

# What a factor does: it is impossible for annotated paths alone, has a finite score, or is
# impossible. Of several of one span the largest holds.
REJECTED, SCORED, RULED_OUT = 0, 1, 2


@dataclass(frozen=True)
class Ends:
    """Where the factors of a group end that are longer than one token, ascending and different.

    tokens: int64 (n_ends,), exclusive.
    kinds: int64 (n_ends,), what becomes of the span that ends there.
    """

    tokens: np.ndarray
    kinds: np.ndarray

    def is_going_on_in(self, other: "Ends", start: int) -> bool:
        """Whether from a group's start on nothing tells it from another one.

        That is so if the same spans are impossible from then on, and none has a finite score, which
        would have to be added for one of them alone.

        start (int): Where this group starts.
        """
        if not len(self.tokens) or bool((self.kinds == SCORED).any()):
            return False
        first = np.searchsorted(other.tokens, start + 1, side="right")
        return np.array_equal(other.tokens[first:], self.tokens) and np.array_equal(
            other.kinds[first:], self.kinds
        )


def ends_of_groups(
    group_of: np.ndarray, ends: np.ndarray, kinds: np.ndarray, n_groups: int
) -> list[Ends]:
    """The ends of each group's factors. group_of, ends, kinds: (n,), of longer factors."""
    order = np.lexsort((ends, group_of))
    group_of, ends, kinds = group_of[order], ends[order], kinds[order]
    is_new = (np.diff(group_of, prepend=-1) != 0) | (np.diff(ends, prepend=-1) != 0)
    firsts = np.flatnonzero(is_new)
    if len(firsts):
        kinds = np.maximum.reduceat(kinds, firsts)
    group_of, ends = group_of[firsts], ends[firsts]
    edges = np.searchsorted(group_of, np.arange(n_groups + 1)).tolist()
    return [Ends(ends[i:j], kinds[i:j]) for i, j in pairwise(edges)]


def assign_slots(
    sequences: np.ndarray,
    labels: np.ndarray,
    starts: np.ndarray,
    exits: np.ndarray,
    ends: Sequence[Ends],
) -> tuple[np.ndarray, np.ndarray]:
    """The lowest slot that is free, for each group in turn, or one that it can share.

    For intervals in the order of their starts that takes as few slots as are possible. A slot is
    free again at a group's exit: what ends or goes on there is no beginning. Groups of which
    nothing tells one from the other any more share one: where all spans of some words are blocked,
    as a token pattern with "+" does it, one slot is enough.

    sequences, labels, starts, exits: (n_groups,), sorted by the first three.
    ends (Sequence[Ends]): Of each.
    RETURNS: The slots, int64 (n_groups,), and which of them were taken by another one already,
        bool (n_groups,).
    """
    slots = np.zeros(len(sequences), dtype=np.int64)
    shares = np.zeros(len(sequences), dtype=bool)
    place = (-1, -1)
    free: list[int] = []
    busy: list[tuple[int, int]] = []  # until which token, and which slot
    by_exit: dict[int, list[int]] = {}  # groups that are the first of their slot
    columns = zip(sequences.tolist(), labels.tolist(), starts.tolist(), exits.tolist(), strict=True)
    for i, (sequence, label, start, exit_) in enumerate(columns):
        if place != (sequence, label):
            place, free, busy, by_exit = (sequence, label), [], [], {}
        while busy and busy[0][0] <= start:
            heapq.heappush(free, heapq.heappop(busy)[1])
        alike = by_exit.setdefault(exit_, [])
        same = next((j for j in alike if ends[i].is_going_on_in(ends[j], start)), None)
        if same is not None:
            slots[i], shares[i] = slots[same], True
            continue
        slot = heapq.heappop(free) if free else len(busy)
        heapq.heappush(busy, (exit_, slot))
        slots[i] = slot
        alike.append(i)
    return slots, shares
