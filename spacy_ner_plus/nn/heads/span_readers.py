"""Modules that make rows of features for a head of spans.

The first step of a head, which is of one token at a time, runs here, bucket by bucket of an
encoder; all that is of spans runs outside, on the rows of whole documents.
"""

from typing import Any

from torch import Tensor, nn

from ..encoders.transformer import TransformerEncoder
from ..encoders.vectors import TransformerVectors
from .span_head import SpanHead


class TransformerSpanReader(TransformerVectors):
    """Windows of wordpieces to one row of features per token.

    The features of a token that was split over windows are the mean of those of its parts.
    """

    def __init__(self, encoder: TransformerEncoder, head: SpanHead, *, pooling: str) -> None:
        super().__init__(encoder, pooling=pooling)
        self.head = head

    @property
    def undecayed(self) -> tuple[str, ...]:
        """Parameters that are not drawn to 0, by their names or what these begin with."""
        return undecayed_of(self.head)

    @property
    def n_outputs(self) -> int:
        """Numbers in a row of the output."""
        return self.head.n_features

    def read_out(self, pooled: Tensor) -> Tensor:
        """The features, (parts, width) -> (parts, n_features)."""
        return self.head.read_tokens(pooled)


class TokenSpanReader(nn.Module):
    """Token vectors from elsewhere to rows of features."""

    def __init__(self, head: SpanHead) -> None:
        super().__init__()
        self.head = head

    @property
    def undecayed(self) -> tuple[str, ...]:
        """As TransformerSpanReader.undecayed."""
        return undecayed_of(self.head)

    @property
    def config(self) -> dict[str, Any]:
        """What it is, as plain data."""
        return {"width": self.head.width}

    def forward(self, vectors: Tensor) -> Tensor:
        """(n_rows, width) -> (n_rows, n_features) float32."""
        return self.head.read_tokens(vectors)


def undecayed_of(head: SpanHead) -> tuple[str, ...]:
    """The undecayed parameters of a head, by their names in a module that has it."""
    return tuple(f"head.{name}" for name in head.undecayed)
