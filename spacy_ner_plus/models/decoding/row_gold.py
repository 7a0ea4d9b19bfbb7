"""What annotation says of the spans of a document, on the rows of its tokens."""

from dataclasses import dataclass, field

import numpy as np


@dataclass(frozen=True)
class RowGold:
    """Annotated spans of one document, and where there are no others.

    starts, ends: (n,) int64 rows of the document, ends exclusive.
    labels: (n,) int64. A span may have several labels: then it is there several times.
    known: (n_rows, n_labels) bool, whether a row was annotated for a label. Of a span of known rows
        that is not among these, it is known that it has not the label; of others nothing is, but
        for these:
    rejected: (n_rejected, 3) int64, the start row, end row (exclusive) and label of spans that are
        known not to have it. None of them is annotated.
    """

    starts: np.ndarray
    ends: np.ndarray
    labels: np.ndarray
    known: np.ndarray
    rejected: np.ndarray = field(default_factory=lambda: np.zeros((0, 3), dtype=np.int64))

    @property
    def n_rows(self) -> int:
        """Rows of the document."""
        return len(self.known)
