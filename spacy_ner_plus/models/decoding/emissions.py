"""Emissions: the tag scores of some documents, and the documents that are decoded together."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from torch import Tensor

from ...nn.crf import Layout
from ...nn.crf.transfer import to_device

# Documents times rows of the longest one that are decoded together: bounds the lattice's memory.
MAX_CELLS = 1 << 18


@dataclass(frozen=True)
class SequenceGroup:
    """Documents of similar length that are decoded together.

    docs: (n_docs,) int64, positions of the documents in the batch.
    rows: (N,) int64, on the emissions' device: the rows of these documents, one document after
        the other, among all rows of the batch.
    layout (Layout): How many of them each document has, at least 1.
    """

    docs: np.ndarray
    rows: Tensor
    layout: Layout


@dataclass(frozen=True)
class Emissions:
    """Tag scores of some Docs, still on the model's device.

    scores: (n_rows, n_tags) float32, the rows of all Docs one after the other.
    row_tokens: for each Doc, (n_rows_of_doc,) int64: the token that each row belongs to,
        ascending. Tokens that take no part in tagging have no row.
    """

    scores: Tensor
    row_tokens: list[np.ndarray]

    @cached_property
    def lengths(self) -> np.ndarray:
        """(n_docs,) rows of each Doc."""
        return np.array([len(tokens) for tokens in self.row_tokens], dtype=np.int64)

    def groups(self) -> Iterator[SequenceGroup]:
        """Pack documents by length into groups, longest first, under a budget of padded cells.

        Documents without rows are in no group.
        """
        order = np.argsort(-self.lengths, kind="stable")  # (n_docs,)
        order = order[self.lengths[order] > 0]
        start = 0
        while start < len(order):
            longest = int(self.lengths[order[start]])
            docs = order[start : start + max(1, MAX_CELLS // longest)]
            yield self.group(docs)
            start += len(docs)

    def group(self, docs: np.ndarray) -> SequenceGroup:
        """docs: (n_docs,) int64, positions of documents that have rows."""
        lengths = self.lengths[docs]  # (n_docs,)
        firsts = (np.cumsum(self.lengths) - self.lengths)[docs]  # (n_docs,) among all rows
        shifts = firsts - (np.cumsum(lengths) - lengths)  # (n_docs,)
        rows = np.arange(lengths.sum()) + np.repeat(shifts, lengths)  # (N,)
        device = self.scores.device
        return SequenceGroup(docs, to_device(rows, device), Layout(lengths, device))


def flat_tokens(row_tokens: Sequence[np.ndarray], n_tokens: Sequence[int]) -> np.ndarray:
    """(n_rows,) int64: the token of each row, counted through all Docs one after the other.

    row_tokens: for each Doc, (n_rows_of_doc,) int64, as in Emissions.
    n_tokens: tokens of each Doc, those without a row included.
    """
    bases = np.cumsum([0, *n_tokens])  # (n_docs + 1,)
    shifted = [tokens + base for tokens, base in zip(row_tokens, bases[:-1], strict=True)]
    return np.concatenate([np.zeros(0, dtype=np.int64), *shifted])  # (n_rows,)
