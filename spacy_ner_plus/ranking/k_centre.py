"""Texts that are unlike each other."""

import zlib
from collections.abc import Sequence

import numpy as np

# Of vectors that are made of letters.
_WIDTH, _N_GRAM = 512, 4


def k_centre(vectors: np.ndarray, n: int) -> list[int]:
    """Choose rows so that every row is near to a chosen one: the greedy k-centre.

    Gonzalez (1985), "Clustering to minimize the maximum intercluster distance": the first row, then
    each time the one that is farthest from all that are chosen, which is at most twice as far as
    the best choice has it. Sener and Savarese (2018), "Active learning for convolutional neural
    networks: a core-set approach", have it for annotation. Of equally far rows the first wins.

    vectors: (n_rows, width) float. They are compared by angle; those of length 0 with no other.
    n (int): How many, at most.
    RETURNS: Rows in the order in which they are chosen.
    """
    if not len(vectors) or n < 1:
        return []
    lengths = np.linalg.norm(vectors, axis=1, keepdims=True)  # (n_rows, 1)
    unit = np.divide(vectors, lengths, out=np.zeros_like(vectors), where=lengths > 0)
    chosen = [0]
    distance = 1.0 - unit @ unit[0]  # (n_rows,), to the nearest chosen one
    distance[0] = -np.inf
    while len(chosen) < min(n, len(vectors)):
        farthest = int(distance.argmax())
        chosen.append(farthest)
        distance = np.minimum(distance, 1.0 - unit @ unit[farthest])
        distance[farthest] = -np.inf
    return chosen


def letter_vectors(texts: Sequence[str]) -> np.ndarray:
    """Vectors of texts without a model: hashed counts of runs of letters, damped by square roots.

    RETURNS: (n_texts, width) float32
    """
    found = np.zeros((len(texts), _WIDTH), dtype=np.float32)
    for row, text in zip(found, texts, strict=True):
        letters = " ".join(text.casefold().split())
        for i in range(max(1, len(letters) - _N_GRAM + 1)):
            row[zlib.crc32(letters[i : i + _N_GRAM].encode("utf8", "surrogatepass")) % _WIDTH] += 1
    return np.sqrt(found)
