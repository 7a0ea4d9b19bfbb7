"""What rules found in a batch of Docs, and what was decided about it."""

from dataclasses import dataclass

import numpy as np

from .batch_hits import BatchHits, HitChoice


@dataclass(frozen=True)
class FoundHits:
    """Hits with what becomes of them.

    hits (BatchHits): Those that no validator refused, in the order of the Docs.
    labels: (n_hits,) int64, numbers of their labels.
    choice (HitChoice): Which of them are entities, and which lost to which.
    is_blocked: (n_hits,) bool, the hard and soft ones on which a block lies.
    travels: (n_hits,) bool, those that are left on the Doc for models.
    n_off_tokens (int): Further matches of regexes, or these, that were not on token boundaries.
    """

    hits: BatchHits
    labels: np.ndarray
    choice: HitChoice
    is_blocked: np.ndarray
    travels: np.ndarray
    n_off_tokens: int

    def is_repeated(self, one: int, other: int) -> bool:
        """Whether two hits have the same span and label."""
        columns = (self.hits.docs, self.hits.starts, self.hits.ends, self.labels)
        return all(column[one] == column[other] for column in columns)
