from pathlib import Path

import pytest

from tests import tiny
from tests.pipeline.samples import initialized_nlp, shake_head


@pytest.fixture(scope="session")
def random_model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A saved pipeline that finds many entities, most of them wrong."""
    nlp = initialized_nlp(tiny.save_encoder(tmp_path_factory.mktemp("encoder")), n=20)
    shake_head(nlp.get_pipe("ner_plus"), scale=0.3)
    folder = tmp_path_factory.mktemp("model")
    nlp.to_disk(folder)
    return folder
