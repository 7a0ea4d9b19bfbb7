"""`spacy_ner_plus.TransformerTagger.v1`: Docs to emissions through a pretrained encoder."""

from collections.abc import Callable
from typing import Any

from spacy import registry
from spacy.tokens import Doc
from thinc.api import Model
from thinc.types import ArgsKwargs
from torch import Tensor

from ..nn.tagger import TransformerTagger
from . import encoder
from .emissions import Emissions
from .shim import TaggerShim, shim_of


@registry.architectures("spacy_ner_plus.TransformerTagger.v1")
def build_transformer_tagger_v1(
    name: str,
    word_forms: str | None = "auto",
    pooling: str = "first",
    window: int = 256,
    overlap: int = 64,
    use_crf: bool = True,
    dropout: float = 0.1,
    head_lr_scale: float = 10.0,
    lr_decay: float = 1.0,
    freeze: str | int | None = None,
    precision: str = "auto",
    device: str = "auto",
    max_batch_pieces: int = 8192,
) -> Model[list[Doc], Emissions]:
    """A pretrained transformer with a linear layer and a CRF over tags.

    Building it loads nothing: the encoder is fetched by initialize, and a trained model is read
    from its own folder only.

    name (str): Hub name or local folder of a Hugging Face encoder.
    word_forms (str): "casing" adds a learned embedding of each token's casing to the encoder's
        input embeddings; None does not; "auto" does if the tokenizer lowercases.
    pooling (str): How a token's wordpieces become one vector: "first", "last", "mean" or "max".
    window (int): Longest input of the encoder in wordpieces, special tokens included. Longer
        documents are read in several windows.
    overlap (int): Wordpieces that neighbouring windows share.
    use_crf (bool): Learn transition scores. Invalid sequences are excluded either way.
    dropout (float): Dropout before the linear layer.
    head_lr_scale (float): Learning rate of head, CRF and word forms relative to the encoder's.
    lr_decay (float): Factor of the learning rate from each encoder layer to the one below.
    freeze (str / int): What of the encoder does not learn: None, "encoder", or the number of
        layers, counted from below, that stay as they are with the embeddings under them.
    precision (str): "fp32", "bf16", or "auto": bf16 where the hardware has it.
    device (str): "auto" (CUDA if there is any), "cpu", "cuda", "cuda:1", ...
    max_batch_pieces (int): Padded wordpieces that go through the encoder at once.
    RETURNS (Model[List[Doc], Emissions]): One row of tag scores per token that can be tagged.
    RAISES ValueError: A setting is out of range.
    """
    encoder.check_settings(
        word_forms=word_forms,
        pooling=pooling,
        window=window,
        overlap=overlap,
        dropout=dropout,
        head_lr_scale=head_lr_scale,
        lr_decay=lr_decay,
        freeze=freeze,
        precision=precision,
        max_batch_pieces=max_batch_pieces,
    )
    shim = TaggerShim(
        structure={"pooling": pooling, "use_crf": use_crf},
        config={
            "dropout": dropout,
            "window": window,
            "overlap": overlap,
            "word_forms": word_forms,
            "freeze": freeze,
        },
        describe=encoder.describe,
        rebuild=_rebuild,
        device=device,
        precision=precision,
        head_lr_scale=head_lr_scale,
        lr_decay=lr_decay,
    )
    model: Model[list[Doc], Emissions] = Model(
        "ner_plus_transformer",
        _forward,
        init=_initialize,
        attrs={
            "name": name,
            "max_batch_pieces": max_batch_pieces,
        },
        shims=[shim],
    )
    return model


def _initialize(
    model: Model[list[Doc], Emissions],
    X: Any = None,  # noqa: N803 (thinc's names)
    Y: Any = None,  # noqa: N803
) -> None:
    """Fetch the encoder and put a new head for the shim's tag scheme on it."""
    shim = shim_of(model)
    loaded = encoder.load(model.attrs["name"], shim)
    head = shim.make_head(loaded.width)
    shim.place(TransformerTagger(loaded, head, pooling=shim.structure["pooling"]))


def _rebuild(shim: TaggerShim, saved: dict[str, Any]) -> TransformerTagger:
    rebuilt = encoder.rebuild(shim, saved)
    head = shim.make_head(rebuilt.width)
    return TransformerTagger(rebuilt, head, pooling=shim.structure["pooling"])


def _forward(
    model: Model[list[Doc], Emissions], docs: list[Doc], is_train: bool
) -> tuple[Emissions, Callable[[Any], Any]]:
    """thinc's PyTorchWrapper protocol: inputs to tensors, through the shim, and gradients back."""
    shim = shim_of(model)
    batch, buckets = encoder.read_docs(
        shim, docs, max_batch_pieces=model.attrs["max_batch_pieces"]
    )
    scores, backprop_torch = shim(ArgsKwargs(args=(buckets, batch.n_rows), kwargs={}), is_train)

    def backprop(d_scores: Tensor) -> list[Doc]:
        backprop_torch(ArgsKwargs(args=((scores,),), kwargs={"grad_tensors": (d_scores,)}))
        return []  # text has no gradient

    return Emissions(scores, batch.row_tokens), backprop
