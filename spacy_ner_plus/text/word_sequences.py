"""Docs to sequences of words: what a recurrent encoder reads from end to end."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from spacy.attrs import IS_SPACE, ORTH, SENT_START
from spacy.tokens import Doc

from .word_features import WordFeatures, WordReader

CONTEXTS = ("sentence", "document")
_STARTS = 1  # SENT_START of a sentence's first token


@dataclass(frozen=True)
class WordSequences:
    """The words of some Docs: all tokens but whitespace, which have one row each.

    row_tokens: for each Doc, (n_rows_of_doc,) int64, the token of each row.
    row_words: (n_rows,) int64, which of the different words each row is.
    words (WordFeatures): The different words.
    lengths: (n_sequences,) int64, rows of each sequence, at least 1. The rows of a sequence follow
        each other, and so do the sequences.
    """

    row_tokens: list[np.ndarray]
    row_words: np.ndarray
    words: WordFeatures
    lengths: np.ndarray

    @property
    def n_rows(self) -> int:
        """Words of all Docs."""
        return len(self.row_words)


def read_sequences(docs: Sequence[Doc], reader: WordReader, *, context: str) -> WordSequences:
    """Read the words of some Docs.

    context (str): "sentence" for a sequence a sentence, where a Doc has starts of sentences;
        "document" for one a Doc.
    """
    tables = [doc.to_array([ORTH, IS_SPACE, SENT_START]) for doc in docs]  # (n_tokens, 3) each
    row_tokens = [np.flatnonzero(table[:, 1] == 0) for table in tables]
    n_tokens = [len(table) for table in tables]
    tokens = np.concatenate([np.zeros((0, 3), dtype=np.uint64), *tables])  # (N, 3)
    is_first = np.zeros(len(tokens) + 1, dtype=bool)
    doc_starts = np.cumsum([0, *n_tokens])  # (n_docs + 1,)
    is_first[doc_starts] = True
    if context == "sentence":
        is_first[:-1] |= tokens[:, 2] == _STARTS
    is_word = tokens[:, 1] == 0  # (N,)
    sequences = np.cumsum(is_first[:-1])[is_word]  # (n_rows,), counted up
    hashes, firsts, row_words = np.unique(
        tokens[is_word, 0], return_index=True, return_inverse=True
    )
    positions = np.flatnonzero(is_word)[firsts]  # (n_words,)

    def string_of(place: int) -> str:
        doc = docs[int(np.searchsorted(doc_starts, positions[place], side="right")) - 1]
        return str(doc.vocab.strings[int(hashes[place])])

    return WordSequences(
        row_tokens=row_tokens,
        row_words=row_words.astype(np.int64),
        words=reader.read(hashes, string_of),
        lengths=np.unique(sequences, return_counts=True)[1].astype(np.int64),
    )
