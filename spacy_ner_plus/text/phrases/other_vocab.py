"""A tokenizer that does what another does, and leaves its words in a vocabulary of its own."""

from copy import copy
from typing import Any

from spacy.attrs import IDS
from spacy.tokenizer import Tokenizer
from spacy.vocab import Vocab

# Words whose pieces are kept at hand: as many as there may be, as all of it is thrown away.
_CACHE_SIZE = 1 << 20


def with_other_vocab(tokenizer: Any, attribute: str) -> Any:
    """A tokenizer that gives the same tokens, with a new vocabulary that may be thrown away.

    spaCy's memory zones do not do: they free the strings of words, but what len(vocab) counts
    grows, and no zone may be opened within another one.

    tokenizer: spaCy's, or one that has a `vocab`, or whose with_vocab(vocab) makes another one.
    attribute (str): What tokens are asked for: lexemes of spaCy's own need nothing else.
    RAISES ValueError: It has no vocab that could be another one.
    """
    vocab = tokenizer.vocab
    getters = dict(vocab.lex_attr_getters)
    if type(tokenizer) is Tokenizer:
        getters = {key: getter for key, getter in getters.items() if key == IDS[attribute]}
    other = Vocab(
        lex_attr_getters=getters,
        lookups=vocab.lookups,
        writing_system=vocab.writing_system,
    )
    return with_vocab(tokenizer, other)


def with_vocab(tokenizer: Any, vocab: Vocab) -> Any:
    """A tokenizer that does the same with another vocabulary."""
    if type(tokenizer) is Tokenizer:
        return Tokenizer(
            vocab,
            rules=tokenizer.rules,
            prefix_search=tokenizer.prefix_search,
            suffix_search=tokenizer.suffix_search,
            infix_finditer=tokenizer.infix_finditer,
            token_match=tokenizer.token_match,
            url_match=tokenizer.url_match,
            faster_heuristics=tokenizer.faster_heuristics,
            max_cache_size=_CACHE_SIZE,
        )
    if hasattr(tokenizer, "with_vocab"):
        return tokenizer.with_vocab(vocab)
    try:
        other = copy(tokenizer)
        other.vocab = vocab
        takes_it = other("a").vocab is vocab
    except Exception as error:  # whatever a stranger's tokenizer does when it is copied
        raise _no_other(tokenizer) from error
    if not takes_it or tokenizer.vocab is vocab:
        raise _no_other(tokenizer)
    return other


def _no_other(tokenizer: Any) -> ValueError:
    return ValueError(
        f"The tokenizer {type(tokenizer).__module__}.{type(tokenizer).__qualname__} can't be used "
        "with another vocabulary, so that the words of phrase lists would stay in nlp.vocab: give "
        "it a method with_vocab(vocab) that returns a tokenizer that does the same."
    )
