import copy

import pytest
from spacy.language import Language

from tests.pipeline.spans.nested_samples import HEADS, spans_pipe, trained_nlp


@pytest.fixture(scope="session", params=HEADS)
def known(request: pytest.FixtureRequest) -> Language:
    """A pipeline that knows the tiny corpus, for tests that leave it as it is; for each head."""
    return trained_nlp(model_head=request.param)


@pytest.fixture
def own_known(known: Language) -> Language:
    """The same for one test to change."""
    own = copy.deepcopy(known)
    spans_pipe(own).crossings.clear()  # of other tests
    return own
