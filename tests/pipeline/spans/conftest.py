import pytest
from spacy.language import Language

from tests.pipeline.spans.nested_samples import trained_nlp


@pytest.fixture(scope="session")
def known() -> Language:
    """A pipeline that knows the tiny corpus, for tests that leave it as it is."""
    return trained_nlp()


@pytest.fixture
def own_known() -> Language:
    """The same for one test to change."""
    return trained_nlp()
