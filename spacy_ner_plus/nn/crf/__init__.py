"""Linear-chain CRF: losses, best paths and probabilities, batched and in fp64."""

from .crf import CRF
from .decoder import TagDecoder
from .distillation import SoftTargets
from .lattice import Lattice, SpanTags
from .layout import Layout
from .padded import PaddedBatch
from .parallel_crf import ParallelCRF
from .span_factors import SpanFactors
from .span_search import likely_spans

__all__ = [
    "CRF",
    "Lattice",
    "Layout",
    "PaddedBatch",
    "ParallelCRF",
    "SoftTargets",
    "SpanFactors",
    "SpanTags",
    "TagDecoder",
    "likely_spans",
]
