"""How much of a stream is read ahead."""

from collections.abc import Iterable, Iterator

from spacy.tokens import Doc

# Enough sentences that those of like length fill the encoder together, and some seconds of work.
MAX_WORDS = 16_384


def look_ahead(
    stream: Iterable[Doc], *, max_docs: int, max_words: int = MAX_WORDS
) -> Iterator[list[Doc]]:
    """Docs to be processed together: until there are max_docs, or max_words tokens."""
    docs: list[Doc] = []
    n_words = 0
    for doc in stream:
        docs.append(doc)
        n_words += len(doc)
        if len(docs) >= max_docs or n_words >= max_words:
            yield docs
            docs, n_words = [], 0
    if docs:
        yield docs
