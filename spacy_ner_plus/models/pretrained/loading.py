"""Loading of pretrained encoders with their tokenizers, by hub name or from a local folder."""

import logging
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from pickle import UnpicklingError
from typing import Any

import torch
from torch import nn
from transformers import (
    AutoConfig,
    AutoModel,
    AutoModelForTokenClassification,
    AutoTokenizer,
    PretrainedConfig,
    PreTrainedModel,
)
from transformers.utils import cached_file

from ...nn.encoders.encoder_config import plain_config
from ...nn.encoders.transformer import TransformerEncoder, adapt
from ...text.wordpieces import WordpieceTokenizer
from .secrets import redact, shown_cause
from .tag_names import CheckpointTags, parse_id2label
from .weight_names import WEIGHT_FILES, weight_names

logger = logging.getLogger("spacy_ner_plus")

# Pieces besides the special tokens; an alphabet of amino acids has 20.
MIN_VOCABULARY = 10


def load_encoder(name: str, *, n_word_forms: int) -> TransformerEncoder:
    """Load an encoder's weights. Runs no code from the hub.

    name (str): Hub name or local folder.
    n_word_forms (int): Word-form classes to embed; 0 for none.
    RAISES ValueError: If there is no such encoder, with what to do.
    """
    _check_name(name)
    with _named_errors("encoder", name):
        config = _load_config(name)
        model = AutoModel.from_pretrained(name, config=config, trust_remote_code=False)
        # transformers 5 keeps the checkpoint's own dtype: train in fp32, compute in what we choose
        return TransformerEncoder(model.float(), n_word_forms=n_word_forms)


def load_empty_encoder(name: str) -> TransformerEncoder:
    """An encoder without weights (on torch's meta device), to see its shape.

    Of one on the hub, only the configuration is fetched.

    name (str): Hub name or local folder.
    RAISES ValueError: If there is no such encoder, with what to do.
    """
    _check_name(name)
    with _named_errors("encoder", name):
        config = _load_config(name).to_dict()
        with torch.device("meta"):
            return TransformerEncoder.from_config(config)


def load_token_classifier(name: str, *, n_word_forms: int) -> tuple[TransformerEncoder, nn.Linear]:
    """Load an encoder's weights with those of the classifier it was fine-tuned with.

    name, n_word_forms: See load_encoder.
    RAISES ValueError: If there is no such checkpoint, or its head is of an unknown kind.
    """
    _check_name(name)
    # also if the architecture has no token classifier
    with _named_errors("token classifier", name):
        model, unused = _read_token_classifier(name)
    if unused:
        logger.warning("Not used of '%s' are the weights %s.", name, ", ".join(unused[:5]))
    return TransformerEncoder.from_token_classifier(model, n_word_forms=n_word_forms)


def load_tags(name: str) -> CheckpointTags | None:
    """The tags of a fine-tuned token-classification checkpoint; None for any other encoder.

    It is one if its config.json says so or, where that names no architecture, if it has all weights
    of such a model's head.

    name (str): Hub name or local folder.
    RAISES ValueError: If there is no such encoder. TagNamesError: If its tags can't be read.
    """
    _check_name(name)
    with _named_errors("encoder", name):
        config = _load_config(name)
        kinds = [str(kind) for kind in config.architectures or ()]
        if kinds:
            is_classifier = any(kind.endswith("ForTokenClassification") for kind in kinds)
        else:
            is_classifier = _has_classifier(name, config)
    return parse_id2label(config.id2label) if is_classifier else None


def load_tokenizer(name: str) -> WordpieceTokenizer:
    """Load an encoder's tokenizer.

    name (str): Hub name or local folder.
    RAISES ValueError: If there is none, or only one written in Python, which has no offsets.
    """
    _check_name(name)
    tokenizer: Any
    with _named_errors("tokenizer", name):
        tokenizer = AutoTokenizer.from_pretrained(name, use_fast=True, trust_remote_code=False)
    if not tokenizer.is_fast:
        raise ValueError(
            f"The tokenizer of '{name}' is a Python one, which does not say where its pieces lie "
            "in the text. Use an encoder with a fast tokenizer (a tokenizer.json), or convert it "
            "with transformers' save_pretrained."
        )
    # without its files, transformers 5 makes a tokenizer of special tokens and little else
    if len(tokenizer) - len(tokenizer.get_added_vocab()) < MIN_VOCABULARY:
        raise _cannot_load("tokenizer", name, "it has no vocabulary")
    pad_id = tokenizer.pad_token_id
    return WordpieceTokenizer(tokenizer.backend_tokenizer, pad_id=pad_id or 0)


def _has_classifier(name: str, config: PretrainedConfig) -> bool:
    """Whether a checkpoint has the weights of a token classifier's head.

    RAISES ValueError: If its weights can't be read.
    """
    try:
        with torch.device("meta"):
            model = AutoModelForTokenClassification.from_config(config, trust_remote_code=False)
    except ValueError:  # there are no such heads on this architecture
        return False
    encoder = f"{model.base_model_prefix}."
    parameters = {parameter for parameter, _ in model.named_parameters()}
    head = {one for one in parameters if one.endswith("weight") and not one.startswith(encoder)}
    for file_name in WEIGHT_FILES:
        try:
            path = cached_file(name, file_name)
        except OSError:  # there is none
            continue
        return path is not None and head <= weight_names(Path(path))
    return False


def _load_config(name: str) -> PretrainedConfig:
    """The configuration of an encoder."""
    config = AutoConfig.from_pretrained(name, trust_remote_code=False)
    if quantization := getattr(config, "quantization_config", None):
        raise ValueError(
            f"its config.json has a quantization_config ({quantization!r:.200}): ner_plus trains "
            "and saves plain weights. Use the checkpoint that it was made of"
        )
    plain_config(config.to_dict())  # what can't be loaded again is not trained either
    # a folder may name an attention kernel that transformers would fetch and run
    config._attn_implementation = None
    return adapt(config)


def _read_token_classifier(name: str) -> tuple[PreTrainedModel, list[str]]:
    """A fine-tuned token-classification model. Runs no code from its folder or the hub.

    RETURNS: The model, and the names of weights in the checkpoint that are no part of it.
    RAISES ValueError: If weights of the model are not in the checkpoint.
    """
    try:
        model, report = AutoModelForTokenClassification.from_pretrained(
            name, config=_load_config(name), trust_remote_code=False, output_loading_info=True
        )
    except RuntimeError as error:  # where shapes differ
        raise ValueError(
            'its weights do not fit its config.json, where "id2label" must have a name for each '
            f"tag that the classifier was trained with: {error}"
        ) from error
    learned = {parameter for parameter, _ in model.named_parameters()}
    missing = sorted(learned.intersection(report["missing_keys"]))
    if missing:
        raise ValueError(f"the weights of {', '.join(missing[:5])} are not among the files")
    own = f"{model.base_model_prefix}."
    return model, sorted(key for key in report["unexpected_keys"] if not key.startswith(own))


@contextmanager
def _named_errors(what: str, name: str) -> Iterator[None]:
    """RAISES ValueError: If it can't be loaded, whatever the libraries raise.

    For missing files, settings that make no sense, code that would have to be run, a pickle of
    more than tensors or a cut file, transformers, torch, safetensors and tokenizers have one or
    more kinds of error each.
    """
    try:
        yield
    except Exception as error:
        raise _cannot_load(what, name, error) from shown_cause(error)


def _check_name(name: str) -> None:
    path = Path(name)
    if path.is_dir() and not (path / "config.json").exists():
        raise ValueError(
            f"The folder '{redact(name)}' holds no encoder: there is no config.json in it."
        )
    # a hub name has at most one slash and never points up or starts at a root
    looks_like_path = path.is_absolute() or name.startswith((".", "~")) or name.count("/") > 1
    if not path.exists() and looks_like_path:
        raise ValueError(f"The encoder folder '{redact(name)}' does not exist.")


def _cannot_load(what: str, name: str, reason: object) -> ValueError:
    """The error that says why, and nothing that is secret."""
    start = f"No {what} could be loaded for '{redact(name)}'"
    shown = redact(str(reason) or repr(reason))
    if "trust_remote_code" in shown:  # transformers' advice is to switch that on
        return ValueError(
            f"{start}: it needs Python code that comes with it (auto_map in its files), which "
            "ner_plus does not run. Use an encoder whose architecture is part of the transformers "
            "library."
        )
    if isinstance(reason, UnpicklingError) or "pytorch checkpoint file" in shown:
        return ValueError(
            f"{start}: its weights are a damaged pickle, or one with more than tensors in it, of "
            "which nothing was run. Get its weights as safetensors."
        )
    return ValueError(
        f"{start}. Give a folder that holds a Hugging Face encoder (config.json, weights, "
        "tokenizer.json), or the name of one on the hub, which needs a network the first time. "
        f"The reason: {shown}"
    )
