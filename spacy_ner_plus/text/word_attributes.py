"""Attributes of a word that its spelling alone gives, as strings.

They are those of the taggers of Zhang and Johnson (2003), "A Robust Risk Minimization based Named
Entity Recognition System", and of Ratinov and Roth (2009), "Design Challenges and Misconceptions in
Named Entity Recognition": affixes, shapes, casing, digits, and classes of words (Miller et al.
2004, "Name Tagging with Word Clusters and Discriminative Training").
"""

from collections.abc import Callable
from itertools import groupby

from .feature_templates import number_of
from .word_clusters import WordClusters

# An attribute's value for a word; "" for none.
WordAttribute = Callable[[str], str]
# How often a sign of a shape is repeated at most.
MOST_REPEATED = 4
_SEPARATORS = frozenset(".,:/-")


def word_attribute(name: str, clusters: WordClusters | None) -> WordAttribute:
    """What gives an attribute of words.

    name (str): One of feature_templates.WORD_ATTRIBUTES, with its number.
    clusters (WordClusters): What "clusterN" looks up.
    RAISES ValueError: If it looks up clusters, and there are none.
    """
    kind, number = number_of(name)
    if kind == "prefix":
        return lambda word: word[:number] if len(word) >= number else ""
    if kind == "suffix":
        return lambda word: word[-number:] if len(word) >= number else ""
    if kind == "cluster":
        if clusters is None:
            raise ValueError(
                f"features has {name!r}, but there are no clusters: set clusters to a file with a "
                "word and its cluster in each line, with a tab between them."
            )
        return lambda word: clusters.path_of(word)[:number]
    return _ATTRIBUTES[name]


def shape(word: str) -> str:
    """Its letters as X and x, its digits as d, and at most four of a sort in a row."""
    return "".join(
        sign * min(MOST_REPEATED, sum(1 for _ in run)) for sign, run in groupby(map(_sign, word))
    )


def short_shape(word: str) -> str:
    """Its letters as X and x, its digits as d, and one of a sort in a row."""
    return "".join(sign for sign, _ in groupby(map(_sign, word)))


def casing(word: str) -> str:
    """Where its capitals are."""
    if not any(char.isalpha() for char in word):
        return "no letters"
    if word.islower():
        return "lower"
    if word.isupper():
        return "capital" if sum(map(str.isalpha, word)) == 1 else "capitals"
    if word[0].isupper():
        return "title" if word[1:].islower() else "mixed"
    return "other"


def digits(word: str) -> str:
    """How many digits it has, and beside what; "" without any."""
    n_digits = sum(map(str.isdigit, word))
    if not n_digits:
        return ""
    if n_digits == len(word):
        return f"{min(n_digits, MOST_REPEATED + 1)} digits"
    if all(char.isdigit() or char in _SEPARATORS for char in word):
        return "digits and " + "".join(sorted({char for char in word if not char.isdigit()}))
    return "digits and others"


def _sign(char: str) -> str:
    if char.isupper() or char.istitle():
        return "X"
    if char.isdigit():
        return "d"
    return "x" if char.isalpha() else char


_ATTRIBUTES: dict[str, WordAttribute] = {
    "word": str,
    "lower": str.lower,
    "shape": shape,
    "short_shape": short_shape,
    "casing": casing,
    "digits": digits,
}
