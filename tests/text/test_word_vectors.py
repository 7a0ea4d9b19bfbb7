"""Word vectors in memory, against a dictionary."""

import numpy as np
import pytest
import spacy
from hypothesis import given
from hypothesis import strategies as st
from spacy.attrs import LOWER, ORTH
from spacy.tokens import Doc
from spacy.vectors import BaseVectors, Vectors
from spacy.vocab import Vocab

from spacy_ner_plus.text.word_vectors import NO_VECTOR, WordVectors, are_among, word_hashes

HASHES = st.one_of(st.integers(0, 30), st.integers(0, 2**64 - 1))


@st.composite
def vectors(draw: st.DrawFn) -> WordVectors:
    """Some words, of which several may have the same row, and rows that no word has."""
    keys = sorted(draw(st.sets(HASHES, max_size=20)))
    n_rows = draw(st.integers(1, 8))
    rows = draw(st.lists(st.integers(0, n_rows - 1), min_size=len(keys), max_size=len(keys)))
    table = np.arange(2 * n_rows, dtype=np.float32).reshape(n_rows, 2)
    return WordVectors(np.array(keys, dtype=np.uint64), np.array(rows, dtype=np.int64), table)


def asked(hashes: list[int]) -> np.ndarray:
    return np.array(hashes, dtype=np.uint64)


@given(vectors(), st.lists(HASHES, max_size=20))
def test_rows_are_those_of_a_dictionary(some: WordVectors, others: list[int]) -> None:
    expected = dict(zip(some.keys.tolist(), some.rows.tolist(), strict=True))
    hashes = [*others, *expected]
    found = some.rows_of(asked(hashes))
    assert found.dtype == np.int64
    assert found.tolist() == [expected.get(one, NO_VECTOR) for one in hashes]


@given(vectors(), st.lists(HASHES, max_size=20), st.data())
def test_chosen_words_keep_their_vectors(
    some: WordVectors, others: list[int], data: st.DataObject
) -> None:
    wanted = [*others, *data.draw(st.lists(st.sampled_from([*some.keys.tolist(), 0])))]
    chosen = some.chosen(asked(wanted))
    hashes = asked([*wanted, *some.keys.tolist()])
    before, after = some.rows_of(hashes), chosen.rows_of(hashes)
    is_kept = (before != NO_VECTOR) & np.isin(hashes, asked(wanted))
    assert (after != NO_VECTOR).tolist() == is_kept.tolist()
    np.testing.assert_array_equal(chosen.table[after[is_kept]], some.table[before[is_kept]])
    # what shared a row still does, and no row is without a word
    assert len(chosen.table) == len(set(before[is_kept].tolist()))
    assert chosen.width == some.width
    assert chosen.keys.tolist() == sorted(set(hashes[is_kept].tolist()))


@given(st.lists(HASHES), st.sets(HASHES))
def test_words_are_among_others(hashes: list[int], those: set[int]) -> None:
    found = are_among(asked(hashes), asked(sorted(those)))
    assert found.tolist() == [one in those for one in hashes]


def test_hashes_are_those_of_tokens() -> None:
    # ORG and NOUN are symbols of spaCy, which have numbers of their own
    words = ["the", "ORG", "NOUN", "Ünïcode", "北京", "😀", "a b", "\n", "İ"]
    doc = Doc(spacy.blank("en").vocab, words=words)
    assert word_hashes(words).tolist() == doc.to_array(ORTH).tolist()
    assert word_hashes(map(str.lower, words)).tolist() == doc.to_array(LOWER).tolist()


def test_vectors_of_a_vocabulary() -> None:
    vocab = Vocab()
    table = np.array([[1, 2], [3, 4], [5, 6]], dtype=np.float32)
    vocab.vectors = Vectors(strings=vocab.strings, data=table, keys=["b", "a"])
    vocab.vectors.add("c", row=1)
    found = WordVectors.from_vocab(vocab)
    assert (np.diff(found.keys.astype(object)) > 0).all()
    words = ["a", "b", "c", "d"]
    rows = found.rows_of(word_hashes(words))
    assert rows.tolist() == [1, 0, 1, NO_VECTOR]
    for word, row in zip(words[:3], rows, strict=False):
        np.testing.assert_array_equal(found.table[row], vocab.get_vector(word))
    assert np.shares_memory(found.table, vocab.vectors.data)


class OwnVectors(BaseVectors):
    """Vectors of some other kind."""


@pytest.mark.parametrize(
    ("made", "message"),
    [
        (Vectors(), "The vocabulary has no vectors"),
        (Vectors(shape=(3, 2)), "The vocabulary has no vectors"),
        (
            Vectors(data=np.ones((4, 2)), mode="floret", minn=2, maxn=3, hash_count=1, hash_seed=1),
            "are floret's, made of pieces of words",
        ),
        (Vectors(data=np.ones((1, 2)), keys=["a"], attr="NORM"), 'must be "ORTH" or "LOWER"'),
        (OwnVectors(), "of OwnVectors, a class of somebody's own"),
    ],
    ids=["none", "no_words", "floret", "norm", "own"],
)
def test_vocabularies_without_vectors_by_words_are_refused(made: BaseVectors, message: str) -> None:
    vocab = Vocab()
    vocab.vectors = made
    with pytest.raises(ValueError, match=message):
        WordVectors.from_vocab(vocab)
