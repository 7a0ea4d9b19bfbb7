"""`spacy_ner_plus.TransformerSpans.v1`: Docs to rows of features through a pretrained encoder."""

from collections.abc import Callable
from typing import Any

from spacy import registry
from spacy.tokens import Doc
from thinc.api import Model
from torch import Tensor

from ...nn.heads.span_readers import TransformerSpanReader
from ..decoding.row_features import RowFeatures
from ..runtime.shim_settings import WordpieceSettings
from ..runtime.span_settings import SpanHeadSettings
from ..runtime.span_shim import TransformerSpanShim
from .wordpiece_rows import wordpiece_rows


@registry.architectures("spacy_ner_plus.TransformerSpans.v1")
def build_transformer_spans_v1(
    name: str,
    word_forms: str | None = "auto",
    pooling: str = "first",
    window: int = 256,
    overlap: int = 16,
    head: str = "biaffine",
    max_width: int = 12,
    hidden_width: int = 128,
    convolutions: int = 0,
    channels: int = 64,
    dropout: float = 0.1,
    head_lr_scale: float = 10.0,
    lr_decay: float = 1.0,
    freeze: str | int | None = None,
    precision: str = "auto",
    device: str = "auto",
    max_batch_pieces: int = 8192,
    gradient_checkpointing: bool = False,
) -> Model[list[Doc], RowFeatures]:
    """A pretrained transformer with a head of spans, which may nest and overlap.

    Building it loads nothing: the encoder is fetched by initialize, and a trained model is read
    from its own folder only.

    name (str): Hub name or local folder of a Hugging Face encoder.
    word_forms, pooling, window, overlap: See build_transformer_tagger_v1.
    head (str): "biaffine": the score of a span is a product of its first and its last token, with
        linear terms of both, of all its tokens, and of its width.
    max_width (int): Tokens of the widest spans that it can find. Time and memory grow with it, in
        proportion.
    hidden_width (int): Numbers of a token as the first one of a span, as the last one, and as one
        of it.
    convolutions (int): Convolutions over spans that are next to each other; 0 for none.
    channels (int): Numbers of a span within them.
    dropout (float): Dropout of token vectors, and of their features.
    head_lr_scale (float): Learning rate of head and word forms relative to the encoder's.
    lr_decay, freeze, precision, device, max_batch_pieces, gradient_checkpointing: See
        build_transformer_tagger_v1.
    RETURNS (Model[List[Doc], RowFeatures]): One row of features per token that can be in a span.
    RAISES ValueError: A setting is out of range.
    """
    settings = WordpieceSettings(
        word_forms=word_forms,
        pooling=pooling,
        window=window,
        overlap=overlap,
        head_lr_scale=head_lr_scale,
        lr_decay=lr_decay,
        freeze=freeze,
        precision=precision,
        device=device,
        max_batch_pieces=max_batch_pieces,
        gradient_checkpointing=gradient_checkpointing,
    )
    of_head = SpanHeadSettings(
        head=head,
        max_width=max_width,
        hidden_width=hidden_width,
        convolutions=convolutions,
        channels=channels,
    )
    return Model(
        "ner_plus_transformer_spans",
        _forward,
        init=_initialize,
        attrs={"name": name},
        shims=[TransformerSpanShim(settings, head=of_head, dropout=dropout)],
    )


def _initialize(
    model: Model[list[Doc], RowFeatures],
    X: Any = None,  # noqa: N803 (thinc's names)
    Y: Any = None,  # noqa: N803
) -> None:
    """Fetch the encoder and put a head for the shim's labels on it."""
    shim = _shim_of(model)
    encoder = shim.fetch_encoder(model.attrs["name"])
    head = shim.make_head(encoder.width)
    shim.place(TransformerSpanReader(encoder, head, pooling=shim.config.pooling))


def _forward(
    model: Model[list[Doc], RowFeatures], docs: list[Doc], is_train: bool
) -> tuple[RowFeatures, Callable[[Tensor], list[Doc]]]:
    features, row_tokens, backprop = wordpiece_rows(_shim_of(model), docs, is_train=is_train)
    return RowFeatures(features, row_tokens), backprop


def _shim_of(model: Model) -> TransformerSpanShim:
    [shim] = model.shims
    assert isinstance(shim, TransformerSpanShim)
    return shim
