"""What is known of words: which have rows in tables, by the hashes of their forms.

It is arrays of numbers only, so that it is saved as tensors, and words are looked up without a
string.
"""

import re
import unicodedata
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, fields

import numpy as np
from spacy.strings import get_string_id

# The row of what has none.
NO_ROW = -1
# Characters of a word's end that say what kind of word it is ("-ine", "-tis", "-ers").
SUFFIX_LENGTH = 3
# Endings that are kept: so many, and of so many different words at least.
MAX_SUFFIXES, MIN_SUFFIX_WORDS = 300, 5
# A character is known if it is in so many different words.
MIN_CHARACTER_WORDS = 3

# Unknown characters are told apart by their general category in Unicode.
CATEGORIES = (
    "Lu", "Ll", "Lt", "Lm", "Lo", "Mn", "Mc", "Me", "Nd", "Nl", "No", "Pc", "Pd", "Ps", "Pe", "Pi",
    "Pf", "Po", "Sm", "Sc", "Sk", "So", "Zs", "Zl", "Zp", "Cc", "Cf", "Cs", "Co", "Cn",
)  # fmt: skip
_CATEGORY_ROW = {category: row for row, category in enumerate(CATEGORIES, start=1)}
# Rows of characters before those of known ones: padding, and one for each category.
N_OTHER_CHARACTERS = 1 + len(CATEGORIES)

_DIGIT = re.compile(r"\d")


@dataclass(frozen=True)
class Lexicon:
    """The words, endings and characters that have rows of their own.

    words: (n_words,) uint64, ascending hashes of lower-case forms; a word's place is its row.
    vector_keys: (n_keys,) uint64, ascending hashes of words that have a pretrained vector.
    vector_rows: (n_keys,) int64, their rows.
    suffixes: (n_suffixes,) uint64, ascending hashes of endings; the row is the place plus 1.
    characters: (n_characters,) int64, ascending code points; the row is the place plus
        N_OTHER_CHARACTERS.
    """

    words: np.ndarray
    vector_keys: np.ndarray
    vector_rows: np.ndarray
    suffixes: np.ndarray
    characters: np.ndarray

    def check(self, n_vector_rows: int) -> None:
        """Check numbers that come from a file.

        n_vector_rows (int): Rows that there are.
        RAISES ValueError: If something can't be looked up.
        """
        for field in fields(self):
            values = getattr(self, field.name)
            if field.name != "vector_rows" and np.any(values[:-1] >= values[1:]):
                raise ValueError(f"The saved {field.name} of the lexicon are not in order.")
        rows = self.vector_rows
        if len(rows) and not 0 <= rows.min() <= rows.max() < n_vector_rows:
            raise ValueError(f"The lexicon has rows of vectors beyond the {n_vector_rows:,} saved.")

    def word_rows(self, forms: np.ndarray) -> np.ndarray:
        """The row of each word: that of its lower-case form, or with digits folded; or NO_ROW.

        forms: (n, n_forms) uint64, of word_forms_hashes. RETURNS: (n,) int64.
        """
        return _first_row(_places(self.words, forms[:, 1:3]))

    def vector_rows_of(self, forms: np.ndarray) -> np.ndarray:
        """The row of each word's vector: as it is, lower-case, or with digits folded; or NO_ROW.

        forms: (n, n_forms) uint64, of word_forms_hashes. RETURNS: (n,) int64.
        """
        places = _places(self.vector_keys, forms)  # (n, n_forms)
        found = np.append(self.vector_rows, NO_ROW)[places]  # NO_ROW is the last place
        return _first_row(found)

    def suffix_rows(self, hashes: np.ndarray) -> np.ndarray:
        """The row of each ending, 0 for unknown ones. (n,) uint64 -> (n,) int64."""
        return _places(self.suffixes, hashes) + 1

    def character_rows(self, points: np.ndarray) -> np.ndarray:
        """The row of each character; that of its category if it is unknown.

        points: (n,) int64 code points. RETURNS: (n,) int64.
        """
        places = _places(self.characters, points)
        rows = places + N_OTHER_CHARACTERS
        unknown = places == NO_ROW
        if unknown.any():
            distinct, inverse = np.unique(points[unknown], return_inverse=True)
            rows[unknown] = _category_rows(distinct)[inverse]
        return np.asarray(rows)


def learn_lexicon(
    counts: Mapping[str, int],
    *,
    min_freq: int | None,
    vector_keys: np.ndarray,
    vector_rows: np.ndarray,
) -> Lexicon:
    """The lexicon of training data.

    counts: How often each word occurs.
    min_freq (int): How often a word's lower-case form, or one with digits folded, must occur; None
        if no words are to learn.
    vector_keys, vector_rows: As in Lexicon.
    """
    forms: Counter[int] = Counter()
    suffixes: Counter[int] = Counter()
    characters: Counter[str] = Counter()
    for word, count in counts.items():
        _, lower, folded, _ = fallback_forms(word)
        for form in {lower, folded}:
            forms[get_string_id(form)] += count
        suffixes[suffix_hash(word)] += 1
        characters.update(set(word))
    known = [] if min_freq is None else [h for h, n in forms.items() if n >= min_freq]
    endings = [h for h, n in suffixes.most_common(MAX_SUFFIXES) if n >= MIN_SUFFIX_WORDS]
    return Lexicon(
        words=_ascending(known, np.uint64),
        vector_keys=vector_keys,
        vector_rows=vector_rows,
        suffixes=_ascending(endings, np.uint64),
        characters=_ascending(
            [ord(char) for char, n in characters.items() if n >= MIN_CHARACTER_WORDS], np.int64
        ),
    )


def fallback_forms(word: str) -> tuple[str, str, str, str]:
    """A word as it is, in lower case, and with its digits as 0 and as #.

    Files of vectors have digits in either form, if they have folded them.
    """
    lower = word.lower()
    return word, lower, _DIGIT.sub("0", lower), _DIGIT.sub("#", lower)


def word_forms_hashes(words: Iterable[str]) -> np.ndarray:
    """The hashes of the fallback forms of words, (n, 4) uint64."""
    hashes = [get_string_id(form) for word in words for form in fallback_forms(word)]
    return np.array(hashes, dtype=np.uint64).reshape(-1, 4)


def suffix_hash(word: str) -> int:
    """The hash of a word's ending, digits folded: 64 bits."""
    return get_string_id(_DIGIT.sub("0", word[-SUFFIX_LENGTH:].lower()))


def _places(keys: np.ndarray, wanted: np.ndarray) -> np.ndarray:
    """The place of each in ascending keys, NO_ROW if it is none. int64 of wanted's shape."""
    if not len(keys):
        return np.full(wanted.shape, NO_ROW, dtype=np.int64)
    at = np.searchsorted(keys, wanted).clip(max=len(keys) - 1)
    return np.where(keys[at] == wanted, at, NO_ROW)


def _first_row(rows: np.ndarray) -> np.ndarray:
    """The first row that there is of each word. (n, n_forms) -> (n,)."""
    first = (rows != NO_ROW).argmax(axis=1)  # 0 if there is none
    return np.asarray(rows[np.arange(len(rows)), first])


def _category_rows(points: np.ndarray) -> np.ndarray:
    categories = [unicodedata.category(chr(point)) for point in points.tolist()]
    return np.array([_CATEGORY_ROW[category] for category in categories], dtype=np.int64)


def _ascending(values: list[int], dtype: type) -> np.ndarray:
    return np.sort(np.array(values, dtype=dtype))
