"""The filter, the strings and the choice of phrases that do not overlap, against naive ones."""

import numpy as np
import pytest
import spacy
from hypothesis import given
from hypothesis import strategies as st
from spacy.tokens import Doc, Span
from spacy.util import filter_spans

from spacy_ner_plus.text.phrases import string_table
from spacy_ner_plus.text.phrases.phrase_filter import BEGINNING, WHOLE, PhraseFilter
from spacy_ner_plus.text.phrases.phrase_selection import longest_first
from spacy_ner_plus.text.phrases.string_table import StringTable

N_TOKENS = 30
DOC = Doc(spacy.blank("xx").vocab, words=["a"] * N_TOKENS)
HASHES = st.lists(st.integers(0, 2**64 - 1), max_size=50)
SPANS = st.lists(
    st.tuples(st.integers(0, N_TOKENS - 1), st.integers(1, 5)).map(
        lambda pair: (pair[0], min(N_TOKENS, sum(pair)))
    ),
    max_size=40,
)


@given(HASHES, HASHES)
def test_filter_lets_all_pass_that_are_in_it(wholes, beginnings):
    both = np.array(wholes, dtype=np.uint64), np.array(beginnings, dtype=np.uint64)
    made = PhraseFilter.of(*both)
    assert (made.bits_of(both[0]) & WHOLE == WHOLE).all()
    assert (made.bits_of(both[1]) & BEGINNING == BEGINNING).all()


def test_filter_stops_most_others():
    rng = np.random.default_rng(0)
    wholes, beginnings, others = rng.integers(0, 2**64, (3, 5_000), dtype=np.uint64)
    bits = PhraseFilter.of(wholes, beginnings).bits_of(others)
    assert (bits & WHOLE > 0).mean() < 1 / 8
    assert (bits & BEGINNING > 0).mean() < 1 / 8
    assert not PhraseFilter.of(wholes[:0], wholes[:0]).bits_of(others).any()


@given(st.lists(st.text(), max_size=12), st.data())
def test_strings_come_back_in_any_order(strings, data):
    table = StringTable.joined([StringTable.of(strings[:5]), StringTable.of(strings[5:])])
    assert [table[i] for i in range(len(table))] == strings
    numbers = data.draw(st.lists(st.integers(0, len(strings) - 1))) if strings else []
    taken = table.taken(np.array(numbers, dtype=np.int64))
    assert [taken[i] for i in range(len(taken))] == [strings[i] for i in numbers]
    assert table.strings(np.array(numbers, dtype=np.int64)) == [strings[i] for i in numbers]


def test_strings_are_taken_in_blocks(monkeypatch):
    monkeypatch.setattr(string_table, "_BLOCK", 3)
    table = StringTable.of(["", "ab", "é", "😀\ud800", "c"])
    numbers = [4, 3, 3, 0, 1, 2, 4]
    taken = table.taken(np.array(numbers))
    assert [taken[i] for i in range(7)] == [table[i] for i in numbers]


@given(SPANS)
def test_longest_come_first_as_in_spacy(spans):
    starts, ends = np.array(spans, dtype=np.int64).reshape(-1, 2).T
    taken = longest_first(starts, ends, N_TOKENS)
    kept = sorted((starts[i], ends[i]) for i in np.flatnonzero(taken))
    spacy_spans = filter_spans([Span(DOC, start, end) for start, end in spans])
    assert kept == [(span.start, span.end) for span in spacy_spans]


def test_first_of_one_place_is_taken():
    starts, ends = np.array([3, 1, 1]), np.array([5, 3, 3])
    assert longest_first(starts, ends, 9).tolist() == [True, True, False]


@pytest.mark.parametrize("n_tokens", [0, 3])
def test_nothing_is_taken_of_nothing(n_tokens):
    none = np.empty(0, dtype=np.int64)
    assert not len(longest_first(none, none, n_tokens))
