"""Training by spaCy's own loop, some steps at a time."""

from collections.abc import Callable, Iterator
from itertools import islice
from pathlib import Path
from typing import Any

import spacy
from spacy.schemas import ConfigSchemaTraining
from spacy.training import Example
from spacy.training.initialize import init_nlp
from spacy.training.loop import create_train_batches, train_while_improving
from spacy.util import load_config, registry, resolve_dot_names
from thinc.api import Config, fix_random_seed
from torch import Tensor, nn
from transformers import AutoTokenizer

from spacy_ner_plus.models.runtime import wordpiece_shim
from spacy_ner_plus.models.runtime.table_gradients import TableGradients
from spacy_ner_plus.nn.encoders import cpu_training

CONFIGS = Path(__file__).parents[2] / "configs"
NEVER = 1 << 40
SMALL_BUCKETS = 32
# spaCy's own entity recognizer on spacy-transformers, as `spacy init config --gpu` makes it.
SPACY_NER: dict[str, Any] = {
    "factory": "ner",
    "incorrect_spans_key": None,
    "model": {
        "@architectures": "spacy.TransitionBasedParser.v2",
        "state_type": "ner",
        "extra_state_tokens": False,
        "hidden_width": 64,
        "maxout_pieces": 2,
        "use_upper": False,
        "nO": None,
        "tok2vec": {
            "@architectures": "spacy-transformers.TransformerListener.v1",
            "grad_factor": 1.0,
            "upstream": "*",
            "pooling": {"@layers": "reduce_mean.v1"},
        },
    },
}


def ner_plus_config(overrides: dict[str, Any], precision: str, device: str) -> Config:
    """ner_plus with an encoder of its own: configs/cpu.cfg."""
    model = {
        "components.ner_plus.model.precision": precision,
        "components.ner_plus.model.device": device,
    }
    return load_config(CONFIGS / "cpu.cfg", {**overrides, **model})


def spacy_ner_config(overrides: dict[str, Any]) -> Config:
    """spaCy's `ner` in place of ner_plus in configs/shared_trf.cfg: windows of 128 tokens in steps
    of 96, pooled by their mean.
    """
    config = load_config(CONFIGS / "shared_trf.cfg", overrides)
    del config["components"]["ner_plus"]
    config["components"]["ner"] = SPACY_NER
    config["nlp"]["pipeline"] = ["transformer", "ner"]
    config["nlp"]["batch_size"] = 128
    return config


class SpacyTraining:
    """What `spacy train` does between evaluations.

    make_config, settings: Gives the config. device (str): For torch.
    needs_cupy (bool): Whether components use a GPU through CuPy only.
    """

    def __init__(
        self,
        make_config: Callable[..., Config],
        settings: dict[str, Any],
        device: str,
        needs_cupy: bool = False,
    ) -> None:
        if needs_cupy and device.startswith("cuda"):
            spacy.require_gpu(int(device.partition(":")[2] or 0))
        config = make_config(**settings)
        self.nlp = init_nlp(config)
        full = self.nlp.config.interpolate()
        fix_random_seed(full["training"]["seed"])
        training: dict[str, Any] = registry.resolve(full["training"], schema=ConfigSchemaTraining)
        [corpus] = resolve_dot_names(full, [training["train_corpus"]])
        self.steps: Iterator[tuple[list[Example], dict[str, Any], bool | None]]
        self.steps = train_while_improving(
            self.nlp,
            training["optimizer"],
            create_train_batches(self.nlp, corpus, training["batcher"], training["max_epochs"]),
            _no_evaluation,
            dropout=training["dropout"],
            accumulate_gradient=training["accumulate_gradient"],
            patience=0,
            max_steps=0,
            eval_frequency=NEVER,
            exclude=training["frozen_components"],
            annotating_components=training["annotating_components"],
            before_update=training["before_update"],
        )
        self.tokenizer: Any = AutoTokenizer.from_pretrained(full["paths"]["encoder"])
        self._learned: list[Example] = []

    def prepare(self, n_steps: int) -> None:
        """Nothing: making batches is part of the loop."""

    def learn(self, n_steps: int) -> None:
        """Take so many steps."""
        self._learned = [eg for batch, _, _ in islice(self.steps, n_steps) for eg in batch]

    def learned(self) -> tuple[int, int]:
        """Words and wordpieces of the last call of learn."""
        texts = [example.reference.text for example in self._learned]
        pieces = self.tokenizer(texts, add_special_tokens=False, verbose=False)["input_ids"]
        return sum(len(example.reference) for example in self._learned), sum(map(len, pieces))

    def save(self, folder: Path) -> None:
        """Write the pipeline."""
        self.nlp.to_disk(folder)


class PlainFunctionsTraining(SpacyTraining):
    """With torch's own functions, smaller buckets, and a gradient of embeddings that is new at each
    step: ner_plus as it was before FastTraining.
    """

    def __init__(self, **settings: Any) -> None:
        cpu_training._FASTER.clear()
        wordpiece_shim.TRAINING_BUCKET_COST = SMALL_BUCKETS
        TableGradients.dense = _new_gradient  # type: ignore[method-assign]
        super().__init__(**settings)


def _new_gradient(self: TableGradients, table: nn.Parameter, gradient: Tensor) -> Tensor:
    return gradient.to_dense()


def _no_evaluation() -> tuple[float, dict[str, float]]:
    return 0.0, {}
