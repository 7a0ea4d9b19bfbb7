"""Systems that read raw texts and give entities, in their usual form."""

import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import spacy
from spacy.language import Language
from transformers import pipeline

from benchmarks.speed.texts import Entity
from spacy_ner_plus.nn.encoders import packed

# transformers.pipeline is run with the batch size that is fastest on a few of the texts.
BATCH_SIZES = (1, 8, 32)
GPU_BATCH_SIZES = (8, 32, 128)
TRIAL_CHARACTERS = 20_000
# Wordpieces that neighbouring windows of its pipeline share, as in ner_plus by default.
STRIDE = 64


class SpacyPipeline:
    """A trained spaCy pipeline, run by nlp.pipe with its own settings.

    path (Path): The pipeline.
    overrides (Dict[str, Any]): Of its config, by dotted names.
    needs_cupy (bool): Whether its components use a GPU through CuPy only.
    device (str): For torch.
    """

    def __init__(
        self, path: Path, overrides: dict[str, Any], device: str, needs_cupy: bool = False
    ) -> None:
        if needs_cupy and device.startswith("cuda"):
            spacy.require_gpu(int(device.partition(":")[2] or 0))
        self.nlp: Language = spacy.load(path, config=overrides)

    def prepare(self, texts: list[str]) -> dict[str, Any]:
        """Allow for the longest text."""
        self.nlp.max_length = max(self.nlp.max_length, *map(len, texts))
        return {"batch_size": self.nlp.batch_size}

    def read(self, texts: list[str]) -> list[list[Entity]]:
        """From raw texts to entities with character offsets."""
        return [
            [(ent.start_char, ent.end_char, ent.label_) for ent in doc.ents]
            for doc in self.nlp.pipe(texts)
        ]

    def read_one(self, text: str) -> None:
        """One text by itself, as a service reads it."""
        self.nlp(text)


class UnpackedPipeline(SpacyPipeline):
    """As SpacyPipeline, with torch's own linear layers in place of packed ones."""

    def __init__(self, path: Path, overrides: dict[str, Any], device: str) -> None:
        super().__init__(path, overrides, device)
        packed.can_pack = lambda dtype: False  # in this system's process alone


class HuggingFacePipeline:
    """transformers.pipeline("token-classification") on a fine-tuned checkpoint.

    Documents longer than the encoder's limit are read in windows, by its option `stride`.
    """

    def __init__(self, path: Path, device: str) -> None:
        self.pipe = pipeline(
            "token-classification", model=str(path), aggregation_strategy="simple", device=device
        )
        self.options: dict[str, Any] = {}

    def prepare(self, texts: list[str]) -> dict[str, Any]:
        """Choose the batch size, and whether long texts are to be cut."""
        tokenizer: Any = self.pipe.tokenizer
        lengths = map(len, tokenizer(texts, truncation=False, verbose=False)["input_ids"])
        is_long = max(lengths) > tokenizer.model_max_length
        stride = {"stride": STRIDE} if is_long else {}
        n_trial = int(np.searchsorted(np.cumsum([len(text) for text in texts]), TRIAL_CHARACTERS))
        trial = texts[: n_trial + 1]
        sizes = GPU_BATCH_SIZES if self.pipe.device.type == "cuda" else BATCH_SIZES
        options = [{"batch_size": size, **stride} for size in sizes]
        self.options = min(options, key=lambda tried: self._seconds(trial, tried))
        return self.options

    def _seconds(self, texts: list[str], options: dict[str, Any]) -> float:
        started = time.perf_counter()
        self.pipe(texts, **options)
        return time.perf_counter() - started

    def read(self, texts: list[str]) -> list[list[Entity]]:
        """From raw texts to entities with character offsets."""
        found: Sequence[Sequence[dict[str, Any]]] = self.pipe(texts, **self.options)
        return [[(e["start"], e["end"], e["entity_group"]) for e in text] for text in found]

    def read_one(self, text: str) -> None:
        """One text by itself."""
        self.pipe(text)
