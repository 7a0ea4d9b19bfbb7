"""A tagger over features that a token has or has not: a weight for each feature and tag."""

from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional

from ..crf import TagDecoder


class FeatureHead(nn.Module):
    """The features of tokens to emissions, and the decoder that reads them.

    n_features (int): How many features there are.
    decoder (TagDecoder): See TagHead.
    """

    def __init__(self, n_features: int, decoder: TagDecoder) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.zeros(n_features, decoder.n_tags))
        self.bias = nn.Parameter(torch.zeros(decoder.n_tags))
        self.decoder = decoder

    def forward(self, features: Tensor, starts: Tensor) -> Tensor:
        """The sums of the weights of each token's features, (n_rows, n_tags).

        features (Tensor): int64, the features of all tokens, one token after the other.
        starts (Tensor): int64, where those of each token begin. *Shape:* (n_rows,)
        """
        sums: Tensor = functional.embedding_bag(features, self.weight, starts, mode="sum")
        return sums + self.bias


class FeatureTagger(nn.Module):
    """Features to emissions, as module of a shim."""

    def __init__(self, head: FeatureHead) -> None:
        super().__init__()
        self.head = head

    @property
    def config(self) -> dict[str, Any]:
        """What it is, as plain data."""
        return {"n_features": len(self.head.weight)}

    def forward(self, features: Tensor, starts: Tensor) -> Tensor:
        """See FeatureHead.forward."""
        emissions: Tensor = self.head(features, starts)
        return emissions
