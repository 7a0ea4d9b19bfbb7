"""The limit: the encoder's own forward pass, and nothing else.

Every wordpiece goes through the encoder once, in windows without overlap, sorted by length and
padded beforehand. Which window, batch shape, attention and kind of bf16 are fastest is tried out
on a part of the texts. What remains between this and a system is that system's overhead, and what
it reads twice.
"""

import time
from collections.abc import Iterator
from contextlib import AbstractContextManager, nullcontext
from dataclasses import asdict, dataclass, replace
from itertools import product
from random import Random
from typing import Any

import torch
from torch import Tensor
from transformers import AutoModel, AutoTokenizer

from benchmarks.speed.machine import synchronise
from spacy_ner_plus.models.pretrained.loading import load_tokenizer

WINDOWS = (64, 128, 256, 512)
BUDGETS = (512, 1024, 2048, 4096)
GPU_BUDGETS = (8192, 16384, 32768, 65536, 131072)
ATTENTIONS = ("sdpa", "eager")
GPU_ATTENTIONS = ("sdpa",)
# How bf16 is reached: matrix products only, or all weights and activations.
CASTS = {
    "fp32": ("none",),
    "bf16": ("autocast", "weights"),
    "fp16": ("autocast", "weights"),
}
LOW_PRECISIONS = {"bf16": torch.bfloat16, "fp16": torch.float16}
TRIAL_PIECES = 4000
GPU_TRIAL_PIECES = 60_000


@dataclass(frozen=True)
class Form:
    """One way to run the encoder.

    window (int): Longest input in wordpieces, special tokens included.
    budget (int): Padded wordpieces in a batch.
    attention (str): As transformers names it. cast (str): See CASTS.
    """

    window: int
    budget: int
    attention: str
    cast: str


@dataclass(frozen=True)
class Batch:
    """ids: (n, length) int64. mask: (n, length) int64, None where nothing is padded."""

    ids: Tensor
    mask: Tensor | None


class BareEncoder:
    """The system "limit".

    window (int): The only window that is tried; None for all of WINDOWS.
    encoder (str): Hub name or folder. precision (str): "fp32" or "bf16". device (str): For torch.
    """

    def __init__(
        self, encoder: str, precision: str, device: str, window: int | None = None
    ) -> None:
        self.encoder = encoder
        self.window = window
        self.precision = precision
        self.device = torch.device(device)
        self.tokenizer = load_tokenizer(encoder)
        self.most_pieces = AutoTokenizer.from_pretrained(encoder).model_max_length
        self._batches: list[Batch] = []
        self._model: tuple[str, str, Any] | None = None

    def prepare(self, texts: list[str]) -> dict[str, Any]:
        """Tokenise and pad texts in the form that is fastest for them, which is returned."""
        pieces = [text.ids.tolist() for text in self.tokenizer(texts)]
        self.form = self._fastest(pieces)
        self._batches = self._make_batches(pieces, self.form)
        return asdict(self.form)

    def read(self) -> None:
        """Run the encoder over all that was prepared."""
        self._run(self._batches, self.form)

    def read_one(self, text: str) -> None:
        """The same: all that was prepared is the text."""
        self.read()

    def _fastest(self, pieces: list[list[int]]) -> Form:
        on_gpu = self.device.type == "cuda"
        trial = _some(pieces, GPU_TRIAL_PIECES if on_gpu else TRIAL_PIECES)
        longest = max(map(len, trial)) + self.tokenizer.n_special
        windows = [self.window] if self.window else [w for w in WINDOWS if w <= self._limit()]
        # windows that hold every text whole are the same
        windows = [w for w in windows if w < longest] + [w for w in windows if w >= longest][:1]
        budgets = GPU_BUDGETS if on_gpu else BUDGETS
        attentions = GPU_ATTENTIONS if on_gpu else ATTENTIONS
        forms = [
            Form(window, budgets[2], attention, cast)
            for attention, cast, window in product(attentions, CASTS[self.precision], windows)
        ]
        best = min(forms, key=lambda form: self._seconds(trial, form))
        forms = [replace(best, budget=budget) for budget in budgets]
        return min(forms, key=lambda form: self._seconds(trial, form))

    def _limit(self) -> int:
        model = self._loaded("sdpa", CASTS[self.precision][0])
        return min(self.most_pieces, model.config.max_position_embeddings)

    def _seconds(self, pieces: list[list[int]], form: Form) -> float:
        batches = self._make_batches(pieces, form)
        self._run(batches[:1], form)
        seconds = []
        for _ in range(2):
            synchronise()
            started = time.perf_counter()
            self._run(batches, form)
            synchronise()
            seconds.append(time.perf_counter() - started)
        return min(seconds)

    def _make_batches(self, pieces: list[list[int]], form: Form) -> list[Batch]:
        room = form.window - self.tokenizer.n_special
        before, after = self.tokenizer.prefix, self.tokenizer.suffix
        windows = [
            [*before, *part[at : at + room], *after]
            for part in pieces
            for at in range(0, len(part), room)
        ]
        return [self._pad(group) for group in by_length(windows, form.budget)]

    def _pad(self, windows: list[list[int]]) -> Batch:
        length = max(map(len, windows))
        ids = torch.full((len(windows), length), self.tokenizer.pad_id)
        mask = torch.zeros((len(windows), length), dtype=torch.int64)
        for row, window in enumerate(windows):
            ids[row, : len(window)] = torch.tensor(window)
            mask[row, : len(window)] = 1
        return Batch(ids.to(self.device), None if mask.all() else mask.to(self.device))

    def _run(self, batches: list[Batch], form: Form) -> None:
        model = self._loaded(form.attention, form.cast)
        with torch.inference_mode(), self._autocast(form.cast):
            for batch in batches:
                model(input_ids=batch.ids, attention_mask=batch.mask)

    def _autocast(self, cast: str) -> AbstractContextManager[Any]:
        if cast == "autocast":
            return torch.autocast(self.device.type, dtype=LOW_PRECISIONS[self.precision])
        return nullcontext()

    def _loaded(self, attention: str, cast: str) -> Any:
        """The model in this form; one at a time is kept."""
        if self._model is None or self._model[:2] != (attention, cast):
            self._model = None
            model = AutoModel.from_pretrained(self.encoder, attn_implementation=attention)
            if getattr(model, "pooler", None) is not None:
                model.pooler = None  # a sentence vector that nobody asks for
            is_low = cast == "weights"
            model = model.to(LOW_PRECISIONS[self.precision] if is_low else torch.float32)
            self._model = attention, cast, model.eval().to(self.device)
        return self._model[2]


def by_length(windows: list[list[int]], budget: int) -> Iterator[list[list[int]]]:
    """Batches of windows of similar length, longest first, that pad to at most `budget`."""
    ordered = sorted(windows, key=len, reverse=True)
    start = 0
    while start < len(ordered):
        stop = start + max(1, budget // len(ordered[start]))
        yield ordered[start:stop]
        start = stop


def _some(pieces: list[list[int]], n_pieces: int) -> list[list[int]]:
    chosen: list[list[int]] = []
    for part in Random(0).sample(pieces, len(pieces)):
        if sum(map(len, chosen)) >= n_pieces:
            break
        chosen.append(part)
    return chosen
