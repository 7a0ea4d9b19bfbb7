"""The shim of a tagger with a pretrained encoder of its own."""

from typing import Any

from torch import nn

from ...nn.heads.taggers import TransformerTagger
from .tagger_shim import TaggerShim
from .wordpiece_shim import WordpieceShim


class TransformerTaggerShim(WordpieceShim, TaggerShim):
    """A TransformerTagger: an encoder, and a TagHead over its vectors."""

    def rebuild(self, saved: dict[str, Any]) -> nn.Module:
        """See TorchShim.rebuild. It is an encoder with a head."""
        encoder = self.rebuild_encoder(saved)
        head = self.make_head(encoder.width)
        return TransformerTagger(encoder, head, pooling=self.config.pooling)
