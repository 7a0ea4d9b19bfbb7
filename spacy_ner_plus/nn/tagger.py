"""Taggers: an encoder, pooling to token rows, and a linear layer to tag scores."""

import torch
from torch import Tensor, nn
from torch.utils.checkpoint import checkpoint

from .buckets import TensorBucket
from .crf import TagDecoder
from .pooling import pool
from .transformer import TransformerEncoder


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
    pooling (str): How a token's pieces become one vector: see nn.pooling.pool.
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
                parts.append(checkpoint(self._part_vectors, *inputs, use_reentrant=False))
            else:
                parts.append(self._part_vectors(*inputs))
            rows.append(bucket.part_rows)
        weight = next(self.encoder.parameters())
        vectors = weight.new_zeros(n_rows, self.encoder.width, dtype=torch.float32)
        if not parts:
            return vectors
        return vectors.index_add(0, torch.cat(rows), torch.cat(parts))

    def _part_vectors(
        self,
        ids: Tensor,
        mask: Tensor,
        forms: Tensor,
        positions: Tensor,
        parts: Tensor,
        part_weights: Tensor,
    ) -> Tensor:
        """(parts, width): the weighted vectors of a bucket's row parts."""
        hidden = self.encoder(ids, mask, forms)
        pooled = pool(
            hidden.flatten(0, 1),  # (windows * length, width)
            positions,
            parts,
            len(part_weights),
            self.pooling,
        )
        return pooled * part_weights.unsqueeze(1)


class TransformerTagger(TransformerVectors):
    """Windows of wordpieces to one row of emissions per token."""

    def __init__(self, encoder: TransformerEncoder, head: TagHead, *, pooling: str) -> None:
        super().__init__(encoder, pooling=pooling)
        self.head = head

    def forward(
        self, buckets: list[TensorBucket], n_rows: int, n_recomputed: int = 0
    ) -> Tensor:
        """(n_rows, n_tags) float32 emissions: see TransformerVectors.forward."""
        emissions: Tensor = self.head(super().forward(buckets, n_rows, n_recomputed))
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
