"""How pairs of voters go together."""

from collections.abc import Iterator
from itertools import combinations

import numpy as np

from .vote_table import SILENT, VoteTable


def count_pairs(table: VoteTable) -> Iterator[tuple[int, int, np.ndarray, np.ndarray]]:
    """The pairs of voters, and the items on which they agree, and on which they conflict.

    YIELDS: The places of both voters, and bool (n_items,) twice.
    """
    for i, j in combinations(range(len(table.voters)), 2):
        one, other = table.votes[:, i], table.votes[:, j]
        both = (one != SILENT) & (other != SILENT)
        yield i, j, both & (one == other), both & (one != other)
