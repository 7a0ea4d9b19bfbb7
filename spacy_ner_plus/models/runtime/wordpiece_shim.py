"""What the architectures with a pretrained encoder of their own share: from Docs to its input,
its settings, and how it is loaded and saved.
"""

import logging
from dataclasses import fields
from typing import Any

import torch
from spacy.tokens import Doc
from torch import nn

from ...nn.encoders.buckets import TensorBucket
from ...nn.encoders.transformer import TransformerEncoder
from ...text.batches import POOLINGS, Batch, Bucket, make_batch
from ...text.word_forms import WORD_FORMS
from ..pretrained.loading import load_encoder, load_token_classifier, load_tokenizer
from .device import PRECISIONS, max_bucket_pieces
from .torch_shim import TorchShim

logger = logging.getLogger("spacy_ner_plus")

# Each bucket in training adds to the gradients of all weights, which takes as long as so many
# pieces do (MiniLM on two cores).
TRAINING_BUCKET_COST = 32


def load(name: str, shim: TorchShim) -> TransformerEncoder:
    """Fetch a pretrained encoder, and give the shim its tokenizer.

    RAISES ValueError: If it can't be loaded or does not suit the shim's settings.
    """
    shim.tokenizer = load_tokenizer(name)
    encoder = load_encoder(name, n_word_forms=_n_word_forms(shim))
    check_window(shim, encoder.max_pieces)
    return encoder


def load_with_classifier(name: str, shim: TorchShim) -> tuple[TransformerEncoder, nn.Linear]:
    """As load, for a fine-tuned token-classification checkpoint, with its classifier."""
    shim.tokenizer = load_tokenizer(name)
    encoder, classifier = load_token_classifier(name, n_word_forms=_n_word_forms(shim))
    check_window(shim, encoder.max_pieces)
    return encoder, classifier


def _n_word_forms(shim: TorchShim) -> int:
    setting = shim.cfg["word_forms"]
    wanted = setting == "casing" or (setting == "auto" and shim.tokenizer.lowercases)
    return len(WORD_FORMS) if wanted else 0


def describe(shim: TorchShim) -> dict[str, Any]:
    """What rebuild needs, as plain data."""
    encoder: TransformerEncoder = shim.module.encoder
    return {
        "encoder": encoder.config,
        "word_forms": encoder.word_forms is not None,
        "pad_id": shim.tokenizer.pad_id,
    }


def rebuild(shim: TorchShim, saved: dict[str, Any]) -> TransformerEncoder:
    """The encoder of a saved model, without weights and without network.

    RAISES ValueError: If the weights do not suit the shim's settings.
    """
    check_word_forms(shim, saved["word_forms"])
    n_word_forms = len(WORD_FORMS) if saved["word_forms"] else 0
    encoder = TransformerEncoder.from_config(saved["encoder"], n_word_forms=n_word_forms)
    check_window(shim, encoder.max_pieces)
    return encoder


def check_word_forms(shim: TorchShim, are_saved: bool) -> None:
    """RAISES ValueError: If the config wants word forms that the weights lack, or the reverse."""
    setting = shim.cfg["word_forms"]
    if setting != "auto" and (setting == "casing") != are_saved:
        trained = "with" if are_saved else "without"
        raise ValueError(
            f"The weights were trained {trained} word forms, but the config says word_forms = "
            f"{setting!r}. This setting can't be changed after training."
        )


def check_window(shim: TorchShim, limit: int | None) -> None:
    """RAISES ValueError: If the window is longer than the encoder's limit, or has no room."""
    window = shim.cfg["window"]
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


def read_docs(
    shim: TorchShim, docs: list[Doc], *, is_train: bool = False
) -> tuple[Batch, list[TensorBucket]]:
    """Tokenise, align and window some Docs, and put the windows on the encoder's device.

    The settings are those of the shim, not attributes of a thinc node: of a node, saved attributes
    would win over those of the config on load.
    """
    device = shim.device  # asked first: it tells a user that there are no weights yet
    batch = make_batch(
        docs,
        shim.tokenizer,
        window=shim.cfg["window"],
        overlap=shim.cfg["overlap"],
        pooling=shim.structure["pooling"],
        max_batch_pieces=min(shim.budget.pieces, max_bucket_pieces(device)),
        bucket_cost=TRAINING_BUCKET_COST if is_train else None,
    )
    if batch.n_split:
        logger.warning(
            "%d token(s) are longer than a window of %d wordpieces: each is split over windows "
            "of its own.",
            batch.n_split,
            shim.cfg["window"],
        )
    return batch, [_to_device(bucket, device) for bucket in batch.buckets]


def _to_device(bucket: Bucket, device: torch.device) -> TensorBucket:
    """Copy a bucket's arrays; on a GPU from pinned memory, so that the copy does not wait."""
    tensors = [torch.from_numpy(getattr(bucket, f.name)) for f in fields(Bucket)]
    if device.type == "cuda":
        tensors = [t.pin_memory().to(device, non_blocking=True) for t in tensors]
    return TensorBucket(*tensors)


def check_settings(**settings: Any) -> None:
    """Refuse settings that are out of range, before anything is loaded.

    RAISES ValueError: Naming the setting and what it may be.
    """
    choices = {
        "word_forms": ("auto", "casing", None),
        "pooling": POOLINGS,
        "precision": PRECISIONS,
    }
    for name, permitted in choices.items():
        if name in settings and settings[name] not in permitted:
            raise ValueError(f"{name} = {settings[name]!r} is unknown: use one of {permitted}.")
    if "overlap" in settings and not 0 <= settings["overlap"] < settings["window"]:
        raise ValueError(
            f"overlap = {settings['overlap']} must be at least 0 and less than window = "
            f"{settings['window']}."
        )
    if not 0.0 <= settings.get("dropout", 0.0) < 1.0:
        raise ValueError(f"dropout = {settings['dropout']} must be at least 0 and less than 1.")
    if settings.get("grad_factor", 0.0) < 0:
        raise ValueError(f"grad_factor = {settings['grad_factor']} must be at least 0.")
    for name in ("head_lr_scale", "lr_decay", "lr_scale", "max_batch_pieces", "width"):
        if settings.get(name, 1) <= 0:
            raise ValueError(f"{name} = {settings[name]} must be more than 0.")
    if settings.get("lr_decay", 1.0) > 1.0:
        raise ValueError(f"lr_decay = {settings['lr_decay']} must be at most 1.")
    frozen = settings.get("freeze")
    is_depth = isinstance(frozen, int) and not isinstance(frozen, bool) and frozen >= 0
    if not (frozen is None or frozen == "encoder" or is_depth):
        raise ValueError(
            f"freeze = {frozen!r} is unknown: use null, \"encoder\", or a number of layers."
        )
