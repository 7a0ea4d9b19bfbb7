"""The tagger: an encoder, pooling to token rows, and a linear layer to tag scores."""

from dataclasses import dataclass

import torch
from torch import Tensor, nn

from .crf import TagDecoder
from .pooling import pool
from .transformer import TransformerEncoder


@dataclass(frozen=True)
class TensorBucket:
    """Padded windows on a device; the fields are those of text.batches.Bucket as tensors."""

    ids: Tensor
    mask: Tensor
    forms: Tensor
    positions: Tensor
    parts: Tensor
    part_rows: Tensor
    part_weights: Tensor


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


class TransformerTagger(nn.Module):
    """Windows of wordpieces to one row of emissions per token.

    encoder (TransformerEncoder): Gives one vector per piece.
    head (TagHead): Gives emissions per pooled vector.
    pooling (str): How a token's pieces become one vector: see nn.pooling.pool.
    """

    def __init__(self, encoder: TransformerEncoder, head: TagHead, *, pooling: str) -> None:
        super().__init__()
        self.encoder = encoder
        self.head = head
        self.pooling = pooling

    def forward(self, buckets: list[TensorBucket], n_rows: int) -> Tensor:
        """Emissions of all tokens of a batch.

        buckets (list[TensorBucket]): The windows; together they hold every row at least once.
        n_rows (int): Rows of the batch.
        RETURNS: (n_rows, n_tags) float32. A token that was split over windows is pooled in each,
            and its emissions are averaged, weighted by pieces (for mean pooling, exactly the
            emissions of the mean).
        """
        parts, rows = [], []
        for bucket in buckets:
            hidden = self.encoder(bucket.ids, bucket.mask, bucket.forms)
            vectors = pool(
                hidden.flatten(0, 1),  # (windows * length, width)
                bucket.positions,
                bucket.parts,
                len(bucket.part_rows),
                self.pooling,
            )
            parts.append(self.head(vectors) * bucket.part_weights.unsqueeze(1))  # (parts, n_tags)
            rows.append(bucket.part_rows)
        emissions = self.head.linear.weight.new_zeros(n_rows, self.head.decoder.n_tags)
        if not parts:
            return emissions
        return emissions.index_add(0, torch.cat(rows), torch.cat(parts))
