"""`spacy_ner_plus.TransformerSpans.v1`: Docs to rows of features through a pretrained encoder."""

from collections.abc import Callable
from typing import Any

from spacy import registry
from spacy.tokens import Doc
from thinc.api import Model
from torch import Tensor

from ...nn.heads.span_readers import TransformerSpanReader
from ...support.choices import check_choice
from ..decoding.row_features import RowFeatures
from ..decoding.span_settings import SpanHeadSettings
from ..onnx.shim import OnnxSpanShim
from ..runtime.shim_settings import WordpieceSettings
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
    convolutions: int = 1,
    channels: int = 64,
    chains: str = "labels",
    max_levels: int = 3,
    tag_scheme: str = "BILOU",
    dropout: float = 0.1,
    head_lr_scale: float = 10.0,
    lr_decay: float = 1.0,
    freeze: str | int | None = None,
    precision: str = "auto",
    device: str = "auto",
    max_batch_pieces: int = 8192,
    gradient_checkpointing: bool = False,
    runtime: str = "torch",
    mix_layers: int | str = 0,
    context: int = 0,
    characters: str | None = None,
) -> Model[list[Doc], RowFeatures]:
    """A pretrained transformer with a head of spans, which may nest and overlap.

    Building it loads nothing: the encoder is fetched by initialize, and a trained model is read
    from its own folder only.

    name (str): Hub name or local folder of a Hugging Face encoder.
    word_forms, pooling, window, overlap: See build_transformer_tagger_v1.
    head (str): What scores spans.
        "biaffine": every span of up to max_width tokens has a score, a product of its first and its
        last token with linear terms of both, of all its tokens, and of its width. Any spans may
        be there together.
        "crf_per_label": as ner_plus, but with a small CRF for each label and each level of it.
        Spans may be of any width. Those of one label may nest as deep as it has levels, as many as
        initialize finds in the data; they can't cross at one level.
        "both": the spans of "biaffine", and those of "crf_per_label" that are wider than
        max_width. It takes the time of both.
    max_width (int): Of a biaffine head: tokens of the widest spans that it can find. Time and
        memory grow with it, in proportion.
    hidden_width (int): Of a biaffine head: numbers of a token as the first one of a span, as the
        last one, and as one of it.
    convolutions (int): Of a biaffine head: convolutions over spans that are next to each other, by
        which readings that differ by a token know of each other; 0 for none.
    channels (int): Numbers of a span within them.
    chains (str): Of CRFs: "labels", each label has its own; or "layers", all labels are in each, as
        in data with layers of annotation. A span's layer is how many others it lies within.
    max_levels (int): Of CRFs: the most of one label, or layers. What lies deeper can't be learned,
        and is counted by initialize.
    tag_scheme (str): Of CRFs: "BILOU" or "BIO".
    dropout (float): Dropout of token vectors, and of their features.
    head_lr_scale (float): Learning rate of head and word forms relative to the encoder's.
    lr_decay, freeze, precision, device, max_batch_pieces, gradient_checkpointing, runtime,
        mix_layers, context, characters: See build_transformer_tagger_v1.
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
        mix_layers=mix_layers,
        context=context,
        characters=characters,
    )
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
    check_choice("runtime", runtime, tuple(RUNTIMES))
    return Model(
        "ner_plus_transformer_spans",
        _forward,
        init=_initialize,
        attrs={"name": name},
        shims=[RUNTIMES[runtime](settings, head=of_head, dropout=dropout)],
    )


def _initialize(
    model: Model[list[Doc], RowFeatures],
    X: Any = None,  # noqa: N803 (thinc's names)
    Y: Any = None,  # noqa: N803
) -> None:
    """Fetch the encoder and put a head for the shim's labels on it."""
    shim = _shim_of(model)
    shim.check_can_learn()
    encoder = shim.fetch_encoder(model.attrs["name"])
    head = shim.make_head(encoder.width)
    shim.place(TransformerSpanReader(encoder, head, pooling=shim.config.pooling))


# The kind of shim by setting.
RUNTIMES: dict[str, type[TransformerSpanShim]] = {
    "torch": TransformerSpanShim,
    "onnx": OnnxSpanShim,
}


def _forward(
    model: Model[list[Doc], RowFeatures], docs: list[Doc], is_train: bool
) -> tuple[RowFeatures, Callable[[Tensor], list[Doc]]]:
    features, row_tokens, backprop = wordpiece_rows(_shim_of(model), docs, is_train=is_train)
    return RowFeatures(features, row_tokens), backprop


def _shim_of(model: Model) -> TransformerSpanShim:
    [shim] = model.shims
    assert isinstance(shim, TransformerSpanShim)
    return shim
