"""The registered architectures."""

from .bilstm_vectors import build_bilstm_v1
from .feature_tagger import build_feature_tagger_v1
from .token_spans import build_token_spans_v1
from .token_tagger import build_token_tagger_v1
from .transformer_spans import build_transformer_spans_v1
from .transformer_tagger import build_transformer_tagger_v1
from .transformer_vectors import build_transformer_v1

__all__ = [
    "build_bilstm_v1",
    "build_feature_tagger_v1",
    "build_token_spans_v1",
    "build_token_tagger_v1",
    "build_transformer_spans_v1",
    "build_transformer_tagger_v1",
    "build_transformer_v1",
]
