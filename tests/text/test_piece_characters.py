import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from spacy_ner_plus.text.piece_characters import N_CHARACTER_ROWS, token_characters
from tests.text.hard_texts import ANY_TEXT


def row_of(char: str) -> int:
    point = ord(char)
    return 1 + (point if point < 592 else 592 + point % 1024)


def naive(word: str, n_most: int) -> list[int]:
    if len(word) > n_most:
        word = word[: n_most // 2] + word[len(word) - n_most // 2 :]
    return [*map(row_of, word), *[0] * (n_most - len(word))]


@given(text=ANY_TEXT, n_most=st.sampled_from([0, 2, 6, 20]), data=st.data())
def test_rows_are_those_of_each_tokens_characters(
    text: str, n_most: int, data: st.DataObject
) -> None:
    cuts = sorted(data.draw(st.lists(st.integers(0, len(text)), max_size=8)))
    starts, ends = np.array(cuts[:-1], dtype=np.int64), np.array(cuts[1:], dtype=np.int64)
    found = token_characters(text, starts, ends, n_most)
    assert found.shape == (len(starts), n_most) and found.dtype == np.int32
    words = [text[start:end] for start, end in zip(starts, ends, strict=True)]
    assert found.tolist() == [naive(word, n_most) for word in words]
    assert (found < N_CHARACTER_ROWS).all()


@pytest.mark.parametrize(
    "letters", ["абвгдежзиклмнопрстуфхцчшщъыьэюяАБВ", "αβγδεζηθΑΒΓ", "אבגדהוז"]
)
def test_letters_of_an_alphabet_have_different_rows(letters: str) -> None:
    assert len({row_of(letter) for letter in letters}) == len(letters)


def test_lone_surrogate_is_a_character() -> None:
    found = token_characters("a\ud800", np.array([0]), np.array([2]), 4)
    assert found.tolist() == [naive("a\ud800", 4)]
