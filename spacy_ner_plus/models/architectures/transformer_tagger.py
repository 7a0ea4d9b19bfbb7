"""`spacy_ner_plus.TransformerTagger.v1`: Docs to emissions through a pretrained encoder."""

import logging
from collections.abc import Callable, Iterable
from typing import Any

import torch
from spacy import registry
from spacy.tokens import Doc
from thinc.api import Model
from torch import Tensor, nn

from ...nn.crf import CRF
from ...nn.heads.tag_head import TagHead
from ...nn.heads.taggers import TransformerTagger
from ...support.choices import check_choice
from ...tags import TagScheme
from ..decoding.emissions import Emissions
from ..onnx.shim import OnnxTaggerShim
from ..pretrained.loading import load_tags
from ..pretrained.tag_names import IMPROBABLE, NO_ROW, CheckpointTags, TagNamesError, adjacent
from ..runtime.shim_settings import WordpieceSettings
from ..runtime.tagger_shim import shim_of
from ..runtime.transformer_tagger_shim import TransformerTaggerShim
from .wordpiece_rows import wordpiece_rows

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
    freeze: str | int | None = None,
    precision: str = "auto",
    device: str = "auto",
    max_batch_pieces: int = 8192,
    gradient_checkpointing: bool = False,
    runtime: str = "torch",
    mix_layers: int | str = 0,
    context: int = 0,
    characters: str | None = None,
) -> Model[list[Doc], Emissions]:
    """A pretrained transformer with a linear layer and a CRF over tags.

    Building it loads nothing: the encoder is fetched by initialize, and a trained model is read
    from its own folder only.

    name (str): Hub name or local folder of a Hugging Face encoder. A fine-tuned
        token-classification checkpoint brings its own head: see docs/checkpoints.md.
    word_forms (str): "casing" adds a learned embedding of each token's casing to the encoder's
        input embeddings; None does not; "auto" does if the tokenizer lowercases.
    pooling (str): How a token's wordpieces become one vector: "first", "last", "mean" or "max".
    window (int): Longest input of the encoder in wordpieces, special tokens included. Longer
        documents are read in several windows.
    overlap (int): Wordpieces that neighbouring windows share. The default of .v1 is 64; the
        ner_plus factory and the configs of the project give 16.
    use_crf (bool): Learn transition scores. Invalid sequences are excluded either way.
    dropout (float): Dropout before the linear layer.
    head_lr_scale (float): Learning rate of head, CRF and word forms relative to the encoder's.
    lr_decay (float): Factor of the learning rate from each encoder layer to the one below.
    freeze (str / int): What of the encoder does not learn: None, "encoder", or the number of
        layers, counted from below, that stay as they are with the embeddings under them.
    precision (str): "fp32", "bf16", "fp16" (with loss scaling in training), or "auto": bf16 where
        the hardware has it, fp16 on older GPUs.
    device (str): "auto" (CUDA if there is any), "cpu", "cuda", "cuda:1", ...
    max_batch_pieces (int): Padded wordpieces that are in the encoder at once; in training, those
        whose activations are kept for the backward pass: the others are encoded twice.
    gradient_checkpointing (bool): In training, compute the activations within each layer again in
        the backward pass, instead of keeping them.
    runtime (str): "torch", or "onnx" for a pipeline that `ner-plus export` has written: see
        docs/onnx.md.
    mix_layers (int / str): Token vectors are a learned mix of this many last layers of the encoder,
        or of "all" (Peters et al. 2018), instead of the last one (0). It starts as their mean, and
        learns at the head's rate, with freeze = "encoder" too.
    context (int): Wordpieces of a document's text that each of its tokens has on both sides in the
        window that it is read from (Schweter and Akbik 2020), or all that there are. A document
        that one window holds has them anyway.
    characters (str): "cnn" adds what a small convolutional network makes of a token's characters
        (Ma and Hovy 2016) to the encoder's input embeddings; None does not. It can't be exported.
    RETURNS (Model[List[Doc], Emissions]): One row of tag scores per token that can be tagged.
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
    check_choice("runtime", runtime, tuple(RUNTIMES))
    shim = RUNTIMES[runtime](settings, use_crf=use_crf, dropout=dropout)
    model: Model[list[Doc], Emissions] = Model(
        "ner_plus_transformer",
        _forward,
        init=_initialize,
        attrs={"name": name},
        shims=[shim],
    )
    return model


def _initialize(
    model: Model[list[Doc], Emissions],
    X: Any = None,  # noqa: N803 (thinc's names)
    Y: Any = None,  # noqa: N803
) -> None:
    """Fetch the encoder and put a head for the shim's tag scheme on it.

    The head is a new one, or that of the checkpoint.
    """
    shim = _shim_of(model)
    shim.check_can_learn()
    name = model.attrs["name"]
    if shim.origin is not None:
        _take_over(shim, name, shim.origin)
        return
    encoder = shim.fetch_encoder(name)
    head = shim.make_head(encoder.width)
    shim.place(TransformerTagger(encoder, head, pooling=shim.config.pooling))


def find_origin(model: Model, given: Iterable[str] | None) -> CheckpointTags | None:
    """The tags of the checkpoint whose head initialize is to take over.

    It is the fine-tuned checkpoint that a model's settings name.

    given (Iterable[str]): Labels that the user wants; None if they are to be found. If none of
        them is the checkpoint's, or its tags can't be read, it serves as an encoder only.
    RETURNS (CheckpointTags): None if the model has no checkpoint, or the checkpoint no head.
    RAISES ValueError: If the encoder can't be loaded. TagNamesError: If its tags can't be read.
    """
    shim_of(model).check_can_learn()  # before its tags are forgotten
    name = model.attrs.get("name")
    if name is None:
        return None
    try:
        tags = load_tags(name)
    except TagNamesError as error:
        if given is None:
            raise
        logger.info("Only the encoder of '%s' is used, as labels were given. %s", name, error)
        return None
    if tags is not None and given is not None and not set(given) & set(tags.labels):
        logger.warning(
            "Only the encoder of '%s' is used, with a new head: none of its own labels %s is among "
            "those given.",
            name,
            list(tags.labels),
        )
        return None
    return tags


def _take_over(shim: TransformerTaggerShim, name: str, tags: CheckpointTags) -> None:
    """The checkpoint's encoder and head; labels that it does not have are added to it."""
    wanted = shim.scheme
    own = TagScheme(wanted.name, tags.labels)
    rows = tags.head_rows(own)
    if not (tags.separates or shim.use_crf):
        raise ValueError(
            f"The {tags.scheme} tags of '{name}' don't say where an entity ends and the next one "
            "with the same label begins, which takes transition scores: set use_crf = true."
        )
    if tags.unused:
        logger.warning("Not used of '%s' are the tags %s.", name, list(tags.unused))
    encoder, classifier = shim.fetch_token_classifier(name)
    shim.scheme = own
    head = shim.make_head(encoder.width)
    _fill_head(head, classifier, torch.from_numpy(rows))
    if not tags.separates:
        assert isinstance(head.decoder, CRF)
        with torch.no_grad():
            head.decoder.transition[torch.from_numpy(adjacent(own))] = IMPROBABLE
    shim.place(TransformerTagger(encoder, head, pooling=shim.config.pooling))
    if wanted != own:
        shim.grow(wanted)


@torch.no_grad()
def _fill_head(head: TagHead, classifier: nn.Linear, rows: Tensor) -> None:
    """Copy the classifier's rows; tags that have none are an improbable kind of O."""
    has_none = rows == NO_ROW  # (n_tags,)
    rows = rows.where(~has_none, rows[0])  # (n_tags,) of the classifier
    head.linear.weight.copy_(classifier.weight[rows])
    head.linear.bias.zero_()
    if classifier.bias is not None:
        head.linear.bias.copy_(classifier.bias[rows])
    head.linear.bias[has_none] += IMPROBABLE


# The kind of shim by setting.
RUNTIMES: dict[str, type[TransformerTaggerShim]] = {
    "torch": TransformerTaggerShim,
    "onnx": OnnxTaggerShim,
}


def _forward(
    model: Model[list[Doc], Emissions], docs: list[Doc], is_train: bool
) -> tuple[Emissions, Callable[[Tensor], list[Doc]]]:
    scores, row_tokens, backprop = wordpiece_rows(_shim_of(model), docs, is_train=is_train)
    return Emissions(scores, row_tokens), backprop


def _shim_of(model: Model) -> TransformerTaggerShim:
    [shim] = model.shims
    assert isinstance(shim, TransformerTaggerShim)
    return shim
