import os

import pytest
import torch

from tests.pipeline.conftest import encoder_dir, trained_dir

__all__ = ["encoder_dir", "trained_dir"]


@pytest.fixture(scope="session")
def device() -> str:
    """Where the tests of this folder run: see docs/gpu.md for how to try them without a GPU."""
    return os.environ.get("SPACY_NER_PLUS_TEST_DEVICE", "cuda")


@pytest.fixture(autouse=True)
def no_memory_left_over() -> None:
    """What the test before has left to the garbage would count as the next one's."""
    if torch.cuda.is_available():
        torch.cuda.empty_cache()
