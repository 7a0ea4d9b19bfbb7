from collections.abc import Callable
from dataclasses import fields
from threading import Thread

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from spacy_ner_plus.text.lexicon import Lexicon, learn_lexicon
from spacy_ner_plus.text.word_features import WordFeatures, WordReader, read_features
from spacy_ner_plus.text.word_forms import WORD_FORMS
from spacy_ner_plus.text.word_vectors import word_hashes

WORDS = ["the", "The", "THE", "aspirin", "1996", "iPhone", "été", "中国", "-", ""]


def make_lexicon() -> Lexicon:
    counts = dict.fromkeys([*WORDS, "thin", "bin", "sin", "gin", "fin"], 2)
    keys = np.sort(word_hashes(["the", "aspirin"]))
    return learn_lexicon(counts, min_freq=2, vector_keys=keys, vector_rows=np.array([1, 0]))


def assert_equal(found: WordFeatures, expected: WordFeatures) -> None:
    for field in fields(WordFeatures):
        np.testing.assert_array_equal(getattr(found, field.name), getattr(expected, field.name))


def test_features_are_those_of_each_word_alone() -> None:
    lexicon = make_lexicon()
    together = read_features(WORDS, lexicon, 5)
    assert len(together) == len(WORDS)
    for i, word in enumerate(WORDS):
        assert_equal(together.take(np.array([i])), read_features([word], lexicon, 5))
    forms = [WORD_FORMS[form] for form in together.forms]
    assert forms[:6] == ["lower", "title", "all_caps", "lower", "digits", "camel_case"]
    assert forms[-2:] == ["no_letters", "no_letters"]
    assert together.lengths.tolist() == [3, 3, 3, 5, 4, 5, 3, 2, 1, 0]


def test_long_word_is_read_from_both_ends_and_takes_no_more_room() -> None:
    lexicon = make_lexicon()
    url = "http://" + "a" * 10_000 + ".org"
    found = read_features([url, "the"], lexicon, 8)
    assert found.characters.shape == (2, 8)
    assert_equal(found.take(np.array([1])), read_features(["the"], lexicon, 8))
    expected = lexicon.character_rows(np.array([ord(char) for char in "http.org"]))
    assert found.characters[0].tolist() == expected.tolist()
    odd = read_features(["abcdefg"], lexicon, 5)
    expected = lexicon.character_rows(np.array([ord(char) for char in "abcfg"]))
    assert odd.characters[0].tolist() == expected.tolist()


@given(
    batches=st.lists(st.lists(st.sampled_from(WORDS), unique=True, max_size=8), max_size=6),
    max_words=st.integers(1, 12),
)
def test_what_is_kept_changes_nothing(batches: list[list[str]], max_words: int) -> None:
    lexicon = make_lexicon()
    reader = WordReader(lexicon, 6, max_words=max_words)
    for batch in batches:
        hashes = word_hashes(batch) if batch else np.zeros(0, dtype=np.uint64)
        found = reader.read(hashes, lambda place, batch=batch: batch[place])
        assert_equal(found, read_features(batch, lexicon, 6))
        assert len(reader._kept) == len(reader._places) <= max(max_words, 8)  # a batch fits


def test_word_is_read_once() -> None:
    reader = WordReader(make_lexicon(), 6)
    asked: list[str] = []

    def read(*words: str) -> None:
        reader.read(word_hashes(words), lambda place: asked.append(words[place]) or words[place])

    read("the", "aspirin")
    read("aspirin", "new", "the")
    assert asked == ["the", "aspirin", "new"]


def test_threads_do_not_mix_up_words() -> None:
    """While one thread is about to add a word, another comes with more than there is room for."""
    lexicon = make_lexicon()
    reader = WordReader(lexicon, 6, max_words=4)

    def read(words: list[str], meanwhile: Callable[[], object] = lambda: None) -> None:
        def string_of(place: int) -> str:
            meanwhile()
            return words[place]

        assert_equal(reader.read(word_hashes(words), string_of), read_features(words, lexicon, 6))

    def others_come() -> None:
        other_thread.start()
        other_thread.join(0.2)  # it gets as far as it is let

    other_thread = Thread(target=read, args=(["The", "1996", "iPhone", "bin"],))
    read(["the"])
    read(["the", "aspirin"], others_come)
    other_thread.join()
    read(["bin", "the", "iPhone", "aspirin"])
