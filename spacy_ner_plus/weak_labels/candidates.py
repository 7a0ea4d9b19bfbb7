"""The places that somebody votes a type for, with what all voters say of them."""

from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence

from ..annotation.rule_hits import ANY_LABEL, BLOCK
from ..voting.vote_table import SILENT, VoteTable
from .free_places import Place
from .voters import Vote, without_own_overlaps


class Candidates:
    """Collects votes, text by text.

    voters (Sequence[str]): Who votes.

    Attributes:
        places (List[List[Place]]): The candidates of each text, from left to right. They may
            overlap.
        overlaps (Counter): How often two voters want places that overlap and are not the same.
        n_dropped (int): Votes that contradict longer ones of the same voter.
    """

    def __init__(self, voters: Sequence[str]) -> None:
        self._number = {name: i for i, name in enumerate(voters)}
        self._labels: dict[str, int] = {}
        self._rows: list[list[int]] = []  # of each candidate, of each voter; -1 for "it is none"
        self.places: list[list[Place]] = []
        self.overlaps: Counter[tuple[str, str]] = Counter()
        self.n_dropped = 0

    def add(self, votes: Iterable[Vote]) -> None:
        """Add all votes on a text."""
        by_voter: defaultdict[str, list[Vote]] = defaultdict(list)
        for vote in dict.fromkeys(votes):
            by_voter[vote.voter].append(vote)
        kept: list[Vote] = []
        for own in by_voter.values():
            kept += (chosen := without_own_overlaps(own))
            self.n_dropped += len(own) - len(chosen)
        wanted = [vote for vote in kept if not vote.is_block]
        rows: dict[Place, list[int]] = {}
        for vote in sorted(wanted, key=lambda one: one[:2]):
            row = rows.setdefault(vote[:2], [SILENT] * len(self._number))
            label = self._labels.setdefault(vote.label, len(self._labels) + 1)
            row[self._number[vote.voter]] = label
        for vote in kept:
            if vote.is_block:
                self._block(vote, rows)
        self._count_overlaps(wanted)
        self.places.append(list(rows))
        self._rows += rows.values()

    def _block(self, block: Vote, rows: dict[Place, list[int]]) -> None:
        """Note what a block says of the candidates that have its type, or any."""
        label, own = self._labels.get(block.label), self._number[block.voter]
        meant = [rows[block[:2]]] if block[:2] in rows else []
        if block.kind != BLOCK:  # of its words
            meant = [r for (s, e), r in rows.items() if block.start < e and s < block.end]
        for row in meant:
            if row[own] == SILENT and (block.label == ANY_LABEL or label in row):
                row[own] = -1

    def _count_overlaps(self, wanted: Sequence[Vote]) -> None:
        ordered = sorted(wanted, key=lambda one: one[:2])
        for i, one in enumerate(ordered):
            for other in ordered[i + 1 :]:
                if other.start >= one.end:
                    break
                if one[:2] != other[:2] and one.voter != other.voter:
                    first, second = sorted((one.voter, other.voter), key=self._number.__getitem__)
                    self.overlaps[first, second] += 1

    def table(self) -> VoteTable:
        """All votes. The labels are in the order of the alphabet."""
        labels = sorted(self._labels)
        votes = {number: labels.index(label) + 1 for label, number in self._labels.items()}
        votes |= {SILENT: SILENT, -1: len(labels) + 1}
        rows = [[votes[vote] for vote in row] for row in self._rows]
        return VoteTable.of_rows(list(self._number), labels, rows)
