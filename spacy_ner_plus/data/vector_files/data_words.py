"""The words of annotated texts, and how many of them have a vector."""

from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from spacy.language import Language
from tqdm import tqdm

from ...records import TextRecord
from ...text.word_vectors import NO_VECTOR, WordVectors, word_hashes
from ..blank_pipeline import blank_pipeline
from ..formats.record_files import open_several


@dataclass(frozen=True)
class WordCoverage:
    """How many words have a vector: different ones, and all of them one by one.

    n_words, n_tokens: All.
    n_exact, n_exact_tokens: Those that have a vector as they are written.
    n_lowercased, n_lowercased_tokens: Those of the others that have one in lower case.
    """

    n_words: int
    n_tokens: int
    n_exact: int
    n_exact_tokens: int
    n_lowercased: int
    n_lowercased_tokens: int


@dataclass(frozen=True)
class DataWords:
    """The words of texts, without white space, and how often each comes."""

    counts: Counter[str]

    def hashes(self) -> np.ndarray:
        """The hashes of all words as they are, and in lower case, (n,) uint64, ascending."""
        return np.unique(np.concatenate([word_hashes(self.counts), self._lowercased()]))

    def coverage(self, vectors: WordVectors) -> WordCoverage:
        """How many have a vector."""
        n = np.array(list(self.counts.values()), dtype=np.int64)
        exact = vectors.rows_of(word_hashes(self.counts)) != NO_VECTOR
        lowercased = (vectors.rows_of(self._lowercased()) != NO_VECTOR) & ~exact
        return WordCoverage(
            n_words=len(n),
            n_tokens=int(n.sum()),
            n_exact=int(exact.sum()),
            n_exact_tokens=int(n[exact].sum()),
            n_lowercased=int(lowercased.sum()),
            n_lowercased_tokens=int(n[lowercased].sum()),
        )

    def _lowercased(self) -> np.ndarray:
        """(n,) uint64, in the order of the words."""
        return word_hashes(word.lower() for word in self.counts)


def read_words(paths: Iterable[Path], lang: str) -> DataWords:
    """The words of annotated texts.

    paths (Iterable[Path]): Files or folders of any format that `read` knows.
    lang (str): The language whose tokenizer cuts texts that have no tokens.
    RAISES ValueError: See `read`; or there is no word.
    """
    paths, nlp = list(paths), blank_pipeline(lang)
    source = open_several(paths, None, lambda _: {})
    bar = tqdm(source.records(), desc="Reading words", unit="texts", disable=None, leave=False)
    counts = Counter(word for _, record in bar for word in _words_of(record, nlp))
    if not counts:
        raise ValueError(f"There are no words in {', '.join(map(str, paths))}: name other files.")
    return DataWords(counts)


def _words_of(record: TextRecord, nlp: Language) -> Iterator[str]:
    if record.tokens is not None:
        found = (record.text[token.start : token.end] for token in record.tokens)
    else:
        found = (token.text for token in nlp.make_doc(record.text))
    return (word for word in found if not word.isspace())
