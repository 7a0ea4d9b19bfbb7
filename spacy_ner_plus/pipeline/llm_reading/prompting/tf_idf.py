"""How alike texts are by their words."""

import math
from collections import Counter, defaultdict
from collections.abc import Sequence

import numpy as np

from ..grounding.folded_text import fold


class TfIdf:
    """Texts as weighted counts of their words, of length 1, without a matrix.

    The weights are (1 + log tf) * log((1 + n) / (1 + df)) + 1 of the document frequency, as in
    Manning, Raghavan and Schütze (2008), smoothed. Where a script has no spaces, pairs of its
    characters are words.

    texts (Sequence[str]): The texts.
    """

    def __init__(self, texts: Sequence[str]) -> None:
        counts = [Counter(words_of(text)) for text in texts]
        n_texts = Counter(word for own in counts for word in own)
        self._idf = {w: math.log((1 + len(texts)) / (1 + n)) + 1 for w, n in n_texts.items()}
        postings: dict[str, list[tuple[int, float]]] = defaultdict(list)
        for i, own in enumerate(counts):
            for word, weight in self._weights(own).items():
                postings[word].append((i, weight))
        self._postings = {
            word: (np.array([i for i, _ in rows]), np.array([weight for _, weight in rows]))
            for word, rows in postings.items()
        }
        self._n_texts = len(texts)

    def similarities(self, text: str) -> np.ndarray:
        """The cosine of a text and each of the texts, (n_texts,) float64 from 0 to 1."""
        found = np.zeros(self._n_texts)
        for word, weight in self._weights(Counter(words_of(text))).items():
            if word in self._postings:
                rows, weights = self._postings[word]
                found[rows] += weight * weights
        return found

    def _weights(self, counts: Counter[str]) -> dict[str, float]:
        raw = {w: (1 + math.log(n)) * self._idf[w] for w, n in counts.items() if w in self._idf}
        length = math.sqrt(sum(weight * weight for weight in raw.values())) or 1.0
        return {word: weight / length for word, weight in raw.items()}


def words_of(text: str) -> list[str]:
    """The words of a text: runs of letters and digits, and pairs of letters without case."""
    words: list[str] = []
    for run in "".join(char if char.isalnum() else " " for char in fold(text)).split():
        if run.isascii() or run.upper() != run:
            words.append(run)
        else:
            words += [run[i : i + 2] for i in range(max(1, len(run) - 1))]
    return words
