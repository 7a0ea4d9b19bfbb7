"""Rows of features: what is known of the tokens of some documents, before spans are looked at."""

from dataclasses import dataclass
from functools import cached_property

import numpy as np
from torch import Tensor


@dataclass(frozen=True)
class RowFeatures:
    """Features of the tokens of some Docs, still on the model's device.

    features: (n_rows, n_features) float32, the rows of all Docs one after the other.
    row_tokens: for each Doc, (n_rows_of_doc,) int64: the token that each row belongs to,
        ascending. Tokens that take no part have no row.
    """

    features: Tensor
    row_tokens: list[np.ndarray]

    @cached_property
    def lengths(self) -> np.ndarray:
        """(n_docs,) rows of each Doc."""
        return np.array([len(tokens) for tokens in self.row_tokens], dtype=np.int64)
