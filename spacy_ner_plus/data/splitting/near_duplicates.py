"""Texts that are nearly the same: MinHash finds candidates, their exact similarity decides."""

from collections.abc import Iterable, Sequence

import numpy as np

from ...support.extras import is_installed, require

EXTRA = "split"
# The similarity from which texts are nearly the same, unless another is wanted.
NEAR = 0.8
# Characters of a shingle. Characters, not words: not all languages part words.
WIDTH = 5
# Of a signature. With 25 bands of 5, a pair that is as similar as 0.8 is a candidate but for 5 in
# 100,000.
N_HASHES, WIDEST_BAND = 125, 5
MOST_MISSED = 1e-4
SEED = 0


def shingles(text: str) -> set[str]:
    """All runs of WIDTH characters, without case and with white space folded."""
    chars = folded(text)
    return {chars[i : i + WIDTH] for i in range(max(len(chars) - WIDTH + 1, 1))}


def folded(text: str) -> str:
    """A text without case, and with a blank for any white space."""
    return " ".join(text.casefold().split())


def _band_width(least: float) -> int:
    """The widest band with which hardly a pair that is as similar is missed."""
    for width in range(WIDEST_BAND, 1, -1):
        if (1 - least**width) ** (N_HASHES // width) <= MOST_MISSED:
            return width
    return 1


def similarity(one: set[str], other: set[str]) -> float:
    """Jaccard: what part of all shingles both have."""
    return len(one & other) / len(one | other)


def near_duplicates(texts: Sequence[str], least: float) -> np.ndarray:
    """Put texts that are nearly the same into groups.

    Similarity is handed on: a text is in the group of another if a third is similar to both. Empty
    texts, and those of white space, are similar to none.

    least (float): The similarity from which texts belong together, over 0, to 1.
    RETURNS: (n_texts,) int64, the number of the first text of each one's group.
    RAISES ValueError: rensa is not installed, or `least` is no such number.
    """
    if not 0 < least <= 1:
        raise ValueError(f"--near must be over 0 and 1 at most, got {least}.")
    groups, own = _repeated(texts)  # else those that are repeated are compared one by one
    found: dict[tuple[int, bytes], list[int]] = {}
    for i, bands in zip(own, _bands([texts[i] for i in own], _band_width(least)), strict=True):
        for number, band in enumerate(bands):
            found.setdefault((number, band), []).append(i)
    for candidates in found.values():
        if len(candidates) > 1:
            _join(groups, candidates, texts, least)
    return groups.numbers()


def duplicates(texts: Sequence[str]) -> tuple[np.ndarray, bool]:
    """Put texts that are nearly the same into groups, or those that are the same.

    Case and white space make no difference.

    RETURNS: (n_texts,) int64, as of near_duplicates; and whether those that are nearly the same are
        among them: rensa is installed.
    """
    if is_installed("rensa"):
        return near_duplicates(texts, NEAR), True
    return _repeated(texts)[0].numbers(), False


def _repeated(texts: Sequence[str]) -> tuple["Groups", list[int]]:
    """Groups of texts that are the same, and the first of each group that is no white space."""
    groups = Groups(len(texts))
    firsts: dict[str, int] = {}
    for i, text in enumerate(texts):
        chars = folded(text)
        groups.join(firsts.setdefault(chars, i), i) if chars else None
    return groups, sorted(firsts.values())


class Groups:
    """Numbers from 0 that are joined to groups (union-find)."""

    def __init__(self, n: int) -> None:
        self._parents = list(range(n))

    def first(self, i: int) -> int:
        """The smallest number of its group."""
        while self._parents[i] != i:
            self._parents[i] = i = self._parents[self._parents[i]]
        return i

    def join(self, i: int, j: int) -> None:
        """Make one group of two numbers' groups."""
        low, high = sorted((self.first(i), self.first(j)))
        self._parents[high] = low

    def numbers(self) -> np.ndarray:
        """(n,) int64, the smallest number of each one's group."""
        return np.array([self.first(i) for i in range(len(self._parents))], dtype=np.int64)


def _join(groups: Groups, candidates: Sequence[int], texts: Sequence[str], least: float) -> None:
    """Join those that are similar. Pairs that are in one group already are not looked at."""
    own: dict[int, set[str]] = {}
    for at, i in enumerate(candidates):
        for j in candidates[:at]:
            if groups.first(i) == groups.first(j):
                continue
            for one in (i, j):
                if one not in own:
                    own[one] = shingles(texts[one])
            if similarity(own[i], own[j]) >= least:
                groups.join(i, j)


def _bands(texts: Sequence[str], width: int) -> Iterable[list[bytes]]:
    """Parts of the MinHash signature of each text; none of one without characters."""
    rensa = require("rensa", EXTRA)
    for text in texts:
        if not text.strip():
            yield []
            continue
        hashed = rensa.RMinHash(N_HASHES, SEED)
        hashed.update(sorted(shingles(text)))
        signature = np.array(hashed.digest(), dtype=np.uint32)
        whole = N_HASHES // width * width
        yield [band.tobytes() for band in signature[:whole].reshape(-1, width)]
