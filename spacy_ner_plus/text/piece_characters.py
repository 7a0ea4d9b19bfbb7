"""The characters of each token, for encoders that read them beside wordpieces.

No vocabulary is learned: characters of the Latin scripts have rows of their own, others share 1,024
rows by their code point, so that those of one alphabet do not meet.
"""

import numpy as np

# Characters of a token that are read: the first and the last half of a longer one.
N_CHARACTERS = 20
# Code points below have rows of their own: Latin with all of its letters for European languages.
_N_OWN = 0x250
_N_SHARED = 1024
# Row 0 is padding.
N_CHARACTER_ROWS = 1 + _N_OWN + _N_SHARED


def token_characters(text: str, starts: np.ndarray, ends: np.ndarray, n_most: int) -> np.ndarray:
    """The rows of each token's characters.

    text (str): The text that the tokens are in.
    starts, ends: (n_tokens,) int64, their character offsets, end exclusive.
    n_most (int): Characters that are read of a token, at most; even.
    RETURNS: (n_tokens, n_most) int32, padded with 0.
    """
    if not len(starts) or not n_most:
        return np.zeros((len(starts), n_most), dtype=np.int32)
    points = np.frombuffer(text.encode("utf-32-le", "surrogatepass"), dtype=np.uint32)  # (n_chars,)
    column = np.arange(n_most)
    from_start = starts[:, None] + column  # (n_tokens, n_most)
    from_end = ends[:, None] - (n_most - column)
    is_long = (ends - starts > n_most)[:, None]  # (n_tokens, 1)
    places = np.where(is_long & (column >= n_most // 2), from_end, from_start)
    is_there = places < ends[:, None]
    found = points[np.where(is_there, places, 0)].astype(np.int64)  # (n_tokens, n_most)
    rows = np.where(found < _N_OWN, found, _N_OWN + found % _N_SHARED) + 1
    return np.where(is_there, rows, 0).astype(np.int32)
