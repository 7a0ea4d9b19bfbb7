"""Word forms: what a token's spelling shows and an uncased encoder cannot see.

The classes are those of the casing feature of Chiu and Nichols, "Named Entity Recognition with
Bidirectional LSTM-CNNs" (TACL 2016), and Reimers and Gurevych (2017), with single capitals and
camelCase kept apart. The counts are made over the code points of the whole text at once.
"""

import numpy as np

# Class 0 belongs to whatever is no token: special tokens, padding, whitespace.
WORD_FORMS = (
    "none",
    "no_letters",
    "digits",
    "lower",
    "single_capital",
    "all_caps",
    "title",
    "mixed",
    "camel_case",
)
_CODE = {name: code for code, name in enumerate(WORD_FORMS)}

_UPPER, _LOWER, _DIGIT, _OTHER, _UNSEEN = 0, 1, 2, 3, 255
# Character class by code point, filled in as characters turn up: a text has few different ones.
_char_classes = np.full(0x110000, _UNSEEN, dtype=np.uint8)


def word_forms(text: str, starts: np.ndarray, ends: np.ndarray) -> np.ndarray:
    """The casing class of each token.

    text (str): The text that the tokens are in.
    starts, ends: (n_tokens,) int64, their character offsets, end exclusive.
    RETURNS: (n_tokens,) uint8, indices into WORD_FORMS. Letters without case (Chinese, Arabic)
        count as no letters. "Title" means a capital followed by lower case only ("Paris"),
        "mixed" further capitals after a first one ("McDonald"), "camel_case" capitals after a
        lower-case first letter ("iPhone").
    """
    if not len(starts):
        return np.zeros(0, dtype=np.uint8)
    classes = _classify(text)  # (n_chars,)
    upper = _count(classes == _UPPER, starts, ends)  # (n_tokens,)
    lower = _count(classes == _LOWER, starts, ends)
    digits = _count(classes == _DIGIT, starts, ends)
    letters = upper + lower
    cased_at = np.append(np.flatnonzero(classes <= _LOWER), 0)  # (n_letters + 1,)
    first_letter = cased_at[np.searchsorted(cased_at[:-1], starts)]  # (n_tokens,)
    starts_upper = classes[first_letter] == _UPPER  # meaningless without letters: asked for last
    return np.select(
        [
            (letters == 0) & (digits > 0),
            letters == 0,
            upper == 0,
            (letters == 1),
            lower == 0,
            starts_upper & (upper == 1),
            starts_upper,
        ],
        [
            _CODE["digits"],
            _CODE["no_letters"],
            _CODE["lower"],
            _CODE["single_capital"],
            _CODE["all_caps"],
            _CODE["title"],
            _CODE["mixed"],
        ],
        default=_CODE["camel_case"],
    ).astype(np.uint8)


def _classify(text: str) -> np.ndarray:
    """The class of each character of a text: (n_chars,) uint8."""
    points = np.frombuffer(text.encode("utf-32-le"), dtype=np.uint32)  # (n_chars,)
    classes = _char_classes[points]
    unseen = classes == _UNSEEN
    if unseen.any():
        for point in np.unique(points[unseen]):
            _char_classes[point] = _char_class(chr(point))
        classes = _char_classes[points]
    return classes


def _char_class(char: str) -> int:
    if char.isupper() or char.istitle():
        return _UPPER
    if char.islower():
        return _LOWER
    return _DIGIT if char.isdigit() else _OTHER


def _count(is_class: np.ndarray, starts: np.ndarray, ends: np.ndarray) -> np.ndarray:
    total = np.concatenate([[0], np.cumsum(is_class)])  # (n_chars + 1,)
    return np.asarray(total[ends] - total[starts])
