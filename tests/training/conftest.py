from pathlib import Path

import pytest

from tests import tiny
from tests.pipeline.samples import initialized_nlp


@pytest.fixture(scope="session")
def dropout_encoder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A tiny encoder that draws random numbers when it is trained."""
    folder = tmp_path_factory.mktemp("dropout_encoder")
    return tiny.save_encoder(folder, hidden_dropout_prob=0.1, attention_probs_dropout_prob=0.1)


@pytest.fixture(scope="session")
def teachers(tmp_path_factory: pytest.TempPathFactory, tiny_encoder_dir: Path) -> list[Path]:
    """Three pipelines: the second has another tag scheme, the third another tokenizer."""
    folder = tmp_path_factory.mktemp("teachers")
    other = tiny.save_encoder(folder / "encoder", tokenizer="byte-bpe")
    made = [
        initialized_nlp(tiny_encoder_dir, n=70, seed=1),
        initialized_nlp(tiny_encoder_dir, n=70, seed=2, tag_scheme="BIO"),
        initialized_nlp(other, n=70, seed=3),
    ]
    for number, nlp in enumerate(made):
        nlp.to_disk(folder / str(number))
    return [folder / str(number) for number in range(3)]
