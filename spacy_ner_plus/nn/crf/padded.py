"""Padded tensors in and out, for those who have them: users of pytorch-crf, for example."""

from typing import TYPE_CHECKING

import torch
from torch import Tensor

from .lattice import Lattice
from .layout import Layout

if TYPE_CHECKING:
    from .decoder import TagDecoder


class PaddedBatch:
    """A padded batch of emissions under a decoder. `TagDecoder.padded` makes one.

    Everything else that a decoder can do takes and gives flat tensors, without padding: `flatten`
    and `pad` convert.

    Attributes:
        emissions (Tensor): without padding, the sequences one after the other. *Shape:* (N, tags)
        layout (Layout): where the sequences are in it.
    """

    emissions: Tensor
    layout: Layout

    def __init__(self, decoder: "TagDecoder", emissions: Tensor, mask: Tensor | None) -> None:
        """emissions, mask (Tensor): see `TagDecoder.padded`."""
        if emissions.dim() != 3 or emissions.shape[-1] != decoder.n_tags:
            raise ValueError(
                f"emissions must have shape (batch, time, {decoder.n_tags}), "
                f"got {tuple(emissions.shape)}"
            )
        if mask is None:
            mask = torch.ones(emissions.shape[:2], dtype=torch.bool, device=emissions.device)
        self._decoder = decoder
        self._mask = mask.bool()  # (batch, time)
        self.layout = Layout(self._mask.sum(1), emissions.device)
        self.emissions = self.flatten(emissions)  # (N, tags)

    def flatten(self, padded: Tensor) -> Tensor:
        """(batch, time, ...) -> (N, ...). Differentiable; padding is never looked at.

        RAISES (ValueError): it is not of the mask's shape.
        """
        if padded.shape[:2] != self._mask.shape:
            raise ValueError(
                f"mask has shape (batch, time) = {tuple(self._mask.shape)}, which does not go with "
                f"{tuple(padded.shape)}"
            )
        return padded[self._mask]

    def pad(self, flat: Tensor) -> Tensor:
        """(N, ...) -> (batch, time, ...) with zeros on padding."""
        padded = flat.new_zeros(*self._mask.shape, *flat.shape[1:])
        padded[self._mask] = flat
        return padded

    def loss(self, tags: Tensor) -> Tensor:
        """The loss of each sequence: see the decoder's own.

        tags (Tensor): int64 ids, *Shape:* (batch, time); or, where the annotation leaves some
            open, bool, the tags that it permits. *Shape:* (batch, time, tags)
        RETURNS (Tensor): fp64, differentiable. *Shape:* (batch,)
        RAISES (ValueError): a tag is unknown, or as the decoder's own.
        """
        flat = self.flatten(tags)  # (N,) or (N, tags)
        n_tags = self._decoder.n_tags
        if flat.dim() == 1 and flat.dtype == torch.int64:
            if bool(((flat < 0) | (flat >= n_tags)).any()):
                raise ValueError(f"tags must be from 0 to {n_tags - 1} where there is a token")
            flat = flat[:, None] == torch.arange(n_tags, device=flat.device)  # (N, tags)
        return self._decoder.loss(self.emissions, self.layout, flat)

    def decode(self) -> list[list[int]]:
        """RETURNS (list[list[int]]): the best valid path of each sequence, without padding."""
        tags = self._decoder.decode(self.emissions, self.layout)  # (N,)
        return [path.tolist() for path in tags.split(self.layout.lengths.tolist())]

    def lattice(self, *, temperature: float = 1.0) -> Lattice:
        """RETURNS (Lattice): probabilities of tags, spans and whole paths, in flat order."""
        return self._decoder.lattice(self.emissions, self.layout, temperature=temperature)

    def marginals(self) -> Tensor:
        """The probability of each tag of each token.

        RETURNS (Tensor): P(tag of a token), fp64; 0 on padding. *Shape:* (batch, time, tags)
        """
        return self.pad(self.lattice().marginals())
