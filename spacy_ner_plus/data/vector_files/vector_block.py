"""What a reader of word vectors gives: blocks of words, with numbers that are parsed on demand."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Protocol

import numpy as np


@dataclass(frozen=True)
class VectorBlock:
    """Some words of a file, in its order.

    words (Sequence[Optional[str]]): The words; None for one that is not UTF-8.
    vectors (Callable): Gives the vectors of some of them, by their places, (n,) int64. *Shape:*
        (n, width), of any type of floats; they may not be finite.
    where (Callable): Says where one is, by its place: the file, and the line or number.
    amount (int): How much of the source's total this is.
    """

    words: Sequence[str | None]
    vectors: Callable[[np.ndarray], np.ndarray]
    where: Callable[[int], str]
    amount: int


class VectorSource(Protocol):
    """A file of word vectors.

    form (str): What it is, for users.
    width (int): The length of a vector.
    precision (str): "float16" if nothing is lost by that, else "float32".
    total (int): How much there is to read, in units.
    unit (str): "B", or "words".
    """

    form: str
    width: int
    precision: str
    total: int
    unit: str

    def blocks(self) -> Iterator[VectorBlock]:
        """Read the file. RAISES ValueError: What is wrong, with file and line."""
        ...


def decoded(word: bytes) -> str | None:
    """A word as text; None if it is not UTF-8."""
    try:
        return word.decode("utf8")
    except UnicodeDecodeError:
        return None
