# ruff: noqa: RUF001
"""Folding, and the way back to characters."""

import unicodedata

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from spacy_ner_plus.pipeline.llm_reading.grounding.folded_text import FoldedText, fold
from spacy_ner_plus.pipeline.llm_reading.grounding.mentions import TokenBounds

HARD = (
    "ab \u00a0\n\u200b\u0301\u0323\u0345é\ufb01ß’“–İ\u1112\u1161\u11ab한👩\u200d🔬ก็א\u200fＡ"
    "\u00a8\u037a\ufdfa"
)
texts = st.text(st.sampled_from(HARD), max_size=12)


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("New  York", "new\nyork"),
        ("O’Brien", "O'Brien"),
        ("“Le Monde”", '"le monde"'),
        ("cafe\u0301", "CAF\u00c9"),
        ("ﬁbrosis", "FIBROSIS"),
        ("Straße", "STRASSE"),
        ("COVID–19", "covid-19"),
        ("ＡＢＣ", "abc"),
        ("\u1112\u1161\u11ab", "한"),
        ("soft\u00adware\u200b", "software"),
        (" padded ", "padded"),
        ("two \u200b blanks", "two blanks"),
        ("a\u0301\u200b\u0323", "a\u0323\u0301"),
        ("\u202bשלום\u202c", "שלום"),
    ],
)
def test_what_reads_the_same_is_the_same(one: str, other: str) -> None:
    assert fold(one) == fold(other)


def test_what_reads_otherwise_is_not() -> None:
    assert len({fold(text) for text in ("Muller", "Müller", "type 1", "type 2", "a-b", "ab")}) == 6


def test_places_are_on_tokens_of_the_text() -> None:
    text = "ﬁne  Cafe\u0301s\u200b, ﬁn"
    folded = FoldedText(text, TokenBounds.of([(0, 3), (5, 12), (12, 13), (14, 16)]))
    assert folded.folded == "fine cafe\u0301s, fin"
    [place] = folded.occurrences(fold("cafés"))
    assert folded.chars(*place) == (5, 12)
    assert [folded.chars(*found) for found in folded.occurrences("fin")] == [None, (14, 16)]
    assert [folded.chars(*found) for found in folded.occurrences("i")] == [None, None]


def test_tokens_that_cut_an_accent_off_bound_nothing() -> None:
    folded = FoldedText("e\u0301a", TokenBounds.of([(0, 1), (1, 2), (2, 3)]))
    assert folded.token_starts.tolist() == [2]
    assert folded.token_ends.tolist() == [3]


@settings(deadline=None)
@given(texts)
def test_every_token_is_found_where_it_is(text: str) -> None:
    places = [(i, i + 1) for i, char in enumerate(text) if not char.isspace()]
    folded = FoldedText(text, TokenBounds.of(places))
    firsts = folded.token_starts.tolist()
    for first in firsts:
        chars = [folded.chars(first, last) for last in folded.token_ends.tolist() if last > first]
        for place in chars:
            assert place is not None
            start, end = place
            assert fold(text[start:end])
            assert fold(text[start:end]) in folded.folded


@settings(deadline=None)
@given(texts)
def test_folding_again_changes_nothing(text: str) -> None:
    assert fold(fold(text)) == fold(text)
    assert fold(unicodedata.normalize("NFC", text)) == fold(unicodedata.normalize("NFD", text))
