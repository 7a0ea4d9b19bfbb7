"""A learned mix of an encoder's layers in place of the last one.

Peters et al. (2018), "Deep contextualized word representations": scale * sum_i softmax(weights)_i *
layer_i. What lower layers know of a word's form is further from the surface in the last one.
"""

from collections.abc import Sequence

import torch
from torch import Tensor, nn


class LayerMix(nn.Module):
    """The mean of some layers at first; what each counts is learned.

    n_layers (int): How many, from 1.
    """

    def __init__(self, n_layers: int) -> None:
        super().__init__()
        self.weights = nn.Parameter(torch.zeros(n_layers))
        self.scale = nn.Parameter(torch.ones(()))

    def forward(self, layers: Sequence[Tensor]) -> Tensor:
        """Mix vectors.

        layers (Sequence[Tensor]): As many as there are weights. *Shape:* (..., width) each
        RETURNS (Tensor): float32. *Shape:* (..., width)
        """
        shares = torch.softmax(self.weights, 0)
        mixed = shares[0] * layers[0].float()  # (..., width)
        for i, layer in enumerate(layers[1:], 1):
            mixed = mixed + shares[i] * layer.float()
        return self.scale * mixed
