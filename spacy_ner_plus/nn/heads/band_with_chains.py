"""Both heads of spans over the same token vectors."""

import torch
from torch import Tensor

from .chain_head import ChainHead
from .span_band import SpanBandHead
from .span_head import SpanHead


class BandWithChains(SpanHead):
    """The features of the band, and those of the chains behind them.

    band (SpanBandHead): For spans up to its width.
    chains (ChainHead): For wider ones. It learns from all.
    """

    undecayed = (
        *(f"band.{name}" for name in SpanBandHead.undecayed),
        *(f"chains.{name}" for name in ChainHead.undecayed),
    )

    def __init__(self, band: SpanBandHead, chains: ChainHead) -> None:
        super().__init__()
        self.band = band
        self.chains = chains

    @property
    def width(self) -> int | None:
        """See SpanHead.width."""
        return self.band.width

    @property
    def n_features(self) -> int:
        """Those of both."""
        return self.band.n_features + self.chains.n_features

    def read_tokens(self, vectors: Tensor) -> Tensor:
        """(n_rows, width) -> (n_rows, n_features) float32."""
        parts = [self.band.read_tokens(vectors), self.chains.read_tokens(vectors)]
        return torch.cat(parts, dim=1)

    def split(self, features: Tensor) -> tuple[Tensor, Tensor]:
        """The features of the band and those of the chains, (n_rows, n) each."""
        of_band = self.band.n_features
        return features[:, :of_band], features[:, of_band:]
