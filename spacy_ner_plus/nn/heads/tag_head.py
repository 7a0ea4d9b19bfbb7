"""Taggers: an encoder, pooling to token rows, and a linear layer to tag scores."""

import torch
from torch import Tensor, nn
from torch.utils.checkpoint import checkpoint

from ..crf import TagDecoder
from ..encoders.buckets import TensorBucket
from ..encoders.pooling import pool
from ..encoders.transformer import TransformerEncoder


class TagHead(nn.Module):
    """Token vectors to emissions, and the decoder that reads them.

    width (int): Length of a token vector.
    decoder (TagDecoder): Constrained softmax or CRF over the tags; its loss, best paths and
        probabilities are used on whole sequences, outside of forward.
    dropout (float): Share of vector elements dropped in training.
    """

    def __init__(self, width: int, decoder: TagDecoder, *, dropout: float) -> None:
        super().__init__()
        self.dropout = nn.Dropout(dropout)
        self.linear = nn.Linear(width, decoder.n_tags)
        nn.init.normal_(self.linear.weight, std=0.02)
        nn.init.zeros_(self.linear.bias)
        self.decoder = decoder

    def forward(self, vectors: Tensor) -> Tensor:
        """(rows, width) -> (rows, n_tags) emissions, always in float32."""
        with torch.autocast(vectors.device.type, enabled=False):
            emissions: Tensor = self.linear(self.dropout(vectors.float()))
            return emissions


class TransformerVectors(nn.Module):
    """Windows of wordpieces to one vector per token.

    encoder (TransformerEncoder): Gives one vector per piece.
    pooling (str): How a token's pieces become one vector: see nn.encoders.pooling.pool.
    """

    def __init__(self, encoder: TransformerEncoder, *, pooling: str) -> None:
        super().__init__()
        self.encoder = encoder
        self.pooling = pooling

    def forward(
        self, buckets: list[TensorBucket], n_rows: int, n_recomputed: int = 0
    ) -> Tensor:
        """The vectors of all tokens of a batch.

        buckets (list[TensorBucket]): The windows; together they hold every row at least once.
        n_rows (int): Rows of the batch.
        n_recomputed (int): The activations of this many first buckets are not kept for the
            backward pass, but computed again in it, with the same dropout and precision.
        RETURNS: (n_rows, width) float32. A token that was split over windows is pooled in each,
            and the vectors are averaged, weighted by pieces (for mean pooling, exactly the mean).
        """
        parts, rows = [], []
        for i, bucket in enumerate(buckets):
            inputs = (
                bucket.ids,
                bucket.mask,
                bucket.forms,
                bucket.positions,
                bucket.parts,
                bucket.part_weights,
            )
            if i < n_recomputed:
                parts.append(checkpoint(self._read_parts, *inputs, use_reentrant=False))
            else:
                parts.append(self._read_parts(*inputs))
            rows.append(bucket.part_rows)
        weight = next(self.encoder.parameters())
        result = weight.new_zeros(n_rows, self.n_outputs, dtype=torch.float32)
        if not parts:
            return result
        return result.index_add(0, torch.cat(rows), torch.cat(parts))

    @property
    def n_outputs(self) -> int:
        """Numbers in a row of the output."""
        return self.encoder.width

    def read_out(self, pooled: Tensor) -> Tensor:
        """(parts, width) -> (parts, n_outputs)"""
        return pooled

    def _read_parts(
        self,
        ids: Tensor,
        mask: Tensor,
        forms: Tensor,
        positions: Tensor,
        parts: Tensor,
        part_weights: Tensor,
    ) -> Tensor:
        """(parts, n_outputs): the weighted output of a bucket's row parts."""
        hidden = self.encoder(ids, mask, forms)
        pooled = pool(
            hidden.flatten(0, 1),  # (windows * length, width)
            positions,
            parts,
            len(part_weights),
            self.pooling,
        )
        return self.read_out(pooled) * part_weights.unsqueeze(1)


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
        return self.head.linear.out_features

    def read_out(self, pooled: Tensor) -> Tensor:
        """(parts, width) -> (parts, n_tags)"""
        emissions: Tensor = self.head(pooled)
        return emissions


class TokenTagger(nn.Module):
    """Token vectors from elsewhere to emissions."""

    def __init__(self, head: TagHead) -> None:
        super().__init__()
        self.head = head

    def forward(self, vectors: Tensor) -> Tensor:
        """(n_rows, width) -> (n_rows, n_tags) float32 emissions."""
        emissions: Tensor = self.head(vectors)
        return emissions
