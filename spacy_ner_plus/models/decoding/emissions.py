"""Emissions: the tag scores of some documents, and the documents that are decoded together."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from torch import Tensor

from ...nn.crf import Layout, SpanFactors
from ...nn.crf.transfer import to_device

# Documents times rows of the longest one that are decoded together: bounds the lattice's memory.
MAX_CELLS = 1 << 18
# Entries of matrices of transitions, one a document, that are there at the same time at most.
MAX_TRANSITIONS = 1 << 25


@dataclass(frozen=True)
class SequenceGroup:
    """Documents of similar length that are decoded together.

    docs: (n_docs,) int64, positions of the documents in the batch.
    rows: (N,) int64, on the emissions' device: the rows of these documents, one document after
        the other, among all rows of the batch.
    layout (Layout): How many of them each document has, at least 1.
    spans (SpanFactors): Scores of spans of rows of these documents, in their order; None for none.
    """

    docs: np.ndarray
    rows: Tensor
    layout: Layout
    spans: SpanFactors | None = None


@dataclass(frozen=True)
class Emissions:
    """Tag scores of some Docs, still on the model's device.

    scores: (n_rows, n_tags) float32, the rows of all Docs one after the other.
    row_tokens: for each Doc, (n_rows_of_doc,) int64: the token that each row belongs to,
        ascending. Tokens that take no part in tagging have no row.
    spans (SpanFactors): Scores of spans of rows besides; their sequences are the Docs. None for
        none.
    excluded (FrozenSet): Doc, first row, row behind the last one and label of spans that are no
        entities although `spans` does not rule them out.
    """

    scores: Tensor
    row_tokens: list[np.ndarray]
    spans: SpanFactors | None = None
    excluded: frozenset[tuple[int, int, int, int]] = frozenset()

    @cached_property
    def lengths(self) -> np.ndarray:
        """(n_docs,) rows of each Doc."""
        return np.array([len(tokens) for tokens in self.row_tokens], dtype=np.int64)

    def groups(self, n_chains: int = 1) -> Iterator[SequenceGroup]:
        """Pack documents by length into groups, longest first, under a budget of padded cells.

        Documents without rows are in no group. Those that have scores of spans are in groups of
        their own, and what that costs is not paid by others.

        n_chains (int): Of how many chains the scores are, which are run side by side.
        """
        order = np.argsort(-self.lengths, kind="stable")  # (n_docs,)
        order = order[self.lengths[order] > 0]
        if self.spans is not None:
            has_spans = np.isin(order, self.spans.sequences)
            yield from self._with_spans(order[has_spans], n_chains)
            order = order[~has_spans]
        yield from self._packed(order, max(1, MAX_CELLS // n_chains), len(order))

    def _with_spans(self, order: np.ndarray, n_chains: int) -> Iterator[SequenceGroup]:
        """Documents with scores of spans, those that need about as many tags together."""
        assert self.spans is not None
        groups = self.spans.groups
        needed = np.zeros(len(self.row_tokens), dtype=np.int64)  # by the busiest label
        np.maximum.at(needed, groups.sequences, groups.slots + 1)
        level = np.ceil(np.log2(np.maximum(needed[order], 1))).astype(np.int64)
        n_tags = self.scores.shape[1]
        for value in np.unique(level):
            docs = order[level == value]
            own = self.spans.of_sequences(docs)
            n_all = n_tags if own is None else n_tags + 4 * n_chains * int(own.n_slots().sum())
            most_cells = max(1, MAX_CELLS // n_chains * n_tags // n_all)
            yield from self._packed(docs, most_cells, max(1, MAX_TRANSITIONS // n_all**2))

    def _packed(
        self, order: np.ndarray, most_cells: int, most_docs: int
    ) -> Iterator[SequenceGroup]:
        start = 0
        while start < len(order):
            longest = int(self.lengths[order[start]])
            docs = order[start : start + min(most_docs, max(1, most_cells // longest))]
            yield self.group(docs)
            start += len(docs)

    def group(self, docs: np.ndarray) -> SequenceGroup:
        """docs: (n_docs,) int64, positions of documents that have rows."""
        lengths = self.lengths[docs]  # (n_docs,)
        firsts = (np.cumsum(self.lengths) - self.lengths)[docs]  # (n_docs,) among all rows
        shifts = firsts - (np.cumsum(lengths) - lengths)  # (n_docs,)
        rows = np.arange(lengths.sum()) + np.repeat(shifts, lengths)  # (N,)
        device = self.scores.device
        spans = None if self.spans is None else self.spans.of_sequences(docs)
        return SequenceGroup(docs, to_device(rows, device), Layout(lengths, device), spans)


def flat_tokens(row_tokens: Sequence[np.ndarray], n_tokens: Sequence[int]) -> np.ndarray:
    """(n_rows,) int64: the token of each row, counted through all Docs one after the other.

    row_tokens: for each Doc, (n_rows_of_doc,) int64, as in Emissions.
    n_tokens: tokens of each Doc, those without a row included.
    """
    bases = np.cumsum([0, *n_tokens])  # (n_docs + 1,)
    shifted = [tokens + base for tokens, base in zip(row_tokens, bases[:-1], strict=True)]
    return np.concatenate([np.zeros(0, dtype=np.int64), *shifted])  # (n_rows,)
