"""From windows of wordpieces to one vector per token."""

from typing import Any

import torch
from torch import Tensor, nn
from torch.utils.checkpoint import checkpoint

from ...support.pauses import pause
from .buckets import TensorBucket
from .outside import outside_of_models
from .pooling import pool
from .transformer import TransformerEncoder


class TransformerVectors(nn.Module):
    """Windows of wordpieces to one vector per token.

    encoder (TransformerEncoder): Gives one vector per piece.
    pooling (str): How a token's pieces become one vector: see nn.encoders.pooling.pool.
    """

    def __init__(self, encoder: TransformerEncoder, *, pooling: str) -> None:
        super().__init__()
        self.encoder = encoder
        self.pooling = pooling

    def forward(self, buckets: list[TensorBucket], n_rows: int, n_recomputed: int = 0) -> Tensor:
        """The vectors of all tokens of a batch.

        buckets (list[TensorBucket]): The windows; together they hold every row at least once.
        n_rows (int): Rows of the batch.
        n_recomputed (int): The activations of this many first buckets are not kept for the
            backward pass, but computed again in it, with the same dropout and precision.
        RETURNS: (n_rows, n_outputs) float32. A token that was split over windows is pooled in
            each, and the vectors are averaged, weighted by pieces (for mean pooling, exactly the
            mean).
        """
        parts, rows = [], []  # (parts of a bucket, n_outputs) and (parts of a bucket,) each
        for i, bucket in enumerate(buckets):
            if i and not self.training:
                pause(outside_of_models)
            inputs = (
                bucket.ids,
                bucket.mask,
                bucket.forms,
                bucket.positions,
                bucket.parts,
                bucket.part_weights,
                bucket.characters,
            )
            if i < n_recomputed:
                parts.append(checkpoint(self.read_parts, *inputs, use_reentrant=False))
            else:
                parts.append(self.read_parts(*inputs))
            rows.append(bucket.part_rows)
        weight = next(self.encoder.parameters())
        result = weight.new_zeros(n_rows, self.n_outputs, dtype=torch.float32)
        if not parts:
            return result
        return result.index_add(0, torch.cat(rows), torch.cat(parts))  # (n_rows, n_outputs)

    @property
    def config(self) -> dict[str, Any]:
        """What it is, as plain data."""
        return {
            "encoder": self.encoder.config,
            "word_forms": self.encoder.word_forms is not None,
        }

    @property
    def n_outputs(self) -> int:
        """Numbers in a row of the output."""
        return self.encoder.width

    def read_out(self, pooled: Tensor) -> Tensor:
        """What the pooled vectors give, (parts, width) -> (parts, n_outputs)."""
        return pooled

    def read_parts(
        self,
        ids: Tensor,
        mask: Tensor,
        forms: Tensor,
        positions: Tensor,
        parts: Tensor,
        part_weights: Tensor,
        characters: Tensor | None = None,
    ) -> Tensor:
        """The weighted output of a bucket's row parts, (parts, n_outputs).

        The arguments are the bucket's fields.
        """
        encoded = self.encoder(ids, mask, forms, characters)  # (windows, length, width)
        hidden = encoded.flatten(0, 1)  # (windows * length, width)
        n_parts = part_weights.shape[0]
        pooled = pool(hidden, positions, parts, n_parts, self.pooling)  # (parts, width)
        return self.read_out(pooled) * part_weights.unsqueeze(1)
