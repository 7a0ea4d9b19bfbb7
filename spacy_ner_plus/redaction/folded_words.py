"""The words of a text, folded so that a name is found again however it is spelt or set.

Folding is Unicode's: compatibility decomposition and full case folding (UAX 15, and chapter 3.13 of
the standard). "STRASSE" and "Straße", "José" in one or in two code points, and "John" with and
without a soft hyphen in it are each the same.
"""

import unicodedata
from collections.abc import Iterable, Iterator
from functools import lru_cache
from itertools import pairwise
from typing import NamedTuple

import regex

# A run of what words are made of, and of what nobody sees; or any other single character.
_WORDS = regex.compile(r"[\w\p{M}\p{Cf}]+|[^\s]")


class FoldedWord(NamedTuple):
    """A word of a text.

    folded (str): Its folded form. start, end (int): Its characters, the end exclusive.
    """

    folded: str
    start: int
    end: int


def folded_words(text: str, cuts: Iterable[int] = ()) -> list[FoldedWord]:
    """The words of a text from left to right, without white space.

    cuts (Iterable[int]): Places where words end, too: the edges of tokens, for scripts without
        blanks between words.
    """
    inner = sorted({*cuts})
    found, next_cut = [], 0
    for match in _WORDS.finditer(text):
        start, end = match.span()
        edges = [start]
        while next_cut < len(inner) and inner[next_cut] < end:
            if inner[next_cut] > start:
                edges.append(inner[next_cut])
            next_cut += 1
        for first, last in pairwise([*edges, end]):
            if folded := fold(text[first:last]):
                found.append(FoldedWord(folded, first, last))
    return found


def folded_name(text: str) -> str:
    """A name as one string: its folded words with a blank between them."""
    return " ".join(word.folded for word in folded_words(text))


def is_name(words: Iterable[str]) -> bool:
    """Whether folded words have a letter or a digit: marks alone are found everywhere."""
    return any(char.isalnum() for word in words for char in word)


def fold(text: str) -> str:
    """A text without case and without what nobody sees, decomposed."""
    if text.isascii():
        return text.lower()
    return "".join(_folded(char) for char in text)


@lru_cache(maxsize=4096)
def _folded(char: str) -> str:
    if unicodedata.category(char) == "Cf":
        return ""
    decomposed = unicodedata.normalize("NFKD", char).casefold()
    return "".join(_solid(unicodedata.normalize("NFKD", decomposed)))


def _solid(text: str) -> Iterator[str]:
    return (char for char in text if not char.isspace())
