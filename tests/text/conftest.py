from collections.abc import Callable
from functools import cache

import pytest
import spacy
from spacy.language import Language

from spacy_ner_plus.text.wordpieces import WordpieceTokenizer
from tests import tiny


@pytest.fixture(scope="session")
def get_tokenizer() -> Callable[[str], WordpieceTokenizer]:
    """A tiny tokenizer by its name in tiny.TOKENIZERS; each is trained once."""
    return cache(lambda kind: WordpieceTokenizer(tiny.TOKENIZERS[kind]()))


@pytest.fixture(scope="session")
def nlp() -> Language:
    return spacy.blank("en")
