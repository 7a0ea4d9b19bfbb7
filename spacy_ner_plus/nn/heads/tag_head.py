"""The head of a tagger: a linear layer from token vectors to tag scores."""

import torch
from torch import Tensor, nn

from ..crf import ParallelCRF, TagDecoder


class TagHead(nn.Module):
    """Token vectors to emissions, and the decoder that reads them.

    width (int): Length of a token vector; None for one without the linear layer, which is given
        emissions: those of an exported graph.
    decoder (TagDecoder | ParallelCRF): Constrained softmax or CRF over the tags, or several CRFs;
        its loss, best paths and probabilities are used on whole sequences, outside of forward.
    dropout (float): Share of vector elements dropped in training.

    Attributes:
        linear (nn.Linear): From vectors to emissions. Not there without a width.
    """

    linear: nn.Linear

    def __init__(
        self, width: int | None, decoder: TagDecoder | ParallelCRF, *, dropout: float
    ) -> None:
        super().__init__()
        self.width = width
        self.dropout = nn.Dropout(dropout)
        if width is not None:
            self.linear = nn.Linear(width, decoder.n_tags)
            nn.init.normal_(self.linear.weight, std=0.02)
            nn.init.zeros_(self.linear.bias)
        self.decoder = decoder

    @property
    def n_features(self) -> int:
        """Numbers of a token in the output: a score for each tag."""
        return self.decoder.n_tags

    def forward(self, vectors: Tensor) -> Tensor:
        """(rows, width) -> (rows, n_tags) emissions, always in float32."""
        with torch.autocast(vectors.device.type, enabled=False):
            emissions: Tensor = self.linear(self.dropout(vectors.float()))
            return emissions
