"""Emissions: the tag scores of some documents, and the way to whole sequences and back."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

# Padded cells (sequences x rows) that are decoded together: bounds the lattice's memory.
MAX_CELLS = 1 << 18


@dataclass(frozen=True)
class Emissions:
    """Tag scores of some Docs, still on the model's device.

    scores: (n_rows, n_tags) float32, the rows of all Docs one after the other.
    row_tokens: for each Doc, (n_rows_of_doc,) int64: the token that each row belongs to,
        ascending. Tokens that take no part in tagging have no row.
    """

    scores: Tensor
    row_tokens: list[np.ndarray]

    @property
    def lengths(self) -> np.ndarray:
        """(n_docs,) rows of each Doc."""
        return np.array([len(tokens) for tokens in self.row_tokens], dtype=np.int64)


def flat_tokens(row_tokens: Sequence[np.ndarray], n_tokens: Sequence[int]) -> np.ndarray:
    """(n_rows,) int64: the token of each row, counted through all Docs one after the other.

    row_tokens: for each Doc, (n_rows_of_doc,) int64, as in Emissions.
    n_tokens: tokens of each Doc, those without a row included.
    """
    bases = np.cumsum([0, *n_tokens])
    shifted = [tokens + base for tokens, base in zip(row_tokens, bases[:-1], strict=True)]
    return np.concatenate([np.zeros(0, dtype=np.int64), *shifted])


@dataclass(frozen=True)
class SequenceGroup:
    """Documents of similar length that are decoded together.

    docs: (n,) int64, positions of the documents in the batch, longest first.
    lengths: (n,) int64 rows of each, all at least 1.
    rows: (n, longest) int64, the row of the batch at each place; 0 on padding.
    """

    docs: np.ndarray
    lengths: np.ndarray
    rows: np.ndarray

    def gather(self, flat: Tensor) -> Tensor:
        """(n_rows, ...) -> (n, longest, ...), with whatever on the padding."""
        return flat[torch.from_numpy(self.rows).to(flat.device)]


def sequence_groups(lengths: np.ndarray) -> Iterator[SequenceGroup]:
    """Pack documents by length into groups under a budget of padded cells.

    lengths: (n_docs,) int64; documents without rows are in no group.
    """
    bases = np.cumsum(lengths) - lengths
    order = np.argsort(-lengths, kind="stable")
    order = order[lengths[order] > 0]
    start = 0
    while start < len(order):
        longest = int(lengths[order[start]])
        docs = order[start : start + max(1, MAX_CELLS // longest)]
        within = np.arange(longest)
        inside = within < lengths[docs, None]
        yield SequenceGroup(docs, lengths[docs], np.where(inside, bases[docs, None] + within, 0))
        start += len(docs)
