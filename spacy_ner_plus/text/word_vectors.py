"""Word vectors by the hashes of their words: arrays alone, which can stay on the disk.

A word's hash is that of spaCy's string store, as Doc.to_array gives it for each token; so tokens
are looked up without a string.
"""

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
from spacy.attrs import LOWER, ORTH
from spacy.strings import get_string_id
from spacy.vectors import Mode, Vectors
from spacy.vocab import Vocab
from thinc.util import to_numpy

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

    @classmethod
    def from_vocab(cls, vocab: Vocab) -> "WordVectors":
        """The vectors that a spaCy pipeline has. The table is not copied, unless it is on a GPU.

        RAISES ValueError: If it has none, or none by words: floret's are by pieces of words.
        """
        vectors = vocab.vectors
        _check_by_words(vectors)
        key2row = vectors.key2row
        keys = np.fromiter(key2row.keys(), dtype=np.uint64, count=len(key2row))
        rows = np.fromiter(key2row.values(), dtype=np.int64, count=len(key2row))
        order = np.argsort(keys)
        table = to_numpy(vectors.data)
        kind = np.float16 if table.dtype == np.float16 else np.float32
        return cls(keys[order], rows[order], table.astype(kind, copy=False))

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


def are_among(hashes: np.ndarray, those: np.ndarray) -> np.ndarray:
    """Which of some words are among others.

    hashes: (n,) uint64.
    those: (m,) uint64, ascending.
    RETURNS: (n,) bool.
    """
    if not len(those):
        return np.zeros(len(hashes), dtype=bool)
    at = np.searchsorted(those, hashes).clip(max=len(those) - 1)  # (n,)
    found: np.ndarray = those[at] == hashes
    return found


def _check_by_words(vectors: object) -> None:
    """RAISES ValueError: If they are not vectors by the hashes of words."""
    if not isinstance(vectors, Vectors):
        raise ValueError(
            f"The vocabulary's vectors are of {type(vectors).__name__}, a class of somebody's own: "
            "give vectors of a file, which ner-plus vectors reads."
        )
    if vectors.mode == Mode.floret:
        raise ValueError(
            "The vocabulary's vectors are floret's, made of pieces of words, and so not a table "
            "by words. Take a pipeline with vectors in spaCy's default mode, or give vectors of a "
            "file, which ner-plus vectors reads."
        )
    if vectors.attr not in (ORTH, LOWER):
        raise ValueError(
            "The vocabulary's vectors are not by the words themselves or their lower-case forms: "
            'their attr must be "ORTH" or "LOWER". Give vectors of a file, which ner-plus vectors '
            "reads."
        )
    if not len(vectors.key2row) or not vectors.shape[1]:
        raise ValueError(
            "The vocabulary has no vectors. Take a pipeline that has some (en_core_web_md, say), "
            "or give vectors of a file, which ner-plus vectors reads."
        )
