"""`spacy_ner_plus.TokenSpans.v1`: a head of spans over any tok2vec."""

from collections.abc import Callable
from typing import Any

from spacy import registry
from spacy.tokens import Doc
from thinc.api import Model
from torch import Tensor

from ...nn.heads.span_readers import TokenSpanReader
from ..decoding.row_features import RowFeatures
from ..decoding.span_settings import SpanHeadSettings
from ..runtime.shim_settings import TorchSettings
from ..runtime.span_shim import TokenSpanShim, span_shim_of
from .tok2vec_rows import GRAD_FACTOR, initialize_tok2vec, read_grad_factor, tok2vec_rows
from .token_vectors import Tok2Vec


@registry.architectures("spacy_ner_plus.TokenSpans.v1")
def build_token_spans_v1(
    tok2vec: Tok2Vec,
    head: str = "biaffine",
    max_width: int = 12,
    hidden_width: int = 128,
    convolutions: int = 1,
    channels: int = 64,
    chains: str = "labels",
    max_levels: int = 3,
    tag_scheme: str = "BILOU",
    dropout: float = 0.1,
    head_lr_scale: float = 1.0,
    grad_factor: float = 1.0,
    device: str = "auto",
) -> Model[list[Doc], RowFeatures]:
    """A head of spans, which may nest and overlap, over the vectors of any tok2vec or listener.

    Whitespace tokens take no part: no span starts or ends on one, and none is wider for it.

    tok2vec (Model[List[Doc], List[Floats2d]]): Gives (n_tokens, width) for each Doc: see
        build_token_tagger_v1. A flat ner_plus can listen to the same one.
    head, max_width, hidden_width, convolutions, channels, chains, max_levels, tag_scheme, dropout:
        See build_transformer_spans_v1.
    head_lr_scale (float): Learning rate of the head relative to the optimizer's. 1 suits the rates
        of spaCy's own networks (0.001), 10 those of pretrained transformers that have no lr_scale.
    grad_factor (float): Weight of the component among those that a shared tok2vec learns from: the
        gradient that it gets is multiplied by it. With 0 it learns from the others alone.
    device (str): Where the head runs: "auto" (CUDA if there is any), "cpu", "cuda", "cuda:1", ...
    RETURNS (Model[List[Doc], RowFeatures]): One row of features per token that can be in a span.
    RAISES ValueError: A setting is out of range.
    """
    attrs = {GRAD_FACTOR: read_grad_factor(grad_factor)}
    settings = TorchSettings(device=device, precision="fp32", head_lr_scale=head_lr_scale)
    of_head = SpanHeadSettings(
        head=head,
        max_width=max_width,
        hidden_width=hidden_width,
        convolutions=convolutions,
        channels=channels,
        chains=chains,
        max_levels=max_levels,
        tag_scheme=tag_scheme,
    )
    return Model(
        "ner_plus_token_spans",
        _forward,
        init=_initialize,
        layers=[tok2vec],
        attrs=attrs,
        shims=[TokenSpanShim(settings, head=of_head, dropout=dropout)],
    )


def _initialize(
    model: Model[list[Doc], RowFeatures],
    X: list[Doc] | None = None,  # noqa: N803 (thinc's names)
    Y: Any = None,  # noqa: N803
) -> None:
    """Set the tok2vec up, see how long its vectors are, and put a new head on them."""
    shim = span_shim_of(model)
    shim.place(TokenSpanReader(shim.make_head(initialize_tok2vec(model, X))))


def _forward(
    model: Model[list[Doc], RowFeatures], docs: list[Doc], is_train: bool
) -> tuple[RowFeatures, Callable[[Tensor], list[Doc]]]:
    features, row_tokens, backprop = tok2vec_rows(
        model, span_shim_of(model), docs, is_train=is_train
    )
    return RowFeatures(features, row_tokens), backprop
