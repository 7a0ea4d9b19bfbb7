"""Tokenizers of languages, with exceptions or without."""

import sys
from collections.abc import Iterable, Mapping
from typing import Any

import spacy
from spacy.language import Language

from ..text.exceptions_tokenizer import EXCEPTIONS_TOKENIZER


def blank_pipeline(lang: str, exceptions: Mapping[str, Iterable[str]] | None = None) -> Language:
    """A language's tokenizer, for texts of any length.

    exceptions (Mapping[str, Iterable[str]]): Tokens that it cuts further, with their pieces.
    RAISES ValueError: If spaCy has none, or a package is missing.
    """
    try:
        nlp = spacy.blank(lang)
        if exceptions:
            tokenizer = {
                "@tokenizers": EXCEPTIONS_TOKENIZER,
                "base": nlp.config["nlp"]["tokenizer"],
            }
            nlp = spacy.blank(lang, config={"nlp": {"tokenizer": tokenizer}})
            made: Any = nlp.tokenizer
            made.initialize(exceptions=exceptions)
    except ImportError as error:
        raise ValueError(f"--lang {lang}: spaCy has no such language: {error}") from error
    # spaCy's limit is there for the memory of parsers: a tokenizer alone needs none
    nlp.max_length = sys.maxsize
    return nlp
