"""Characters as readers see them: a letter with its accents, an emoji with its modifiers.

They are the extended grapheme clusters of Unicode's annex 29. Noise changes whole ones only.
"""

from itertools import accumulate

import regex

from .token_rewriting import Passage

_CLUSTER = regex.compile(r"\X")


def clusters(text: str) -> list[str]:
    """The grapheme clusters of a text."""
    return list(text) if text.isascii() and "\r\n" not in text else _CLUSTER.findall(text)


def whole_clusters(passage: Passage) -> list[tuple[list[str], range]]:
    """The clusters of each token, and which of them lie in it wholly.

    Tokenizers cut within some, such as families of emoji.
    """
    words, spaces = passage.words, passage.spaces
    if all(word.isascii() for word in words):
        return [(own := clusters(word), range(len(own))) for word in words]
    pieces = [word + " " * has_space for word, has_space in zip(words, spaces, strict=True)]
    starts = {match.start() for match in _CLUSTER.finditer("".join(pieces))}
    ends = list(accumulate(map(len, pieces)))
    found = []
    for word, piece, end, has_space in zip(words, pieces, ends, spaces, strict=True):
        own = clusters(word)
        first = 0 if end - len(piece) in starts else 1
        # a mark on the space that follows is the space's
        is_whole = has_space or end in starts or end == ends[-1]
        found.append((own, range(first, len(own) if is_whole else max(first, len(own) - 1))))
    return found


def stay_apart(parts: list[str], before: str = "", after: str = "") -> bool:
    """Whether clusters are the same ones when they stand behind each other.

    before, after (str): What is around them without a space between.
    """
    text = "".join(parts)
    if before.isascii() and text.isascii() and after.isascii():
        return True
    around = [*clusters(before)[-1:], *parts, *clusters(after)[:1]]
    return clusters("".join(around)) == around
