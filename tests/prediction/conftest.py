from pathlib import Path

import pytest
import spacy
from spacy import util
from spacy.language import Language

from tests.pipeline.samples import initialized_nlp


@pytest.fixture(scope="session")
def model(tiny_encoder_dir: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A pipeline that finds much and is mostly wrong."""
    nlp = initialized_nlp(tiny_encoder_dir, n=20)
    folder = tmp_path_factory.mktemp("model")
    nlp.to_disk(folder)
    return folder


@pytest.fixture(scope="session")
def nlp(model: Path) -> Language:
    return spacy.load(model)


@pytest.fixture
def loaded(model: Path, nlp: Language, monkeypatch: pytest.MonkeyPatch) -> None:
    """The model is not loaded again: that takes longer than the runs here."""
    original = util.load_model
    monkeypatch.setattr(
        util, "load_model", lambda name: nlp if name == str(model) else original(name)
    )
