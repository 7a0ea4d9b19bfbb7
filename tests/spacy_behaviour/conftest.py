"""A tiny pipeline that knows four sentences, and one with scores far apart that knows none."""

from pathlib import Path

import pytest
import spacy
from spacy.language import Language
from spacy.training import Example
from spacy.util import fix_random_seed

from tests import tiny
from tests.pipeline.samples import make_nlp, overfit, shake_head
from tests.spacy_behaviour.sentences import examples


@pytest.fixture(scope="session")
def encoder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tiny.save_encoder(
        tmp_path_factory.mktemp("encoder"),
        num_hidden_layers=1,
        hidden_size=64,
        intermediate_size=128,
    )


@pytest.fixture(scope="session")
def trained_dir(encoder: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    fix_random_seed(0)
    nlp = make_nlp(encoder)
    nlp.initialize(lambda: examples(nlp))
    assert overfit(nlp, examples(nlp), extra_steps=20) == 1.0
    folder = tmp_path_factory.mktemp("trained")
    nlp.to_disk(folder)
    return folder


@pytest.fixture(scope="session")
def trained(trained_dir: Path) -> Language:
    """For tests that leave it as it is."""
    return spacy.load(trained_dir)


@pytest.fixture
def own(trained_dir: Path) -> Language:
    """For one test to change."""
    return spacy.load(trained_dir)


@pytest.fixture(scope="session")
def eager(encoder: Path) -> Language:
    """Random scores: finds entities in most texts."""
    fix_random_seed(0)
    nlp = make_nlp(encoder)
    none = [Example(nlp.make_doc("a"), nlp.make_doc("a"))]
    nlp.get_pipe("ner_plus").initialize(lambda: none, labels=["PERSON", "PLACE"])
    shake_head(nlp.get_pipe("ner_plus"))
    return nlp
