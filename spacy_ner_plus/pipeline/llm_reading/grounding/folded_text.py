"""A text in a form in which case, white space, quotes and ways of writing it do not matter."""

import unicodedata
from collections.abc import Iterator
from functools import lru_cache

import numpy as np

from ....records import Stretch
from .mentions import TokenBounds

# What people type for each other, and language models change as they like.
_ALIKE = {
    **dict.fromkeys("\u2018\u2019\u201a\u201b\u2032\u02bc\u02b9`\u00b4\uff07", "'"),
    **dict.fromkeys("\u201c\u201d\u201e\u201f\u2033\u00ab\u00bb\uff02", '"'),
    **dict.fromkeys("\u2010\u2011\u2012\u2013\u2014\u2015\u2212\ufe63\uff0d", "-"),
}
# Nobody sees these: zero width, soft hyphens, marks of direction, selectors of emoji.
_UNSEEN = frozenset(
    "\u00ad\u061c\u180e\u200b\u200c\u200d\u200e\u200f\u202a\u202b\u202c\u202d\u202e\u2060\u2061"
    "\u2062\u2063\u2064\u2066\u2067\u2068\u2069\ufe0e\ufe0f\ufeff"
)


def fold(text: str) -> str:
    """A text in the form in which texts are compared.

    Unicode's compatibility decomposition with full case folding (its definition D146), one blank
    for white space, one sign for all quotes of a kind, and without what can't be seen.
    """
    return "".join(folded for folded, _, _ in _clusters(text)).strip(" ")


def without_outer_signs(folded: str) -> str:
    """Folded text without punctuation around it, such as full stops and quotes."""
    solid = [i for i, char in enumerate(folded) if unicodedata.category(char)[0] not in "PZ"]
    return folded[solid[0] : solid[-1] + 1] if solid else ""


class FoldedText:
    """A folded text that knows the characters and tokens that it was made of.

    text (str): The text.
    tokens (TokenBounds): Its tokens.

    Attributes:
        folded (str): The text, folded.
        codes: (n_folded,) uint32, the same as code points.
        token_starts, token_ends: Where tokens start and end in it, ascending int64. Tokens of which
            nothing is left, or that cut a letter from its accent, are not among them.
    """

    def __init__(self, text: str, tokens: TokenBounds) -> None:
        pieces, starts, ends = [], [], []
        for folded, start, end in _clusters(text):
            pieces.append(folded)
            starts += [start] * len(folded)
            ends += [end] * len(folded)
        self.folded = "".join(pieces)
        self.codes = np.frombuffer(self.folded.encode("utf-32-le"), dtype=np.uint32)
        self._starts, self._ends = np.array(starts, np.int64), np.array(ends, np.int64)
        places = _bounds_in(self._starts, self._ends, tokens)
        self._first_chars = {int(a): int(char) for a, char in zip(*places[0], strict=True)}
        self._last_chars = {int(b): int(char) for b, char in zip(*places[1], strict=True)}
        self.token_starts = np.array(sorted(self._first_chars), dtype=np.int64)
        self.token_ends = np.array(sorted(self._last_chars), dtype=np.int64)

    def chars(self, first: int, last: int) -> Stretch | None:
        """The characters of a stretch of the folded text; None if tokens do not bound it."""
        start, end = self._first_chars.get(first), self._last_chars.get(last)
        return None if start is None or end is None else (start, end)

    def around(self, first: int, last: int) -> Stretch:
        """The characters of a stretch of the folded text, whether tokens bound it or not."""
        return int(self._starts[first]), int(self._ends[last - 1])

    def occurrences(self, folded: str) -> Iterator[Stretch]:
        """Where something folded is in the folded text, on tokens or not."""
        at = self.folded.find(folded)
        while at >= 0:
            yield at, at + len(folded)
            at = self.folded.find(folded, at + 1)


def _bounds_in(
    starts: np.ndarray, ends: np.ndarray, tokens: TokenBounds
) -> tuple[tuple[np.ndarray, np.ndarray], tuple[np.ndarray, np.ndarray]]:
    """Where tokens start and end in a folded text, each with the character of the text.

    starts, ends: (n_folded,) int64, the characters that each folded one was made of.
    """
    firsts = np.searchsorted(starts, tokens.starts)  # (n_tokens,)
    lasts = np.searchsorted(starts, tokens.ends)  # (n_tokens,)
    before = np.concatenate([[0], ends])  # (n_folded + 1,) where what is before each ends
    is_whole = (firsts < lasts) & (before[firsts] <= tokens.starts) & (before[lasts] <= tokens.ends)
    return (firsts[is_whole], tokens.starts[is_whole]), (lasts[is_whole], tokens.ends[is_whole])


def _clusters(text: str) -> Iterator[tuple[str, int, int]]:
    """Each letter with its accents, and each run of white space: folded, and its characters."""
    start, after_blank = 0, False
    while start < len(text):
        end = _cluster_end(text, start)
        folded = " " if text[start].isspace() else _fold_cluster(text[start:end])
        # What can't be seen cuts runs of blanks, and some signs decompose to a blank and a mark.
        if after_blank:
            folded = folded.lstrip(" ")
        if folded:
            yield folded, start, end
            after_blank = folded.endswith(" ")
        start = end


def _cluster_end(text: str, start: int) -> int:
    end = start + 1
    if text[start].isspace():
        while end < len(text) and text[end].isspace():
            end += 1
        return end
    for i in range(end, len(text)):
        if unicodedata.combining(text[i]):
            end = i + 1  # with what can't be seen before it: marks have an order of their own
        elif text[i] not in _UNSEEN:
            break
    return end


@lru_cache(maxsize=4096)
def _fold_cluster(cluster: str) -> str:
    if cluster.isascii():
        return _ALIKE.get(cluster, cluster.lower())
    seen = "".join(char for char in cluster if char not in _UNSEEN)
    # First of all, as an acute accent that stands for an apostrophe decomposes to a blank with it;
    # and last, as some signs decompose to quotes.
    folded = unicodedata.normalize("NFD", _alike(seen))
    for _ in range(2):
        folded = unicodedata.normalize("NFKD", folded.casefold())
    return _alike(folded)


def _alike(text: str) -> str:
    return "".join(_ALIKE.get(char, char) for char in text)
