"""The systems of benchmarks/models.py as data, and the config of each for some training data."""

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from spacy.cli.init_config import init_config as spacy_config
from spacy.util import load_config
from thinc.api import Config

import spacy_ner_plus
from spacy_ner_plus.training.project.model_plans import BILSTM_PASSES, BILSTM_WORDS
from spacy_ner_plus.training.project.plan_steps import Passes
from spacy_ner_plus.training.project.planning import MOST_WORDS, PASSES

ROOT = Path(__file__).parent.parent
COMPONENT = "components.ner_plus"
TOK2VEC = f"{COMPONENT}.model.tok2vec"
READER = {"@readers": "spacy_ner_plus.Corpus.v1", "tokens": "reference", "labels": None}
# Words that spaCy's training reads until its patience (1,600 steps) ends: for estimates of time.
SPACY_WORDS = 2e6
# spaCy goes on for 1,600 steps without a better score. Of a part of the sentences these are up to a
# thousand passes, and most of the time of the benchmark: half of them are enough there.
SOONER = {"training.patience": 800}


@dataclass(frozen=True)
class System:
    """A way to learn entities.

    kind (str): A kind of model that `init_config` plans, or "spacy" for what spaCy's own
        quickstart makes.
    settings (Dict[str, Any]): What is set otherwise, by dotted names.
    settings_of_parts (Dict[str, Any]): The same, where not all sentences are learned from.
    has_vectors (bool): Whether it gets the word vectors.
    component (str): What finds the entities.
    learns_in (str): "steps", or "initialize" for what is done with learning then.
    """

    kind: str
    settings: dict[str, Any] = field(default_factory=dict)
    settings_of_parts: dict[str, Any] = field(default_factory=dict)
    has_vectors: bool = False
    component: str = "ner_plus"
    learns_in: str = "steps"

    @property
    def passes(self) -> Passes | None:
        """How often it reads the data in steps that are planned; None for others."""
        return {"bilstm": BILSTM_PASSES, "transformer": PASSES}.get(self.kind)

    @property
    def most_words(self) -> int:
        """In a batch of such a step."""
        return (BILSTM_WORDS if self.kind == "bilstm" else MOST_WORDS)["cpu"]


SYSTEMS = {
    "rules": System("rules", component="ner_plus_rules", learns_in="initialize"),
    "features": System("features", learns_in="initialize"),
    "bilstm": System("bilstm", has_vectors=True),
    "transformer": System("transformer"),
    "spacy": System("spacy", settings_of_parts=SOONER, component="ner"),
}
# What the ablations are of.
ABLATED = "bilstm"
WITHOUT_CRF = {f"{COMPONENT}.model.use_crf": False}
WITHOUT_CHARACTERS = {f"{TOK2VEC}.characters": None}
# Each lacks one thing.
ABLATIONS = {
    "bilstm-no-crf": System("bilstm", WITHOUT_CRF, has_vectors=True),
    "bilstm-no-characters": System("bilstm", WITHOUT_CHARACTERS, has_vectors=True),
    "bilstm-no-vectors": System("bilstm"),
}
ALL_SYSTEMS = {**SYSTEMS, **ABLATIONS}
TITLES = {
    "rules": "phrases of the training data",
    "features": "feature CRF",
    "bilstm": "BiLSTM-CRF",
    "transformer": "transformer (MiniLM)",
    "spacy": "spaCy `ner`",
    "bilstm-no-crf": "BiLSTM, no CRF",
    "bilstm-no-characters": "BiLSTM-CRF, no characters",
    "bilstm-no-vectors": "BiLSTM-CRF, no vectors",
}


@dataclass(frozen=True)
class Corpora:
    """The .spacy files of a training, and what systems start from."""

    train: Path
    dev: Path
    encoder: Path
    vectors: Path | None


def make_config(
    system: System, corpora: Corpora, seed: int, folder: Path, *, is_part: bool = False
) -> Config:
    """The config of a training; what else it needs is written to the folder.

    is_part (bool): Whether the corpora are a part of all sentences.
    """
    path, overrides = _config_file(system, corpora, seed, folder)
    further = system.settings_of_parts if is_part else {}
    return load_config(path, {**overrides, **further})


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
    else:
        further: dict[str, Any] = {"vectors": corpora.vectors} if system.has_vectors else {}
        if system.kind == "transformer":
            further["encoder"] = corpora.encoder
        spacy_ner_plus.init_config(
            corpora.train, path, dev=corpora.dev, model=system.kind, **further
        )
    return path, {**overrides, **system.settings}
