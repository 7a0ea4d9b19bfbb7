"""The hash of a phrase, made of those of its tokens, one token after the other.

A token's hash is spaCy's own of the token's string (64 bits of MurmurHash2), as Doc.to_array gives
it. A phrase of one token has its token's hash. A longer one has that of the phrase without its last
token, times an odd constant, plus the last token's hash and a constant, through the finaliser of
SplitMix64, which multiplies and shifts (Steele, Lea and Flood, "Fast Splittable Pseudorandom Number
Generators", OOPSLA 2014). For a given beginning that is a bijection of the last token, and the
other way round; so phrases of one length that differ in one token only never share a hash.

Others may: two phrases agree by chance with probability 2**-64. A place in a text that is no
phrase is taken for one of n phrases with probability n * 2**-64, which is 5e-14 for a million
phrases: once in some 10**13 words. spaCy takes two words for one as seldom, as it knows words by
such hashes alone. So hits are not compared with the phrases once more: it could be done with the
hashes of their tokens only, which spaCy's share of the error stays in.
"""

import numpy as np

_BEGINNING, _INCREMENT = np.uint64(0xD1342543DE82EF95), np.uint64(0x9E3779B97F4A7C15)
_FIRST, _SECOND = np.uint64(0xBF58476D1CE4E5B9), np.uint64(0x94D049BB133111EB)


def extended(beginnings: np.ndarray, tokens: np.ndarray) -> np.ndarray:
    """The hashes of phrases that are one token longer.

    beginnings: (n,) uint64, the hashes of the phrases without their last token.
    tokens: (n,) uint64, the hashes of their last tokens.
    RETURNS: (n,) uint64.
    """
    hashes = beginnings * _BEGINNING
    hashes += tokens
    hashes += _INCREMENT  # so that nothing stays 0
    hashes ^= hashes >> np.uint64(30)
    hashes *= _FIRST
    hashes ^= hashes >> np.uint64(27)
    hashes *= _SECOND
    hashes ^= hashes >> np.uint64(31)
    return hashes


def phrase_hashes(tokens: np.ndarray, lengths: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """The hashes of phrases, and of what they begin with.

    tokens: (n_tokens,) uint64, the hashes of the tokens of all phrases, one after the other.
    lengths: (n_phrases,) int64, how many tokens each has: at least one.
    RETURNS: (n_phrases,) uint64, and (n_tokens - n_phrases,) uint64 of the proper beginnings of all
        phrases, in no order.
    """
    hashes = np.empty(len(lengths), dtype=np.uint64)
    beginnings = []
    phrases = np.arange(len(lengths))  # those that are not over
    at = np.cumsum(lengths) - lengths  # (n_phrases,) where each starts
    current = tokens[at]
    length = 1
    while len(phrases):
        is_over = lengths[phrases] == length
        hashes[phrases[is_over]] = current[is_over]
        phrases, current = phrases[~is_over], current[~is_over]
        beginnings.append(current)
        current = extended(current, tokens[at[phrases] + length])
        length += 1
    none = np.empty(0, dtype=np.uint64)
    return hashes, np.concatenate([none, *beginnings])
