from pathlib import Path

import pytest

from tests import tiny


@pytest.fixture(scope="session")
def dropout_encoder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A tiny encoder that draws random numbers when it is trained."""
    folder = tmp_path_factory.mktemp("dropout_encoder")
    return tiny.save_encoder(folder, hidden_dropout_prob=0.1, attention_probs_dropout_prob=0.1)
