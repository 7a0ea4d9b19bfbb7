"""The words of a text, folded so that a name is found again however it is spelt or set.

Folding is Unicode's: compatibility decomposition and full case folding (UAX 15, and chapter 3.13 of
the standard). "STRASSE" and "Straße", "José" in one or in two code points, "John" with and without
a soft hyphen in it, and "O'Brien" with a straight and with a curly apostrophe are each the same.
"""

import unicodedata
from collections.abc import Iterable
from itertools import pairwise
from typing import NamedTuple

import regex

from ..pipeline.llm_reading.grounding.folded_text import fold as folded_as_one

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
    """A word without case and without what nobody sees, decomposed, with one sign for all quotes.

    It is how answers of language models are found in texts, too.
    """
    if text.isascii() and text.isalnum():
        return text.lower()
    return folded_as_one("".join(char for char in text if unicodedata.category(char) != "Cf"))
