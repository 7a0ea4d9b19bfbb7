"""A tokenizer that does what another does, and leaves its words in a vocabulary of its own."""

from copy import copy
from typing import Any

from spacy.attrs import IDS
from spacy.tokenizer import Tokenizer
from spacy.vocab import Vocab

# Strings whose tokens are kept at hand: no limit, as all of it is thrown away with the words.
_CACHE_SIZE = 1 << 20


def with_new_vocab(tokenizer: Any, vocab: Any, attribute: str) -> Any:
    """A tokenizer that gives the same tokens, with a new vocabulary that may be thrown away.

    spaCy's memory zones do not do: they free the strings of words, but what len(vocab) counts
    grows, and no zone may be opened within another one.

    tokenizer: A pipeline's.
    vocab (Vocab): The pipeline's.
    attribute (str): What tokens are asked for: lexemes of spaCy's own tokenizer need nothing else.
    RETURNS: The tokenizer, or None if it works with its own vocabulary only: see with_vocab.
    """
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
    """A tokenizer that does the same with another vocabulary, None if there is no way to have one.

    tokenizer: spaCy's own (but not a subclass, which may hold anything), one with a method
        with_vocab(vocab), or one that looks for its vocabulary in its attribute `vocab`.
    """
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
        has_it = other is not tokenizer and other("a").vocab is vocab
    except Exception:  # whatever a stranger's tokenizer does about it
        return None
    return other if has_it else None
