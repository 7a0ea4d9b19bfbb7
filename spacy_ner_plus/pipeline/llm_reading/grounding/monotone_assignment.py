"""Which places mentions have if they were named in the order of the text."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True, slots=True)
class CandidatePlace:
    """Where a mention may be.

    start, end (int): Its characters, end exclusive. rank (int): The greater the better it fits.
    """

    start: int
    end: int
    rank: int = 0


def assign_in_order(
    candidates: Sequence[Sequence[CandidatePlace]], start: int, end: int
) -> list[CandidatePlace | None]:
    """The places that mentions have in every best assignment.

    An assignment gives each mention one of its places or none, from left to right, so that they do
    not overlap. The best have the most mentions, and of these the greatest sum of ranks.

    candidates: The places that each mention may have, in the order in which they were named.
    start, end (int): Places must be within these characters.
    RETURNS (List[CandidatePlace | None]): None where the best assignments give none, or differ.
    """
    own = [
        sorted({p for p in places if start <= p.start and p.end <= end}, key=lambda p: p.start)
        for places in candidates
    ]
    cuts = np.array(sorted({start, end} | {x for ps in own for p in ps for x in (p.start, p.end)}))
    weight = 1 + sum(max((p.rank for p in places), default=0) for places in own)
    tables = [_PlaceTable.of(places, cuts, weight) for places in own]
    before = _best_scores(tables, len(cuts))  # (n_mentions + 1, n_cuts)
    mirrored = [table.mirrored(len(cuts)) for table in reversed(tables)]
    after = _best_scores(mirrored, len(cuts))[::-1, ::-1]  # (n_mentions + 1, n_cuts)
    best = before[-1, -1]
    chosen: list[CandidatePlace | None] = []
    for i, table in enumerate(tables):
        scores = before[i][table.starts] + table.scores + after[i + 1][table.ends]  # (n_places,)
        fitting = np.flatnonzero(scores == best)
        is_needed = (before[i] + after[i + 1]).max() < best
        chosen.append(own[i][fitting[0]] if is_needed and len(fitting) == 1 else None)
    return chosen


@dataclass(frozen=True, slots=True)
class _PlaceTable:
    """The places of a mention. starts, ends: (n_places,) int64, cuts. scores: (n_places,) int64."""

    starts: np.ndarray
    ends: np.ndarray
    scores: np.ndarray

    @classmethod
    def of(cls, places: Sequence[CandidatePlace], cuts: np.ndarray, weight: int) -> "_PlaceTable":
        return cls(
            np.searchsorted(cuts, [p.start for p in places]).astype(np.int64),
            np.searchsorted(cuts, [p.end for p in places]).astype(np.int64),
            np.array([weight + p.rank for p in places], dtype=np.int64),
        )

    def mirrored(self, n_cuts: int) -> "_PlaceTable":
        """The same, read from the right."""
        return _PlaceTable(n_cuts - 1 - self.ends, n_cuts - 1 - self.starts, self.scores)


def _best_scores(tables: Sequence[_PlaceTable], n_cuts: int) -> np.ndarray:
    """(n_mentions + 1, n_cuts) int64, the best score of the first mentions up to each cut."""
    best = np.zeros((len(tables) + 1, n_cuts), dtype=np.int64)
    for i, table in enumerate(tables):
        reached = best[i].copy()  # (n_cuts,)
        np.maximum.at(reached, table.ends, best[i][table.starts] + table.scores)
        best[i + 1] = np.maximum.accumulate(reached)
    return best
