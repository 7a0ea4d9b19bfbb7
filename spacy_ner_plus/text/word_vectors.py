"""Word vectors by the hashes of their words: arrays alone, which can stay on the disk.

A word's hash is that of spaCy's string store, as Doc.to_array gives it for each token; so tokens
are looked up without a string.
"""

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
from spacy.strings import get_string_id

# The row of a word that has no vector.
NO_VECTOR = -1


@dataclass(frozen=True)
class WordVectors:
    """Vectors of words.

    keys: (n_words,) uint64, ascending: the hashes of the words.
    rows: (n_words,) int64, the row of each word's vector. Words may share one.
    table: (n_rows, width) float32 or float16; it may be mapped from a file.
    """

    keys: np.ndarray
    rows: np.ndarray
    table: np.ndarray

    @property
    def width(self) -> int:
        """The length of a vector."""
        return int(self.table.shape[1])

    def rows_of(self, hashes: np.ndarray) -> np.ndarray:
        """The row of each of some words, NO_VECTOR where there is none.

        hashes: (n,) uint64.
        RETURNS: (n,) int64.
        """
        if not len(self.keys):
            return np.full(len(hashes), NO_VECTOR, dtype=np.int64)
        at = np.searchsorted(self.keys, hashes).clip(max=len(self.keys) - 1)  # (n,)
        return np.where(self.keys[at] == hashes, self.rows[at], NO_VECTOR)

    def chosen(self, hashes: np.ndarray) -> "WordVectors":
        """Those of some words only, with a table of their own.

        hashes: (n,) uint64, in any order; words without a vector are passed over.
        """
        keys = np.unique(hashes)
        rows = self.rows_of(keys)
        keys, rows = keys[rows != NO_VECTOR], rows[rows != NO_VECTOR]
        kept, new_rows = np.unique(rows, return_inverse=True)
        return WordVectors(keys, new_rows.astype(np.int64), np.asarray(self.table[kept]))


def word_hashes(words: Iterable[str]) -> np.ndarray:
    """The hashes of words, (n,) uint64."""
    return np.fromiter((get_string_id(word) for word in words), dtype=np.uint64)
