"""The settings of shims, checked where they are given: before anything is loaded."""

import sys
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from ...support.choices import check_choice
from ...support.numbers import as_float, as_int
from ...text.batches import POOLINGS
from .device import PRECISIONS


@dataclass(frozen=True, kw_only=True)
class TorchSettings:
    """Where a torch module runs and how it learns.

    device, precision (str): Resolved when the module is placed.
    head_lr_scale (float): The head's learning rate relative to the encoder's.
    lr_decay (float): Factor of the learning rate from each encoder layer to the one below.
    lr_scale (float): The encoder's learning rate relative to that of thinc's optimizer.
    freeze (str / int): None, "encoder", or how many of the encoder's layers do not learn.
    gradient_checkpointing (bool): In training, compute the activations of each layer again in the
        backward pass.
    max_batch_pieces (int): Padded wordpieces that are in the encoder at once.
    RAISES ValueError: A setting is out of range: with its name and what it may be.
    """

    device: str
    precision: str
    head_lr_scale: float
    lr_decay: float = 1.0
    lr_scale: float = 1.0
    freeze: str | int | None = None
    gradient_checkpointing: bool = False
    max_batch_pieces: int = sys.maxsize

    def __post_init__(self) -> None:
        check_choice("precision", self.precision, PRECISIONS)
        self._read(as_float, "head_lr_scale", "lr_decay", "lr_scale")
        self._read(as_int, "max_batch_pieces")
        if isinstance(self.freeze, str) and self.freeze.strip().isdecimal():
            self._read(as_int, "freeze")
        for name in ("head_lr_scale", "lr_decay", "lr_scale", "max_batch_pieces"):
            check_positive(name, getattr(self, name))
        if self.lr_decay > 1.0:
            raise ValueError(f"lr_decay = {self.lr_decay} must be at most 1.")
        frozen = self.freeze
        is_depth = isinstance(frozen, int) and not isinstance(frozen, bool) and frozen >= 0
        if not (frozen is None or frozen == "encoder" or is_depth):
            raise ValueError(
                f'freeze = {frozen!r} is unknown: use null, "encoder", or a number of layers.'
            )

    def _read(self, read: Callable[[Any, str], float], *names: str) -> None:
        """Put numbers in the place of what was given, which may be text."""
        for name in names:
            object.__setattr__(self, name, read(getattr(self, name), name))  # it is frozen


@dataclass(frozen=True, kw_only=True)
class WordpieceSettings(TorchSettings):
    """Those of a module with a pretrained encoder of its own: how Docs become its input.

    word_forms (str): "casing", None, or "auto".
    pooling (str): How a token's wordpieces become one vector. It belongs to the weights.
    window (int): Longest input of the encoder in wordpieces, special tokens included.
    overlap (int): Wordpieces that neighbouring windows share.
    context (int): Wordpieces that each token has on both sides in its window, at least.
    characters (str): "cnn" for tokens' characters in the encoder's input, or None. It belongs to
        the weights.
    mix_layers (int / str): How many of the encoder's last layers are mixed, or "all"; 0 for the
        last one alone. It belongs to the weights.
    """

    word_forms: str | None
    pooling: str
    window: int
    overlap: int
    context: int = 0
    characters: str | None = None
    mix_layers: int | str = 0

    def __post_init__(self) -> None:
        self._read(as_int, "window", "overlap", "context")
        check_choice("word_forms", self.word_forms, ("auto", "casing", None))
        check_choice("pooling", self.pooling, POOLINGS)
        check_choice("characters", self.characters, ("cnn", None))
        if not 0 <= self.overlap < self.window:
            raise ValueError(
                f"overlap = {self.overlap} must be at least 0 and less than window = {self.window}."
            )
        if not 0 <= 2 * self.context < self.window - self.overlap:
            raise ValueError(
                f"context = {self.context} must be at least 0, and twice as much less than window "
                f"- overlap = {self.window - self.overlap}."
            )
        if self.mix_layers != "all":
            self._read(as_int, "mix_layers")
            if int(self.mix_layers) < 0:
                raise ValueError(f"mix_layers = {self.mix_layers} must be at least 0.")
        super().__post_init__()


def check_positive(name: str, value: float) -> None:
    """RAISES ValueError: A setting is 0, less, or no number."""
    if not as_float(value, name) > 0:
        raise ValueError(f"{name} = {value} must be more than 0.")
