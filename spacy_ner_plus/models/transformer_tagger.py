"""`spacy_ner_plus.TransformerTagger.v1`: Docs to emissions through a pretrained encoder."""

import logging
from collections.abc import Callable
from dataclasses import fields
from typing import Any

import torch
from spacy import registry
from spacy.tokens import Doc
from thinc.api import Model
from thinc.types import ArgsKwargs
from torch import Tensor

from ..nn.tagger import TagHead, TensorBucket, TransformerTagger
from ..nn.transformer import TransformerEncoder
from ..text.batches import POOLINGS, Bucket, make_batch
from ..text.features import WORD_FORMS
from .device import PRECISIONS
from .emissions import Emissions
from .pretrained import load_encoder, load_tokenizer
from .shim import TaggerShim, shim_of
from .tagging import make_decoder

logger = logging.getLogger("spacy_ner_plus")


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
    precision (str): "fp32", "bf16", or "auto": bf16 where the hardware has it.
    device (str): "auto" (CUDA if there is any), "cpu", "cuda", "cuda:1", ...
    max_batch_pieces (int): Padded wordpieces that go through the encoder at once.
    RETURNS (Model[List[Doc], Emissions]): One row of tag scores per token that can be tagged.
    RAISES ValueError: A setting is out of range.
    """
    _check(
        word_forms=word_forms,
        pooling=pooling,
        window=window,
        overlap=overlap,
        dropout=dropout,
        head_lr_scale=head_lr_scale,
        lr_decay=lr_decay,
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
        },
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
    name = model.attrs["name"]
    tokenizer = load_tokenizer(name)
    setting = shim.cfg["word_forms"]
    wanted = setting == "casing" or (setting == "auto" and tokenizer.lowercases)
    encoder = load_encoder(name, n_word_forms=len(WORD_FORMS) if wanted else 0)
    shim.tokenizer = tokenizer
    shim.place(_assemble(encoder, shim))


def _rebuild(shim: TaggerShim, saved: dict[str, Any]) -> TransformerTagger:
    """The module of a saved model, without weights and without network."""
    setting = shim.cfg["word_forms"]
    if setting != "auto" and (setting == "casing") != saved["word_forms"]:
        trained = "with" if saved["word_forms"] else "without"
        raise ValueError(
            f"The weights were trained {trained} word forms, but the config says word_forms = "
            f"{setting!r}. This setting can't be changed after training."
        )
    n_word_forms = len(WORD_FORMS) if saved["word_forms"] else 0
    encoder = TransformerEncoder.from_config(saved["encoder"], n_word_forms=n_word_forms)
    return _assemble(encoder, shim)


def _assemble(encoder: TransformerEncoder, shim: TaggerShim) -> TransformerTagger:
    window, limit = shim.cfg["window"], encoder.max_pieces
    if limit is not None and window > limit:
        raise ValueError(
            f"The window of {window} wordpieces is larger than the {limit} that the encoder can "
            f"read at once: set window to at most {limit}. Documents may be of any length."
        )
    room = window - shim.tokenizer.n_special
    if shim.cfg["overlap"] >= room:
        raise ValueError(
            f"overlap = {shim.cfg['overlap']} must be less than {room}: a window of {window} "
            f"wordpieces holds {shim.tokenizer.n_special} special tokens of the encoder."
        )
    decoder = make_decoder(shim.scheme, use_crf=shim.structure["use_crf"])
    head = TagHead(encoder.width, decoder, dropout=shim.cfg["dropout"])
    return TransformerTagger(encoder, head, pooling=shim.structure["pooling"])


def _forward(
    model: Model[list[Doc], Emissions], docs: list[Doc], is_train: bool
) -> tuple[Emissions, Callable[[Any], Any]]:
    """thinc's PyTorchWrapper protocol: inputs to tensors, through the shim, and gradients back."""
    shim = shim_of(model)
    device = shim.device  # asked first: it tells a user that there are no weights yet
    batch = make_batch(
        docs,
        shim.tokenizer,
        window=shim.cfg["window"],
        overlap=shim.cfg["overlap"],
        pooling=shim.structure["pooling"],
        max_batch_pieces=model.attrs["max_batch_pieces"],
    )
    if batch.n_split:
        logger.warning(
            "%d token(s) are longer than a window of %d wordpieces: each is split over windows "
            "of its own.",
            batch.n_split,
            shim.cfg["window"],
        )
    buckets = [_to_device(bucket, device) for bucket in batch.buckets]
    scores, backprop_torch = shim(ArgsKwargs(args=(buckets, batch.n_rows), kwargs={}), is_train)

    def backprop(d_scores: Tensor) -> list[Doc]:
        backprop_torch(ArgsKwargs(args=((scores,),), kwargs={"grad_tensors": (d_scores,)}))
        return []  # text has no gradient

    return Emissions(scores, batch.row_tokens), backprop


def _to_device(bucket: Bucket, device: torch.device) -> TensorBucket:
    """Copy a bucket's arrays; on a GPU from pinned memory, so that the copy does not wait."""
    tensors = [torch.from_numpy(getattr(bucket, f.name)) for f in fields(Bucket)]
    if device.type == "cuda":
        tensors = [t.pin_memory().to(device, non_blocking=True) for t in tensors]
    return TensorBucket(*tensors)


def _check(**settings: Any) -> None:
    """Refuse settings that are out of range, before anything is loaded."""
    choices = {
        "word_forms": ("auto", "casing", None),
        "pooling": POOLINGS,
        "precision": PRECISIONS,
    }
    for name, permitted in choices.items():
        if settings[name] not in permitted:
            raise ValueError(f"{name} = {settings[name]!r} is unknown: use one of {permitted}.")
    if not 0 <= settings["overlap"] < settings["window"]:
        raise ValueError(
            f"overlap = {settings['overlap']} must be at least 0 and less than window = "
            f"{settings['window']}."
        )
    if not 0.0 <= settings["dropout"] < 1.0:
        raise ValueError(f"dropout = {settings['dropout']} must be at least 0 and less than 1.")
    for name in ("head_lr_scale", "lr_decay", "max_batch_pieces"):
        if settings[name] <= 0:
            raise ValueError(f"{name} = {settings[name]} must be more than 0.")
    if settings["lr_decay"] > 1.0:
        raise ValueError(f"lr_decay = {settings['lr_decay']} must be at most 1.")
