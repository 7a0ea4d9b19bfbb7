"""How often each word occurs in some documents: what a vocabulary is made of."""

from collections import Counter
from collections.abc import Iterable

import numpy as np
from spacy.attrs import IS_SPACE, ORTH
from spacy.tokens import Doc


class WordCounts:
    """Counts words of documents, one document after the other; whitespace is no word.

    Attributes:
        n_docs (int): Documents that were counted.
        by_word (Counter[str]): How often each word occurred.
    """

    def __init__(self, docs: Iterable[Doc] = ()) -> None:
        self.n_docs = 0
        self.by_word: Counter[str] = Counter()
        for doc in docs:
            self.add(doc)

    def add(self, doc: Doc) -> None:
        """Count the words of a document."""
        self.n_docs += 1
        tokens = doc.to_array([ORTH, IS_SPACE])  # (n_tokens, 2)
        words, counts = np.unique(tokens[tokens[:, 1] == 0, 0], return_counts=True)
        strings = doc.vocab.strings
        for word, count in zip(words.tolist(), counts.tolist(), strict=True):
            self.by_word[strings[word]] += count
