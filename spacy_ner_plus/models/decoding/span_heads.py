"""All heads of spans, by the name that the setting `head` has for them."""

from typing import Any

from .band_decoder import BandDecoder
from .band_with_chains_decoder import BandWithChainsDecoder
from .chain_decoder import ChainDecoder
from .span_decoder import SpanDecoder
from .span_settings import BIAFFINE, BOTH, CRF_PER_LABEL

DECODERS: dict[str, type[SpanDecoder[Any]]] = {
    BIAFFINE: BandDecoder,
    CRF_PER_LABEL: ChainDecoder,
    BOTH: BandWithChainsDecoder,
}
