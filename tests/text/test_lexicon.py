import sys
import unicodedata

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from spacy_ner_plus.text.lexicon import (
    CATEGORIES,
    N_OTHER_CHARACTERS,
    NO_ROW,
    Lexicon,
    fallback_forms,
    learn_lexicon,
    suffix_hash,
    word_forms_hashes,
)
from spacy_ner_plus.text.word_vectors import word_hashes

NO_KEYS, NO_ROWS = np.zeros(0, dtype=np.uint64), np.zeros(0, dtype=np.int64)


def learn(counts: dict[str, int], vectors: list[str] = [], min_freq: int | None = 2) -> Lexicon:  # noqa: B006
    """A lexicon in which each word of `vectors` has its place as its row."""
    hashes = word_hashes(vectors) if vectors else NO_KEYS
    order = np.argsort(hashes)
    return learn_lexicon(
        counts, min_freq=min_freq, vector_keys=hashes[order], vector_rows=order.astype(np.int64)
    )


def word_row(lexicon: Lexicon, word: str) -> int:
    return int(lexicon.word_rows(word_forms_hashes([word]))[0])


def vector_rows(lexicon: Lexicon, *words: str) -> list[int]:
    rows: list[int] = lexicon.vector_rows_of(word_forms_hashes(words)).tolist()
    return rows


def test_learned_words_are_those_whose_form_is_frequent_enough() -> None:
    lexicon = learn({"Paris": 1, "PARIS": 1, "rare": 1, "1994": 1, "1995": 1, "the": 5})
    assert len(lexicon.words) == 3  # paris, 0000, the
    assert word_row(lexicon, "paris") == word_row(lexicon, "PaRiS") != NO_ROW
    assert word_row(lexicon, "1994") == word_row(lexicon, "2026") != NO_ROW
    assert word_row(lexicon, "rare") == word_row(lexicon, "unheard") == NO_ROW
    rows = {word_row(lexicon, word) for word in ("paris", "1994", "the")}
    assert rows == {0, 1, 2}
    assert len(learn({"the": 5}, min_freq=None).words) == 0


def test_frequent_number_has_a_row_of_its_own() -> None:
    lexicon = learn({"1996": 9, "1994": 1, "1995": 1})
    assert word_row(lexicon, "1996") != word_row(lexicon, "1994") == word_row(lexicon, "7777")


def test_vector_is_the_first_form_that_has_one() -> None:
    lexicon = learn({}, ["US", "us", "0.00", "##,##", "paris"])
    assert vector_rows(lexicon, "US", "us", "Us", "3.14", "12,34", "PARIS", "none", "") == [
        0, 1, 1, 2, 3, 4, NO_ROW, NO_ROW,
    ]  # fmt: skip
    assert vector_rows(learn({}), "US") == [NO_ROW]
    assert fallback_forms("Dec-25") == ("Dec-25", "dec-25", "dec-00", "dec-##")


def test_endings_of_enough_words_have_rows() -> None:
    words = {f"{stem}itis": 1 for stem in ("arthr", "hepat", "gastr", "col", "nephr")}
    lexicon = learn({**words, "lonely": 100})
    hashes = np.array([suffix_hash(w) for w in ("Meningitis", "lonely", "TIS")], dtype=np.uint64)
    assert lexicon.suffix_rows(hashes).tolist() == [1, 0, 1]


def test_known_characters_have_rows_and_others_that_of_their_category() -> None:
    lexicon = learn({"abc": 1, "bcd": 1, "cdb": 1})
    points = np.array([ord(char) for char in "bcaé中É5 \n"])
    rows = lexicon.character_rows(points).tolist()
    assert rows[:2] == [N_OTHER_CHARACTERS, N_OTHER_CHARACTERS + 1]
    categories = ["Ll", "Ll", "Lo", "Lu", "Nd", "Zs", "Cc"]
    assert rows[2:] == [1 + CATEGORIES.index(category) for category in categories]


@given(st.integers(0, sys.maxunicode))
def test_every_code_point_has_a_row(point: int) -> None:
    (row,) = learn({}).character_rows(np.array([point]))
    assert CATEGORIES[row - 1] == unicodedata.category(chr(point))


@given(st.lists(st.text(max_size=6), max_size=30), st.integers(1, 3))
def test_learned_rows_are_a_bijection(words: list[str], min_freq: int) -> None:
    counts: dict[str, int] = {}
    for word in words:
        counts[word] = counts.get(word, 0) + 1
    lexicon = learn(counts, min_freq=min_freq)
    lexicon.check(0)
    expected: dict[str, int] = {}
    for word, count in counts.items():
        for form in set(fallback_forms(word)[1:3]):
            expected[form] = expected.get(form, 0) + count
    frequent = {form for form, count in expected.items() if count >= min_freq}
    assert len(lexicon.words) == len(frequent)
    for word in counts:
        _, lower, folded, _ = fallback_forms(word)
        assert (word_row(lexicon, word) == NO_ROW) == (not {lower, folded} & frequent)


def test_damage_is_told() -> None:
    lexicon = learn({"the": 5, "cat": 5}, ["a", "b"])
    lexicon.check(2)
    with pytest.raises(ValueError, match="beyond the 1 saved"):
        lexicon.check(1)
    swapped = Lexicon(
        lexicon.words[::-1].copy(),
        lexicon.vector_keys,
        lexicon.vector_rows,
        lexicon.suffixes,
        lexicon.characters,
    )
    with pytest.raises(ValueError, match="words of the lexicon are not in order"):
        swapped.check(2)
