from collections.abc import Iterator
from pathlib import Path

import pytest
import spacy
from spacy.language import Language

from spacy_ner_plus.serving.pipelines.model_set import ModelSet
from tests.pipeline.samples import initialized_nlp
from tests.serving.apps import load_set, spec_of


@pytest.fixture(scope="session")
def model(tiny_encoder_dir: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A pipeline that finds much and is mostly wrong."""
    nlp = initialized_nlp(tiny_encoder_dir, n=20)
    nlp.meta["name"], nlp.meta["version"] = "tiny", "1.0.0"
    nlp.meta["performance"] = {"ents_f": 0.5, "ents_per_type": {"Disease": {"f": 0.5}}}
    folder = tmp_path_factory.mktemp("model")
    nlp.to_disk(folder)
    return folder


@pytest.fixture(scope="session")
def nlp(model: Path) -> Language:
    return spacy.load(model)


@pytest.fixture(scope="session")
def models(model: Path) -> Iterator[ModelSet]:
    """One model, as the tests that change nothing share it."""
    found = load_set([spec_of(model)])
    yield found
    for slot in found.slots:
        assert slot.current is not None
        slot.current.batcher.close()
