"""What a shim saves: settings as JSON, the tokenizer's JSON, weights as safetensors."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import safetensors
import safetensors.torch
from torch import Tensor, nn

from ..text.wordpieces import WordpieceTokenizer

WEIGHTS, SETTINGS, TOKENIZER = "weights.safetensors", "tagger.json", "tokenizer.json"
FILES = (SETTINGS, TOKENIZER, WEIGHTS)
FORMAT = 1


@dataclass(frozen=True)
class Saved:
    """A module's files after reading.

    settings (dict): Plain data.
    tokenizer: None if the module has no encoder of its own.
    state (dict): Tensors by name.
    """

    settings: dict[str, Any]
    tokenizer: WordpieceTokenizer | None
    state: dict[str, Tensor]

    def fill(self, module: nn.Module) -> None:
        """Put the weights into a module.

        RAISES ValueError: If they do not fit it.
        """
        fill(module, self.state)


def pack(
    settings: Mapping[str, Any], tokenizer: str | None, state: Mapping[str, Tensor]
) -> dict[str, bytes]:
    """Files by name, from settings, a tokenizer's JSON and weights."""
    tensors = {name: value.detach().cpu().contiguous() for name, value in state.items()}
    content = json.dumps({"format": FORMAT, **settings}, indent=2, sort_keys=True)
    files = {SETTINGS: content.encode("utf8"), WEIGHTS: safetensors.torch.save(tensors)}
    if tokenizer is not None:
        files[TOKENIZER] = tokenizer.encode("utf8")
    return files


def unpack(files: Mapping[str, bytes]) -> Saved:
    """The reverse of pack.

    RAISES ValueError: If a file is missing, damaged or of another format.
    """
    needed = {SETTINGS, WEIGHTS}
    if SETTINGS in files:
        settings = _read_settings(files[SETTINGS])
        if "pad_id" in settings:
            needed.add(TOKENIZER)
    missing = needed - set(files)
    if missing:
        raise ValueError(f"The saved ner_plus model lacks {', '.join(sorted(missing))}.")
    tokenizer = None
    if TOKENIZER in needed:
        tokenizer = _read_tokenizer(files[TOKENIZER], pad_id=settings["pad_id"])
    try:
        state = safetensors.torch.load(files[WEIGHTS])
    except safetensors.SafetensorError as error:
        raise ValueError(f"{WEIGHTS} of the saved ner_plus model is damaged: {error}") from error
    return Saved(settings, tokenizer, state)


def _read_settings(content: bytes) -> dict[str, Any]:
    try:
        settings: dict[str, Any] = json.loads(content)
    except ValueError as error:
        raise ValueError(f"{SETTINGS} of the saved ner_plus model is damaged: {error}") from error
    if settings.get("format") != FORMAT:
        raise ValueError(
            f"{SETTINGS} of the saved ner_plus model has format {settings.get('format')}, this "
            f"version of spacy_ner_plus reads format {FORMAT}: install the one that saved it."
        )
    return settings


def _read_tokenizer(content: bytes, *, pad_id: int) -> WordpieceTokenizer:
    try:
        return WordpieceTokenizer.from_json(content.decode("utf8"), pad_id=pad_id)
    except Exception as error:  # the tokenizers library raises no narrower one
        raise ValueError(f"{TOKENIZER} of the saved ner_plus model is damaged: {error}") from error


def fill(module: nn.Module, state: Mapping[str, Tensor]) -> None:
    """Put weights into a module.

    RAISES ValueError: If they do not fit it.
    """
    for name, value in module.state_dict().items():
        if name in state and state[name].shape != value.shape:
            raise ValueError(
                f"{WEIGHTS} does not fit the other files of the saved ner_plus model: {name} has "
                f"shape {tuple(state[name].shape)}, where {tuple(value.shape)} is needed."
            )
    missing, unexpected = module.load_state_dict(state, strict=False)
    # buffers such as position_ids come and go with versions of transformers, and hold nothing
    parameters = {name for name, _ in module.named_parameters()}
    missing = [name for name in missing if name in parameters]
    unexpected = [name for name in unexpected if not name.endswith("position_ids")]
    if missing or unexpected:
        raise ValueError(
            f"{WEIGHTS} does not fit the saved encoder configuration: missing {missing[:5]}, "
            f"unexpected {unexpected[:5]}. Was it saved with a newer version of transformers?"
        )
