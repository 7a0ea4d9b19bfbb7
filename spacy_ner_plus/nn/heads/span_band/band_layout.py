"""The band: all spans of a batch of up to so many tokens, as the cells of one table.

Its rows are the tokens of all documents, one document after the other. Cell (row, column) is the
span of column + 1 tokens that starts at the row. So there are max_width cells a token, however long
the documents are, and not one for each pair of tokens. Cells of which the span would run over the
end of its document are no spans.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import torch
from torch import Tensor

from ...crf.transfer import to_device

CPU = torch.device("cpu")


@dataclass(frozen=True)
class BandChunk:
    """Rows of the band that are computed together.

    rows (slice): Those of which the cells are wanted.
    starts (slice): Those of which cells are computed: some more, which the convolution looks at.
    tokens (slice): Those that the spans of these cells have.
    """

    rows: slice
    starts: slice
    tokens: slice

    @property
    def wanted(self) -> slice:
        """The rows that are wanted among those that are computed."""
        first = self.rows.start - self.starts.start
        return slice(first, first + self.rows.stop - self.rows.start)


class BandLayout:
    """Where the documents of a batch are in the band.

    lengths: (n_docs,) int64, rows of each document; 0 for one that has none.
    max_width (int): Tokens of the widest spans, at least 1.
    device (torch.device): Where the vectors are.
    RAISES ValueError: For a length below 0 or a width below 1.

    Attributes:
        lengths, firsts: (n_docs,) int64, how many rows each document has, and where they begin.
        docs: (n_rows,) int64, the document of each row.
    """

    lengths: np.ndarray
    firsts: np.ndarray
    docs: np.ndarray

    def __init__(
        self,
        lengths: Sequence[int] | np.ndarray,
        max_width: int,
        device: torch.device = CPU,
    ) -> None:
        self.lengths = np.asarray(lengths, dtype=np.int64).reshape(-1)
        if len(self.lengths) and self.lengths.min() < 0:
            raise ValueError(f"A document can't have {self.lengths.min()} rows.")
        if max_width < 1:
            raise ValueError(f"max_width = {max_width} must be at least 1 token.")
        self.max_width = max_width
        self.device = device
        self.firsts = np.cumsum(self.lengths) - self.lengths
        self.docs = np.repeat(np.arange(len(self.lengths)), self.lengths)

    @property
    def n_docs(self) -> int:
        """Documents, those without rows included."""
        return len(self.lengths)

    @property
    def n_rows(self) -> int:
        """Rows of all documents."""
        return len(self.docs)

    @cached_property
    def room(self) -> Tensor:
        """How many tokens there are from each row to the end of its document, (n_rows,) int64.

        The row itself counts.
        """
        ends = (self.firsts + self.lengths)[self.docs]  # (n_rows,)
        return to_device(ends - np.arange(self.n_rows), self.device)

    def is_span(self, rows: slice = slice(None)) -> Tensor:
        """Whether cells are spans, (rows, max_width) bool.

        rows (slice): Of which rows; all of them by default.
        """
        return cells_in(self.room[rows], self.max_width)

    def n_spans(self) -> np.ndarray:
        """How many spans there are of each width, (max_width,) int64."""
        columns = np.arange(self.max_width)  # (max_width,)
        longest_first = np.sort(self.lengths)[::-1]  # (n_docs,)
        n_long_enough = np.searchsorted(-longest_first, -columns)  # (max_width,), length > column
        totals = np.concatenate([[0], np.cumsum(longest_first)])  # (n_docs + 1,)
        return np.asarray(totals[n_long_enough] - n_long_enough * columns)

    def doc_sums(self, of_rows: Tensor) -> Tensor:
        """The sum over the rows of each document, (n_rows,) -> (n_docs,)."""
        docs = to_device(self.docs, of_rows.device)  # (n_rows,)
        return of_rows.new_zeros(self.n_docs).index_add(0, docs, of_rows)

    def chunks(self, max_rows: int, reach: int) -> Iterator[BandChunk]:
        """All rows, from the first to the last, some at a time. If there are none, that is a chunk.

        max_rows (int): How many rows at a time.
        reach (int): How many rows further, in both directions, a cell depends on other cells.
        """
        n_rows = self.n_rows
        for first in range(0, max(1, n_rows), max_rows):
            stop = min(n_rows, first + max_rows)
            starts = slice(max(0, first - reach), min(n_rows, stop + reach))
            tokens = slice(starts.start, min(n_rows, starts.stop + self.max_width - 1))
            yield BandChunk(slice(first, stop), starts, tokens)


def cells_in(room: Tensor, max_width: int) -> Tensor:
    """The cells that are spans, (n_rows, max_width) bool.

    room (Tensor): See BandLayout.room. *Shape:* (n_rows,)
    """
    columns = torch.arange(max_width, device=room.device)  # (max_width,)
    return columns < room.unsqueeze(1)


def neighbours(cells: Tensor, start_shift: int, end_shift: int) -> Tensor:
    """For each cell, what is in that of the span whose start and end are so many tokens further.

    It is 0 where the band has no such cell. Rows of other documents are not told apart.

    cells (Tensor): *Shape:* (n_rows, max_width, ...)
    RETURNS (Tensor): *Shape:* (n_rows, max_width, ...)
    """
    rows, from_rows = _overlap(cells.shape[0], start_shift)
    columns, from_columns = _overlap(cells.shape[1], end_shift - start_shift)
    shifted = torch.zeros_like(cells)
    shifted[rows, columns] = cells[from_rows, from_columns]
    return shifted


def _overlap(size: int, shift: int) -> tuple[slice, slice]:
    """The places i for which i + shift is one of 0 to size - 1 too, and these."""
    first, stop = max(0, -shift), max(0, min(size, size - shift))
    if stop <= first:
        return slice(0, 0), slice(0, 0)
    return slice(first, stop), slice(first + shift, stop + shift)
