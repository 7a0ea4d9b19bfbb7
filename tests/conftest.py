from pathlib import Path

import pytest

from tests import tiny


@pytest.fixture(scope="session")
def tiny_encoder_dir(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a random two-layer uncased BERT of width 32 for up to 130 pieces."""
    return tiny.save_encoder(tmp_path_factory.mktemp("encoder"))
