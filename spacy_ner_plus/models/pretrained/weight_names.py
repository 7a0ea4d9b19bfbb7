"""The names of a checkpoint's weights, without the weights."""

import json
from pathlib import Path

import torch
from safetensors import SafetensorError, safe_open

# Where a checkpoint's weights are, or which file has which of them.
WEIGHT_FILES = ("model.safetensors", "model.safetensors.index.json", "pytorch_model.bin")


def weight_names(path: Path) -> set[str]:
    """The names of the weights that one of WEIGHT_FILES has or lists.

    RAISES ValueError: If it is damaged. UnpicklingError: A pickle of more than tensors.
    """
    try:
        if path.suffix == ".json":
            return set(json.loads(path.read_text(encoding="utf8"))["weight_map"])
        if path.suffix == ".bin":
            return set(torch.load(path, map_location="meta", weights_only=True))
        with safe_open(path, "pt") as file:
            return set(file.keys())
    except (SafetensorError, KeyError, TypeError, ValueError, RuntimeError, EOFError) as error:
        raise ValueError(f"{path} is damaged: {error}") from error
