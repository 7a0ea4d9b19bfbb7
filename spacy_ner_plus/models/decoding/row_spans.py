"""Spans of rows with their probabilities, as heads score them."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from .entities import NO_ENTITIES, Entities


@dataclass(frozen=True)
class RowSpans:
    """Scored spans of some documents, in any order; none is there twice.

    docs: (n,) int64, the document's position in the batch.
    starts, ends: (n,) int64, rows of the document, ends exclusive.
    labels: (n,) int64.
    probabilities: (n,) float64.
    """

    docs: np.ndarray
    starts: np.ndarray
    ends: np.ndarray
    labels: np.ndarray
    probabilities: np.ndarray

    def __len__(self) -> int:
        return len(self.docs)

    def those(self, is_taken: np.ndarray) -> "RowSpans":
        """Some of them. is_taken: (n,) bool."""
        return RowSpans(*(column[is_taken] for column in self._columns()))

    def on_tokens(self, row_tokens: Sequence[np.ndarray]) -> list[Entities]:
        """The spans of each document from left to right, the shorter ones first.

        row_tokens: For each document, (n_rows_of_doc,) int64: see RowFeatures.
        """
        order = np.lexsort((self.labels, self.ends, self.starts, self.docs))
        docs, starts, ends, labels, probabilities = (c[order] for c in self._columns())
        found = [NO_ENTITIES] * len(row_tokens)
        bounds = np.searchsorted(docs, np.arange(len(row_tokens) + 1))  # (n_docs + 1,)
        for doc in np.unique(docs).tolist():
            own = slice(bounds[doc], bounds[doc + 1])
            tokens = row_tokens[doc]  # (n_rows_of_doc,)
            found[doc] = Entities(
                tokens[starts[own]], tokens[ends[own] - 1] + 1, labels[own], probabilities[own]
            )
        return found

    def _columns(self) -> tuple[np.ndarray, ...]:
        return self.docs, self.starts, self.ends, self.labels, self.probabilities


def join_row_spans(parts: Sequence[RowSpans]) -> RowSpans:
    """All spans of some parts, which have none in common."""
    none = np.zeros(0, dtype=np.int64)
    every = [RowSpans(none, none, none, none, np.zeros(0)), *parts]
    columns = zip(*(part._columns() for part in every), strict=True)
    return RowSpans(*map(np.concatenate, columns))
