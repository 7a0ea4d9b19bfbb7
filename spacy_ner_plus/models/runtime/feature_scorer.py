"""Emissions from the weights of hand-written features, without a lookup for each feature.

Most features look at one word. What they give for a word at some place, summed over all of them, is
computed once and kept: a token's emission then is the sum of a few rows, one for each place that is
looked at, and of its features of several words and those that are no matter of spelling.
"""

from collections.abc import Sequence
from threading import Lock

import numpy as np
from spacy.tokens import Doc

from ...text.feature_index import FeatureIndex
from ...text.token_features import NONE, AttributeValues, TokenFeatures


class FeatureScorer:
    """Reads Docs and scores their tokens.

    Sums are in fp64, where those of fp32 weights are exact but for rare cases: so an emission does
    not depend on the order of its features, nor on what was read before.

    index (FeatureIndex): The known features.
    reader (TokenFeatures): Gives their values, with the same ids.
    weights: (n_features, n_tags) float32, by the rows of the index.
    bias: (n_tags,) float32.

    Attributes:
        reader (TokenFeatures): The same.
    """

    def __init__(
        self, index: FeatureIndex, reader: TokenFeatures, weights: np.ndarray, bias: np.ndarray
    ) -> None:
        self._index = index
        self.reader = reader
        self._weights = weights.astype(np.float64)  # (n_features, n_tags)
        self._weights[index.none_rows()] = 0.0
        self._bias = bias.astype(np.float64)
        pairs = list(zip(index.templates, index.bases.tolist(), strict=False))
        self._of_words = [(t.terms[0], base) for t, base in pairs if t.is_of_word]
        self._others = [(t, base) for t, base in pairs if not t.is_of_word]
        self._offsets = sorted({term.offset for term, _ in self._of_words})
        self._generation = -1
        self._sums = np.zeros((len(self._offsets), 0, len(bias)))
        self._n_summed = 0
        self._lock = Lock()  # threads may predict side by side, and all add words

    def score(self, docs: Sequence[Doc]) -> tuple[np.ndarray, list[np.ndarray]]:
        """The emissions of the tokens of some Docs.

        RETURNS: (n_rows, n_tags) float32, and for each Doc (n_rows_of_doc,) int64, its tokens.
        """
        with self._lock:
            tokens = self.reader.read(docs)
            self._sum_new_words(tokens)
            scores = np.tile(self._bias, (tokens.n_rows, 1))  # (n_rows, n_tags)
            for sums, offset in zip(self._sums, self._offsets, strict=True):
                scores += sums[tokens.words[tokens.places + offset]]
        for template, base in self._others:
            if len(template.terms) == 1:
                ids = tokens.ids(template.terms[0])  # (n_rows,)
            else:
                ids = self._index.joint_ids(template, tokens)
            has_it = np.flatnonzero(ids != NONE)
            scores[has_it] += self._weights[base + ids[has_it]]
        return scores.astype(np.float32), tokens.row_tokens

    def _sum_new_words(self, tokens: AttributeValues) -> None:
        """Add the sums of words that the reader has not seen before."""
        n_words = self.reader.n_words
        if self._generation != self.reader.generation:
            self._generation, self._n_summed = self.reader.generation, 0
        if self._n_summed == n_words:
            return
        self._reserve(n_words)
        new = slice(self._n_summed, n_words)
        sums = self._sums[:, new]  # (n_offsets, n_new, n_tags)
        sums.fill(0.0)
        for term, base in self._of_words:
            ids = tokens.word_ids[term.attribute][new]  # (n_new,)
            sums[self._offsets.index(term.offset)] += self._weights[base + ids]
        self._n_summed = n_words

    def _reserve(self, n_words: int) -> None:
        n_offsets, room, n_tags = self._sums.shape
        if n_words > room:
            grown = np.empty((n_offsets, max(n_words, 2 * room), n_tags))
            grown[:, : self._n_summed] = self._sums[:, : self._n_summed]
            self._sums = grown
