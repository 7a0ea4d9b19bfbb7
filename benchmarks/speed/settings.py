"""The choices of a run."""

import os
from dataclasses import asdict, dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any

import torch

from benchmarks.speed.progress import Progress
from benchmarks.speed.texts import Counted, Text, blank, in_shape, read_docs, sample
from spacy_ner_plus.models.runtime.device import has_fast_bf16


@dataclass(frozen=True)
class Amounts:
    """How much is done: enough for firm figures, or for a glance.

    rounds: of turns. words: that a turn of inference reads, in whole texts. score_words: by which
    F1 is measured. steps: of a turn of training. longest, most_docs: where growth ends.
    """

    rounds: int
    words: int
    score_words: int
    steps: int
    reads: int
    longest: int
    most_docs: int


FULL = Amounts(
    rounds=5, words=12_000, score_words=50_000, steps=20, reads=10, longest=1_000_000,
    most_docs=100_000,
)  # fmt: skip
QUICK = Amounts(
    rounds=3, words=3_000, score_words=3_000, steps=3, reads=10, longest=100_000, most_docs=10_000
)
# A GPU reads more in a turn that lasts long enough to be measured.
GPU_WORDS = 300_000


@dataclass(frozen=True)
class Settings:
    """What the command line says: see __main__.py."""

    data: Path
    encoder: str
    model: Path | None
    output: Path
    device: str
    precisions: tuple[str, ...]
    threads: int
    lang: str
    group: int
    batch_words: int
    rate: float
    growth_encoder: str
    amounts: Amounts

    @property
    def models(self) -> Path:
        """Where trained models lie."""
        return self.output / "models"

    def as_json(self) -> dict[str, Any]:
        """Without the places of files on this machine."""
        values = asdict(self)
        for name in ("data", "encoder", "model"):
            values[name] = Path(values[name]).name if values[name] else None
        del values["output"]
        return values


@dataclass
class Run:
    """Settings, the data as far as they have been read, and what is said meanwhile.

    exported: Folders of the models that were exported, by their names: by the one they are of.
    """

    settings: Settings
    progress: Progress
    exported: dict[Path, dict[str, Path]] = field(default_factory=dict)

    @cached_property
    def tokenizer(self) -> Any:
        from transformers import AutoTokenizer

        return AutoTokenizer.from_pretrained(self.settings.encoder)

    @cached_property
    def _test(self) -> dict[str, list[Text]]:
        s = self.settings
        docs = read_docs(s.data, "test", blank(s.lang), group=s.group)
        return {shape: in_shape(docs, shape) for shape in ("documents", "sentences")}

    def test(self, shape: str, n_words: int, *, again: bool = False) -> Counted:
        """About so many words of the test data in a shape; see texts.sample."""
        nlp = blank(self.settings.lang)
        texts = sample(self._test[shape], n_words, nlp, again=again)
        raw = [text.text for text in texts]
        pieces = self.tokenizer(raw, add_special_tokens=False, verbose=False)["input_ids"]
        n_words = sum(len(nlp.make_doc(text)) for text in raw)
        return Counted(tuple(texts), n_words, sum(map(len, pieces)))


def default_precisions(device: str) -> tuple[str, ...]:
    """fp32, and bf16 where the hardware multiplies in it."""
    return ("fp32", "bf16") if has_fast_bf16(torch.device(device)) else ("fp32",)


def default_threads() -> int:
    """The cores that this process may use."""
    affinity = getattr(os, "sched_getaffinity", None)
    return len(affinity(0)) if affinity else os.cpu_count() or 1
