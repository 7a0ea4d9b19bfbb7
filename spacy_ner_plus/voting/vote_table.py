"""Who said what of which item."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

# A vote is SILENT, k + 1 for the label k, or the number of labels and one more for "it is none".
SILENT = 0


@dataclass(frozen=True)
class VoteTable:
    """Votes on items, each of which has one of the labels, or none.

    voters (Tuple[str, ...]), labels (Tuple[str, ...]): Their names.
    votes: int64 (n_items, n_voters). Each item has a vote for some label.
    RAISES ValueError: A vote is out of range, or an item has none for a label.
    """

    voters: tuple[str, ...]
    labels: tuple[str, ...]
    votes: np.ndarray

    def __post_init__(self) -> None:
        votes, n_labels = self.votes, len(self.labels)
        if votes.ndim != 2 or votes.shape[1] != len(self.voters):
            raise ValueError(f"votes {votes.shape} must have a column for {self.voters}.")
        if votes.size and (votes.min() < 0 or votes.max() > n_labels + 1):
            raise ValueError(f"votes {votes.min()} to {votes.max()} must be in 0..{n_labels + 1}.")
        if not self.for_labels.any(axis=1).all():
            item = int(np.argmin(self.for_labels.any(axis=1)))
            raise ValueError(f"item {item} has no vote for a label: {votes[item].tolist()}.")

    def __len__(self) -> int:
        return len(self.votes)

    @property
    def none(self) -> int:
        """The vote that an item has no label."""
        return len(self.labels) + 1

    @property
    def for_labels(self) -> np.ndarray:
        """Bool (n_items, n_voters), the votes for a label."""
        return np.asarray((self.votes > SILENT) & (self.votes < self.none))

    def label_of(self, vote: int) -> str | None:
        """What a vote says; None for "it is none". It must not be SILENT."""
        return None if vote == self.none else self.labels[vote - 1]

    @classmethod
    def of_rows(
        cls, voters: Sequence[str], labels: Sequence[str], rows: Sequence[Sequence[int]]
    ) -> "VoteTable":
        """Of a list of votes for each item."""
        votes = np.array(rows, dtype=np.int64).reshape(len(rows), len(voters))
        return cls(tuple(voters), tuple(labels), votes)
