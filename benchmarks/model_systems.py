"""The systems of benchmarks/models.py as data, and the config of each for some training data."""

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from spacy.cli.init_config import init_config as spacy_config
from spacy.tokens import DocBin
from spacy.util import load_config
from spacy.vocab import Vocab
from thinc.api import Config

import spacy_ner_plus
from spacy_ner_plus.training.project.model_plans import BILSTM_PASSES, BILSTM_WORDS
from spacy_ner_plus.training.project.plan_steps import Passes, plan_batch, plan_steps
from spacy_ner_plus.training.project.planning import MOST_WORDS, PASSES

ROOT = Path(__file__).parent.parent
COMPONENT = "components.ner_plus"
TOK2VEC = f"{COMPONENT}.model.tok2vec"
READER = {"@readers": "spacy_ner_plus.Corpus.v1", "tokens": "reference", "labels": None}
# Of spaCy's small network under our CRF; Adam at 0.001 wants more steps than an encoder does.
CNN_PASSES = Passes(usual=20, least_steps=800, most=60)
# Words that spaCy's training reads until its patience (1,600 steps) ends: for estimates of time.
SPACY_WORDS = 2e6


@dataclass(frozen=True)
class System:
    """A way to learn entities.

    kind (str): A kind of model that `init_config` plans, "cnn" for configs/cnn.cfg, or "spacy" for
        what spaCy's own quickstart makes.
    settings (Dict[str, Any]): What is set otherwise, by dotted names.
    has_vectors (bool): Whether it gets the word vectors.
    component (str): What finds the entities.
    learns_in (str): "steps", or "initialize" for what is done with learning then.
    """

    kind: str
    settings: dict[str, Any] = field(default_factory=dict)
    has_vectors: bool = False
    component: str = "ner_plus"
    learns_in: str = "steps"

    @property
    def passes(self) -> Passes | None:
        """How often it reads the data in steps that are planned; None for others."""
        return {"bilstm": BILSTM_PASSES, "transformer": PASSES, "cnn": CNN_PASSES}.get(self.kind)

    @property
    def most_words(self) -> int:
        """In a batch of such a step."""
        return (BILSTM_WORDS if self.kind == "bilstm" else MOST_WORDS)["cpu"]


SYSTEMS = {
    "rules": System("rules", component="ner_plus_rules", learns_in="initialize"),
    "features": System("features", learns_in="initialize"),
    "bilstm": System("bilstm", has_vectors=True),
    "transformer": System("transformer"),
    "cnn": System("cnn"),
    "spacy": System("spacy", component="ner"),
}
# What the ablations are of.
ABLATED = "bilstm"
WITHOUT_CRF = {f"{COMPONENT}.model.use_crf": False}
WITHOUT_CHARACTERS = {f"{TOK2VEC}.characters": None}
# Each lacks one thing, or two; with all sentences of the first data, and with every seed.
ABLATIONS = {
    "bilstm-no-crf": System("bilstm", WITHOUT_CRF, has_vectors=True),
    "bilstm-no-characters": System("bilstm", WITHOUT_CHARACTERS, has_vectors=True),
    "bilstm-no-crf-no-characters": System(
        "bilstm", {**WITHOUT_CRF, **WITHOUT_CHARACTERS}, has_vectors=True
    ),
    "bilstm-no-vectors": System("bilstm"),
}
ALL_SYSTEMS = {**SYSTEMS, **ABLATIONS}
TITLES = {
    "rules": "phrases of the training data",
    "features": "feature CRF",
    "bilstm": "BiLSTM-CRF",
    "transformer": "transformer (MiniLM)",
    "cnn": "CNN and CRF",
    "spacy": "spaCy `ner`",
    "bilstm-no-crf": "BiLSTM, no CRF",
    "bilstm-no-characters": "BiLSTM-CRF, no characters",
    "bilstm-no-crf-no-characters": "BiLSTM, no CRF, no characters",
    "bilstm-no-vectors": "BiLSTM-CRF, no vectors",
}


@dataclass(frozen=True)
class Corpora:
    """The .spacy files of a training, and what systems start from."""

    train: Path
    dev: Path
    encoder: Path
    vectors: Path | None


def make_config(system: System, corpora: Corpora, seed: int, folder: Path) -> Config:
    """The config of a training; what else it needs is written to the folder."""
    return load_config(*_config_file(system, corpora, seed, folder))


def _config_file(
    system: System, corpora: Corpora, seed: int, folder: Path
) -> tuple[Path, dict[str, Any]]:
    """A config file, and what of it to override."""
    overrides: dict[str, Any] = {"system.seed": seed}
    path = folder / "config.cfg"
    paths = {"paths.train": str(corpora.train), "paths.dev": str(corpora.dev)}
    if system.kind == "spacy":
        config = spacy_config(lang="en", pipeline=["ner"], optimize="efficiency", gpu=False)
        for part in ("train", "dev"):  # the same tokens as the others get
            config["corpora"][part] = {**READER, "path": f"${{paths.{part}}}"}
        config.to_disk(path)
        overrides |= paths
    elif system.kind == "cnn":
        overrides |= paths | _steps(corpora, CNN_PASSES)
        path = ROOT / "configs" / "cnn.cfg"
    else:
        further: dict[str, Any] = {"vectors": corpora.vectors} if system.has_vectors else {}
        if system.kind == "transformer":
            further["encoder"] = corpora.encoder
        spacy_ner_plus.init_config(
            corpora.train, path, dev=corpora.dev, model=system.kind, **further
        )
    return path, {**overrides, **system.settings}


def _steps(corpora: Corpora, passes: Passes) -> dict[str, Any]:
    words = count_words(corpora.train)
    batch = int(plan_batch(words, MOST_WORDS["cpu"]).value)
    max_steps, frequency = plan_steps(words, count_words(corpora.dev), batch, passes)
    return {
        "training.batcher.size": batch,
        "training.max_steps": max_steps.value,
        "training.eval_frequency": frequency.value,
        "training.optimizer.learn_rate.total_steps": max_steps.value,
        "training.optimizer.learn_rate.warmup_steps": int(max_steps.value) // 10,
    }


def count_words(path: Path) -> int:
    return sum(map(len, DocBin().from_disk(path).get_docs(Vocab())))
