"""Linear-chain CRF: losses, best paths and probabilities, batched and in fp64."""

from .crf import CRF
from .decoder import TagDecoder
from .distillation import SoftTargets
from .lattice import Lattice, SpanTags
from .layout import Layout
from .padded import PaddedBatch
from .span_factors import SpanFactors

__all__ = [
    "CRF",
    "Lattice",
    "Layout",
    "PaddedBatch",
    "SoftTargets",
    "SpanFactors",
    "SpanTags",
    "TagDecoder",
]
