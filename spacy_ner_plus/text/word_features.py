"""Words to the rows of tables that an encoder looks up, each different word once.

A text has few different words. What is found out about one is kept, by its hash, so that in the
course of a run most words cost a look into a dictionary and no string.
"""

from collections.abc import Callable
from dataclasses import dataclass, fields
from threading import Lock

import numpy as np

from .lexicon import Lexicon, suffix_hash, word_forms_hashes
from .word_forms import word_forms

# Different words that are kept; each takes about 200 bytes at 32 characters.
MAX_WORDS = 1 << 16


@dataclass(frozen=True)
class WordFeatures:
    """What an encoder reads of some words.

    word_rows, vector_rows: (n,) int64, rows of learned and of pretrained vectors, or NO_ROW.
    forms: (n,) int64, casing classes of text.word_forms.
    suffixes: (n,) int64, rows of endings.
    characters: (n, max_characters) int32, rows of characters, padded with 0.
    lengths: (n,) int64, characters of each, at most max_characters.
    """

    word_rows: np.ndarray
    vector_rows: np.ndarray
    forms: np.ndarray
    suffixes: np.ndarray
    characters: np.ndarray
    lengths: np.ndarray

    def __len__(self) -> int:
        return len(self.forms)

    def take(self, places: np.ndarray) -> "WordFeatures":
        """Those at some places, (m,) int64."""
        return WordFeatures(*(getattr(self, field.name)[places] for field in fields(self)))

    def and_further(self, others: "WordFeatures") -> "WordFeatures":
        """These, followed by others."""
        pairs = ((getattr(self, f.name), getattr(others, f.name)) for f in fields(self))
        return WordFeatures(*(np.concatenate(pair) for pair in pairs))


def read_features(words: list[str], lexicon: Lexicon, max_characters: int) -> WordFeatures:
    """The features of words.

    max_characters (int): Of a longer word the first and the last half of so many are read.
    """
    hashes = word_forms_hashes(words)  # (n, 4)
    endings = np.array([suffix_hash(word) for word in words], dtype=np.uint64)  # (n,)
    shortened = [_shortened(word, max_characters) for word in words]
    lengths = np.array([len(word) for word in shortened], dtype=np.int64)  # (n,)
    text = "".join(shortened)
    ends = np.cumsum(lengths)  # (n,)
    points = np.frombuffer(text.encode("utf-32-le", "surrogatepass"), dtype=np.uint32)  # (n_chars,)
    characters = np.zeros((len(words), max_characters), dtype=np.int32)
    characters[np.arange(max_characters) < lengths[:, None]] = lexicon.character_rows(
        points.astype(np.int64)
    )
    return WordFeatures(
        word_rows=lexicon.word_rows(hashes),
        vector_rows=lexicon.vector_rows_of(hashes),
        forms=word_forms(f"{text} ", ends - lengths, ends).astype(np.int64),  # never empty
        suffixes=lexicon.suffix_rows(endings),
        characters=characters,
        lengths=lengths,
    )


def _shortened(word: str, max_characters: int) -> str:
    if len(word) <= max_characters:
        return word
    n_last = max_characters // 2
    return word[: max_characters - n_last] + word[len(word) - n_last :]


class WordReader:
    """Reads the features of words by their hashes, and keeps those of many words.

    lexicon (Lexicon): What is known of words.
    max_characters (int): See read_features.
    max_words (int): Words that are kept. If there are more, all are forgotten and read anew.
    """

    def __init__(
        self, lexicon: Lexicon, max_characters: int, *, max_words: int = MAX_WORDS
    ) -> None:
        self._lexicon = lexicon
        self._max_characters = max_characters
        self._max_words = max_words
        self._lock = Lock()  # threads may predict side by side, and all add words
        self._forget()

    def _forget(self) -> None:
        self._places: dict[int, int] = {}
        self._kept = read_features([], self._lexicon, self._max_characters)

    def read(self, hashes: np.ndarray, string_of: Callable[[int], str]) -> WordFeatures:
        """The features of some different words.

        hashes: (n,) uint64.
        string_of (Callable): The word at a place of hashes; asked only for new ones.
        """
        with self._lock:
            return self._read(hashes, string_of)

    def _read(self, hashes: np.ndarray, string_of: Callable[[int], str]) -> WordFeatures:
        places = self._places_of(hashes)  # (n,)
        new = np.flatnonzero(places < 0)
        if len(new) and len(self._kept) + len(new) > self._max_words:
            self._forget()
            new = np.arange(len(hashes))
        if len(new):
            words = [string_of(place) for place in new.tolist()]
            read = read_features(words, self._lexicon, self._max_characters)
            first = len(self._kept)
            self._kept = self._kept.and_further(read)
            for place, word in enumerate(hashes[new].tolist(), start=first):
                self._places[word] = place
            places = self._places_of(hashes)
        return self._kept.take(places)

    def _places_of(self, hashes: np.ndarray) -> np.ndarray:
        find = self._places.get
        places = (find(word, -1) for word in hashes.tolist())
        return np.fromiter(places, dtype=np.int64, count=len(hashes))
