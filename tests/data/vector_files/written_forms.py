"""Word vectors written in each form that is read, and read again in the plainest way."""

import gzip
import io
import zipfile
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from spacy_ner_plus.text.vector_folder import read_vectors
from spacy_ner_plus.text.word_vectors import NO_VECTOR, word_hashes

Pairs = Sequence[tuple[str, Sequence[float]]]


def glove(pairs: Pairs, *, parting: str = " ", end: str = "\n") -> bytes:
    """A word and its numbers a line, such that they are read as the same float32."""
    rows = (parting.join([word, *(f"{x:.9g}" for x in vector)]) + end for word, vector in pairs)
    return "".join(rows).encode("utf8")


def word2vec(pairs: Pairs) -> bytes:
    """As word2vec writes text: a header, and a blank at the end of each line."""
    return _header(pairs) + glove(pairs, end=" \n")


def binary(pairs: Pairs, *, end: bytes = b"\n") -> bytes:
    """As word2vec writes it; gensim leaves out the line feed behind a vector."""
    rows = (word.encode("utf8") + b" " + _bytes(vector) + end for word, vector in pairs)
    return _header(pairs) + b"".join(rows)


def zipped(content: bytes, *others: str) -> bytes:
    """An archive with vectors.txt, and other files."""
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("vectors.txt", content)
        for name in others:
            archive.writestr(name, b"nothing")
    return file.getvalue()


FILES = {
    "GloVe": glove,
    "GloVe with tabs": lambda pairs: glove(pairs, parting="\t", end="\r\n"),
    "word2vec": word2vec,
    "binary": binary,
    "gensim's binary": lambda pairs: binary(pairs, end=b""),
    "gzip": lambda pairs: gzip.compress(glove(pairs)),
    "gzip of binary": lambda pairs: gzip.compress(binary(pairs)),
    "ZIP": lambda pairs: zipped(word2vec(pairs)),
}


def contents(folder: Path, words: Sequence[str]) -> dict[str, list[float]]:
    """Those of some words that a folder has, with their vectors."""
    found = read_vectors(folder, verify=True)
    rows = found.rows_of(word_hashes(words))
    return {
        word: found.table[row].tolist()
        for word, row in zip(words, rows, strict=True)
        if row != NO_VECTOR
    }


def _header(pairs: Pairs) -> bytes:
    return f"{len(pairs)} {len(pairs[0][1])}\n".encode()


def _bytes(vector: Sequence[float]) -> bytes:
    return np.array(vector, dtype="<f4").tobytes()
