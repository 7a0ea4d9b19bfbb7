"""Which words of a file are written: new ones, of those that are wanted, and the others counted."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from ...text.word_vectors import are_among, word_hashes


@dataclass
class ReadCounts:
    """What was read of a file of word vectors.

    n_read: Words, up to the last one that was asked for.
    n_repeated: Those that had come before; the first vector stays.
    n_empty: Those without a character.
    n_undecodable: Those that are not UTF-8.
    n_with_space: Those with white space in them, which are written, and of which few tokenizers
        make a token.
    n_unwanted: Those that the given texts do not have.
    """

    n_read: int = 0
    n_repeated: int = 0
    n_empty: int = 0
    n_undecodable: int = 0
    n_with_space: int = 0
    n_unwanted: int = 0


class WordChoice:
    """Chooses words block by block. Only hashes are held.

    limit (Optional[int]): So many of the first different words, whether they are wanted or not;
        None for all.
    wanted: (n,) uint64, ascending: the hashes of the words to write; None for all.
    """

    def __init__(self, limit: int | None, wanted: np.ndarray | None) -> None:
        self._limit = limit
        self._wanted = wanted
        self._seen = np.zeros(0, dtype=np.uint64)  # ascending
        self.counts = ReadCounts()
        self.is_lowercased = True

    @property
    def is_full(self) -> bool:
        """Whether no word more is to be read."""
        return self._limit is not None and len(self._seen) >= self._limit

    def take_words(self, words: Sequence[str | None]) -> tuple[np.ndarray, np.ndarray]:
        """Choose among the next words.

        words (Sequence[Optional[str]]): None for one that is not UTF-8.
        RETURNS: Their places, (n,) int64, ascending, and their hashes, (n,) uint64.
        """
        hashes = word_hashes(word or "" for word in words)
        places = np.flatnonzero(np.fromiter(map(bool, words), dtype=bool, count=len(words)))
        places = places[self._first_times(hashes[places])]
        left = self._left()
        n_read = len(words)
        if left is not None and len(places) >= left:
            places = places[:left]
            n_read = int(places[-1]) + 1
        self._count(words[:n_read])
        self.counts.n_repeated += int(np.count_nonzero(hashes[:n_read])) - len(places)
        self._add(hashes[places])
        places = places[self._are_wanted(hashes[places])]
        self._look_at([words[i] or "" for i in places.tolist()])
        return places, hashes[places]

    def take_hashes(self, hashes: np.ndarray) -> np.ndarray:
        """Choose among all words of a table, of which none comes twice.

        hashes: (n,) uint64, in the order of the table.
        RETURNS: (m,) uint64.
        """
        chosen = hashes[: self._limit]
        self.counts.n_read += len(chosen)
        return chosen[self._are_wanted(chosen)]

    def _left(self) -> int | None:
        return None if self._limit is None else self._limit - len(self._seen)

    def _first_times(self, hashes: np.ndarray) -> np.ndarray:
        """Which of some words come for the first time, (n,) bool."""
        is_first = np.zeros(len(hashes), dtype=bool)
        is_first[np.unique(hashes, return_index=True)[1]] = True
        is_first &= ~are_among(hashes, self._seen)
        return is_first

    def _add(self, hashes: np.ndarray) -> None:
        # two ascending runs, which a stable sort merges in one pass
        self._seen = np.sort(np.concatenate([self._seen, np.sort(hashes)]), kind="stable")

    def _are_wanted(self, hashes: np.ndarray) -> np.ndarray:
        """(n,) bool. The others are counted."""
        if self._wanted is None:
            return np.ones(len(hashes), dtype=bool)
        is_wanted = are_among(hashes, self._wanted)
        self.counts.n_unwanted += len(hashes) - int(is_wanted.sum())
        return is_wanted

    def _count(self, words: Sequence[str | None]) -> None:
        self.counts.n_read += len(words)
        self.counts.n_undecodable += sum(word is None for word in words)
        self.counts.n_empty += sum(word == "" for word in words)

    def _look_at(self, words: Sequence[str]) -> None:
        """Note what is worth knowing of words that are written."""
        self.counts.n_with_space += sum(len(word.split()) != 1 for word in words)
        self.is_lowercased &= all(word == word.lower() for word in words)
