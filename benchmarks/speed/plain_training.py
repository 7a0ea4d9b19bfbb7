"""The limit of training: a tight loop around a Hugging Face model.

Texts are tokenised and padded before the clock starts. Windows without overlap are sorted by
length within stretches of the data, so that batches of about the same number of wordpieces have
little padding. The step is forward, backward, global clipping and fused AdamW. Dropout of attention
weights is off, as in ner_plus, because it rules out the fast attention kernels.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from random import Random
from typing import Any

import numpy as np
import torch
from spacy.tokens import Doc, DocBin
from torch import Tensor
from torch.nn.functional import cross_entropy
from transformers import (
    AutoConfig,
    AutoModelForTokenClassification,
    AutoTokenizer,
    get_linear_schedule_with_warmup,
    set_seed,
)

from benchmarks.speed.bare import LOW_PRECISIONS
from benchmarks.speed.texts import blank
from spacy_ner_plus.models.pretrained.loading import load_tokenizer
from spacy_ner_plus.text.wordpieces import Pieces

IGNORED = -100
STRETCH = 50  # batches that are sorted by length together
ATTENTION_DROPOUT = ("attention_probs_dropout_prob", "attention_dropout")


@dataclass(frozen=True)
class Window:
    """ids, tags: (n_pieces,) with special tokens, whose tag is IGNORED. n_words: words that begin
    in it.
    """

    ids: list[int]
    tags: list[int]
    n_words: int


@dataclass(frozen=True)
class Batch:
    """ids, mask, tags: (n, length). n_words, n_pieces: what is in it, without special tokens."""

    ids: Tensor
    mask: Tensor
    tags: Tensor
    n_words: int
    n_pieces: int


class PlainTraining:
    """The tight loop.

    train (Path): A .spacy file. encoder (str): Hub name or folder. precision (str): "fp32", or
    "bf16" or "fp16" by autocast, fp16 with scaling of the loss. batch_words (int): Words in a
    batch, as nearly as windows allow. window (int): Wordpieces, special tokens included. rate,
    n_steps: Of the schedule, which has 10 % warm-up and linear decay.
    """

    def __init__(
        self,
        train: Path,
        encoder: str,
        precision: str,
        device: str,
        *,
        lang: str,
        window: int,
        batch_words: int,
        rate: float,
        n_steps: int,
    ) -> None:
        set_seed(0)
        self.device = torch.device(device)
        self.low_precision = LOW_PRECISIONS.get(precision)
        self.scaler = torch.amp.GradScaler(self.device.type, enabled=precision == "fp16")
        self.encoder = encoder
        self.tokenizer = load_tokenizer(encoder)
        docs = list(DocBin().from_disk(train).get_docs(blank(lang).vocab))
        labels = sorted({ent.label_ for doc in docs for ent in doc.ents})
        self.tag_ids = {"O": 0}
        for label in labels:
            self.tag_ids |= {f"B-{label}": len(self.tag_ids), f"I-{label}": len(self.tag_ids) + 1}
        self.model = self._load_model(encoder)
        pieces = self.tokenizer([doc.text for doc in docs])
        self.windows = [
            part
            for doc, own in zip(docs, pieces, strict=True)
            for part in self._cut(doc, own, window)
        ]
        n_words = sum(part.n_words for part in self.windows)
        pieces_per_word = sum(len(part.ids) for part in self.windows) / n_words
        self.budget = round(batch_words * pieces_per_word)
        self._start_optimizer(rate, n_steps)
        self.batches = self._stream()
        self._learned = (0, 0)

    def _load_model(self, encoder: str) -> Any:
        names = {i: tag for tag, i in self.tag_ids.items()}
        config = AutoConfig.from_pretrained(encoder, id2label=names, label2id=self.tag_ids)
        for name in ATTENTION_DROPOUT:
            if hasattr(config, name):
                setattr(config, name, 0.0)
        model = AutoModelForTokenClassification.from_pretrained(encoder, config=config)
        return model.float().to(self.device).train()

    def _start_optimizer(self, rate: float, n_steps: int) -> None:
        groups = [
            {"params": [p for p in self.model.parameters() if p.ndim >= 2], "weight_decay": 0.01},
            {"params": [p for p in self.model.parameters() if p.ndim < 2], "weight_decay": 0.0},
        ]
        self.optimizer = torch.optim.AdamW(groups, lr=rate, fused=True)
        self.schedule = get_linear_schedule_with_warmup(self.optimizer, n_steps // 10, n_steps)

    def _cut(self, doc: Doc, pieces: Pieces, window: int) -> Iterator[Window]:
        """Windows of a document; each piece inside an entity is tagged, the first one with B."""
        tags = np.zeros(len(pieces), dtype=np.int64)
        for ent in doc.ents:
            inside = np.flatnonzero((pieces.starts < ent.end_char) & (pieces.ends > ent.start_char))
            tags[inside] = self.tag_ids[f"I-{ent.label_}"]
            tags[inside[:1]] = self.tag_ids[f"B-{ent.label_}"]
        # which word each piece begins, or goes on with
        words = np.searchsorted(doc.to_array("IDX"), pieces.starts, side="right")
        begins = np.diff(words, prepend=0) > 0
        before, after = self.tokenizer.prefix, self.tokenizer.suffix
        room = window - self.tokenizer.n_special
        for at in range(0, len(pieces), room):
            ids = pieces.ids[at : at + room].tolist()
            yield Window(
                [*before, *ids, *after],
                [IGNORED] * len(before) + tags[at : at + room].tolist() + [IGNORED] * len(after),
                int(begins[at : at + room].sum()),
            )

    def _stream(self) -> Iterator[Batch]:
        """Batches without end, another order for each pass over the data."""
        random = Random(0)
        while True:
            order = random.sample(self.windows, len(self.windows))
            stretch = max(1, round(STRETCH * self.budget / _mean_length(order)))
            for at in range(0, len(order), stretch):
                ordered = sorted(order[at : at + stretch], key=lambda part: len(part.ids))
                batches = list(group_by_pieces(ordered, self.budget))
                random.shuffle(batches)
                yield from map(self._pad, batches)

    def _pad(self, windows: list[Window]) -> Batch:
        length = max(len(part.ids) for part in windows)
        ids = torch.full((len(windows), length), self.tokenizer.pad_id)
        tags = torch.full((len(windows), length), IGNORED)
        mask = torch.zeros((len(windows), length), dtype=torch.int64)
        for row, part in enumerate(windows):
            ids[row, : len(part.ids)] = torch.tensor(part.ids)
            tags[row, : len(part.ids)] = torch.tensor(part.tags)
            mask[row, : len(part.ids)] = 1
        n_pieces = sum(tag != IGNORED for part in windows for tag in part.tags)
        n_words = sum(part.n_words for part in windows)
        return Batch(ids, mask, tags, n_words, n_pieces)

    def prepare(self, n_steps: int) -> None:
        """Have the next batches at hand."""
        batches = [next(self.batches) for _ in range(n_steps)]
        self._next = [
            Batch(b.ids.to(self.device), b.mask.to(self.device), b.tags.to(self.device),
                  b.n_words, b.n_pieces)
            for b in batches
        ]  # fmt: skip

    def learn(self, n_steps: int) -> None:
        """Take a step on each batch that was prepared, which must be so many."""
        for batch in self._next[:n_steps]:
            low = self.low_precision
            with torch.autocast(self.device.type, dtype=low, enabled=low is not None):
                logits = self.model(input_ids=batch.ids, attention_mask=batch.mask).logits
            loss = cross_entropy(
                logits.float().flatten(0, 1), batch.tags.flatten(), ignore_index=IGNORED
            )
            self.scaler.scale(loss).backward()
            self.scaler.unscale_(self.optimizer)
            torch.nn.utils.clip_grad_norm_(self.model.parameters(), 1.0)
            self.scaler.step(self.optimizer)
            self.scaler.update()
            self.schedule.step()
            self.optimizer.zero_grad(set_to_none=True)

    def learned(self) -> tuple[int, int]:
        """Words and wordpieces of the last call of learn."""
        return sum(b.n_words for b in self._next), sum(b.n_pieces for b in self._next)

    def save(self, folder: Path) -> None:
        """Write the checkpoint."""
        self.model.save_pretrained(folder)
        AutoTokenizer.from_pretrained(self.encoder).save_pretrained(folder)


def group_by_pieces(windows: list[Window], budget: int) -> Iterator[list[Window]]:
    """Consecutive windows until they have `budget` wordpieces or more; the last may have fewer."""
    group: list[Window] = []
    n_pieces = 0
    for part in windows:
        group.append(part)
        n_pieces += len(part.ids)
        if n_pieces >= budget:
            yield group
            group, n_pieces = [], 0
    if group:
        yield group


def _mean_length(windows: list[Window]) -> float:
    return sum(len(part.ids) for part in windows) / len(windows)
