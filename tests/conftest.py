import gc
import os
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import pytest
import torch
from hypothesis import settings
from spacy.lang.en import English

from tests import forked, tiny

# Those of the 1,347 special cases of English that most tests have.
SPECIAL_CASES = (
    "can't", "Can't", "cannot", "didn't", "doesn't", "don't", "Don't", "Mr.", "Inc.", "'s",
)  # fmt: skip
ALL_CASES = English.Defaults.tokenizer_exceptions
FEW_CASES = {word: ALL_CASES[word] for word in SPECIAL_CASES}

# The same examples each time: what fails is what was changed. `--hypothesis-profile drawn` draws
# others, and `make fuzz` has an hour.
settings.register_profile("suite", max_examples=50, derandomize=True)
settings.register_profile("drawn", max_examples=500)
settings.load_profile("suite")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Begin with the files that have slow tests: those at the end keep one worker waiting.

    Copies of a worker are the faster the less it has in its memory, so those that are made come
    first. xdist would begin with the files that have most tests; see the Makefile.
    """
    n_slow = Counter(item.path for item in items if item.get_closest_marker("slow"))
    items.sort(key=lambda item: (not _makes_copies(item), -n_slow[item.path]))


def pytest_collection_finish(session: pytest.Session) -> None:
    """Have no search for garbage, here or in copies, go through what is there from now on."""
    gc.collect()
    gc.freeze()


def _makes_copies(item: pytest.Item) -> bool:
    """Whether its file uses tests/forked.py."""
    names = vars(getattr(item, "module", item)).values()
    return any(name is forked.python for name in names)


def pytest_runtest_setup(item: pytest.Item) -> None:
    """Spare most tests what each English pipeline learns anew, nine tenths of its making.

    Tests that need a GPU are left out where there is none, but for those that are tried without.
    """
    is_whole = item.get_closest_marker("whole_english") is not None
    English.Defaults.tokenizer_exceptions = ALL_CASES if is_whole else FEW_CASES
    if item.get_closest_marker("gpu") and not torch.cuda.is_available():
        fixtures = getattr(item, "fixturenames", ())
        if os.environ.get("SPACY_NER_PLUS_TEST_DEVICE") != "cpu" or "device" not in fixtures:
            pytest.skip("needs a GPU")


@pytest.fixture(scope="session")
def tiny_encoder_dir(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a random two-layer uncased BERT of width 32 for up to 130 pieces."""
    return tiny.save_encoder(tmp_path_factory.mktemp("encoder"))


@pytest.fixture(scope="session", autouse=True)
def one_thread() -> Iterator[None]:
    """Threads that wait for each other take longer than tiny tensors do."""
    n_threads = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(n_threads)
