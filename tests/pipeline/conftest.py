from pathlib import Path

import pytest
import spacy
from spacy.language import Language
from spacy.tokens import Doc
from spacy.util import fix_random_seed

from tests import tiny
from tests.pipeline.lookup_pipelines import TOYS, toy_nlp
from tests.pipeline.samples import (
    TEXTS,
    chunk_wordpiece,
    make_examples,
    make_nlp,
    overfit,
    spaced_example,
)


@pytest.fixture(scope="session")
def encoder_dir(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An uncased BERT of one layer that learns a few sentences in some 30 steps."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setitem(tiny.TOKENIZERS, "chunks", chunk_wordpiece)
        return tiny.save_encoder(
            tmp_path_factory.mktemp("encoder"),
            tokenizer="chunks",
            num_hidden_layers=1,
            hidden_size=128,
            intermediate_size=256,
        )


@pytest.fixture(scope="session")
def trained_dir(encoder_dir: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A saved pipeline that has learned 21 sentences by heart."""
    fix_random_seed(0)
    nlp = make_nlp(encoder_dir)
    examples = [*make_examples(nlp), spaced_example(nlp)]
    nlp.initialize(lambda: examples)
    assert overfit(nlp, examples, extra_steps=20) == 1.0
    folder = tmp_path_factory.mktemp("trained")
    nlp.to_disk(folder)
    return folder


@pytest.fixture(scope="session")
def trained(trained_dir: Path) -> Language:
    """The trained pipeline, for tests that leave it as it is."""
    return spacy.load(trained_dir)


@pytest.fixture
def own_trained(trained_dir: Path) -> Language:
    """A trained pipeline for one test to change."""
    return spacy.load(trained_dir)


@pytest.fixture(scope="session")
def trained_docs(trained: Language) -> list[Doc]:
    """What the trained pipeline finds in TEXTS."""
    docs = [trained(text) for text in TEXTS]
    assert [len(docs[i].ents) for i in (0, 1, 3, 7)] == [4, 1, 1, 3]
    return docs


@pytest.fixture(params=TOYS)
def toy(request: pytest.FixtureRequest) -> Language:
    """A pipeline with each of the toy components."""
    return toy_nlp(request.param)
