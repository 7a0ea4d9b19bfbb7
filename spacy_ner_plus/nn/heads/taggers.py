"""Taggers: token vectors, and a head that makes emissions of them."""

from typing import Any

from torch import Tensor, nn

from ..encoders.transformer import TransformerEncoder
from ..encoders.vectors import TransformerVectors
from .tag_head import TagHead


class TransformerTagger(TransformerVectors):
    """Windows of wordpieces to one row of emissions per token.

    The head reads each bucket's vectors, so those of a whole document are never in memory at once.
    It is linear: the average of a split token's emissions is the emission of its average vector.
    """

    def __init__(self, encoder: TransformerEncoder, head: TagHead, *, pooling: str) -> None:
        super().__init__(encoder, pooling=pooling)
        self.head = head

    @property
    def n_outputs(self) -> int:
        """The number of tags: the output is (n_rows, n_tags) float32 emissions."""
        return self.head.n_features

    def read_out(self, pooled: Tensor) -> Tensor:
        """The scores of the tags, (parts, width) -> (parts, n_tags)."""
        emissions: Tensor = self.head(pooled)
        return emissions


class TokenTagger(nn.Module):
    """Token vectors from elsewhere to emissions."""

    def __init__(self, head: TagHead) -> None:
        super().__init__()
        self.head = head

    @property
    def config(self) -> dict[str, Any]:
        """What it is, as plain data."""
        return {"width": self.head.width}

    def forward(self, vectors: Tensor) -> Tensor:
        """(n_rows, width) -> (n_rows, n_tags) float32 emissions."""
        emissions: Tensor = self.head(vectors)
        return emissions
