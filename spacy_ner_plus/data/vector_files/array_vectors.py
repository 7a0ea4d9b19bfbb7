"""Word vectors in an array of numpy, with their words in a file beside it."""

from collections.abc import Iterator
from itertools import islice
from pathlib import Path

import numpy as np

from .vector_block import VectorBlock
from .word_lists import open_words

MAGIC = b"\x93NUMPY"
_BLOCK = 1 << 14  # words


class ArrayVectors:
    """A .npy file, (n_words, width), and the words in the order of its rows.

    path (Path): The array, which is mapped into memory.
    word_list (Path): The words: see open_words.
    column (Optional[str]): Of a Parquet file.
    RAISES ValueError: If the array holds something else, or there are no such words.
    """

    unit = "words"

    def __init__(self, path: Path, word_list: Path, column: str | None) -> None:
        self._path = path
        self._word_list = word_list
        self._words = open_words(word_list, column)
        self._array = _mapped(path)
        self.total, self.width = self._array.shape
        self.precision = "float16" if self._array.dtype == np.float16 else "float32"
        self.form = f"numpy array with {self._words.form}"

    def blocks(self) -> Iterator[VectorBlock]:
        """See VectorSource. RAISES ValueError: If there are more words than vectors, or fewer."""
        words, start = self._words.words(), 0
        while block := list(islice(words, _BLOCK)):
            if start + len(block) > self.total:
                n_words = start + len(block) + sum(1 for _ in words)
                raise ValueError(self._not_as_many(n_words))
            yield self._block(block, start)
            start += len(block)
        if start < self.total:
            raise ValueError(self._not_as_many(start))

    def _block(self, words: list[str | None], start: int) -> VectorBlock:
        return VectorBlock(
            words,
            lambda places: self._array[start + places],
            lambda i: f"{self._word_list}, word {start + i + 1:,}",
            len(words),
        )

    def _not_as_many(self, n_words: int) -> str:
        return (
            f"{self._word_list} has {n_words:,} words, and {self._path} has {self.total:,} "
            "vectors: they do not belong together, or one of them was cut off."
        )


def _mapped(path: Path) -> np.ndarray:
    try:
        array: np.ndarray = np.load(path, mmap_mode="r", allow_pickle=False)
    except (ValueError, OSError, EOFError, SyntaxError, TypeError, OverflowError) as error:
        raise ValueError(f"{path} can't be read as an array of numpy: {error}") from error
    if array.ndim != 2 or array.dtype.kind != "f":
        raise ValueError(
            f"{path} has shape {array.shape} and type {array.dtype}: vectors of words are floats, "
            "a row for each word."
        )
    return array
