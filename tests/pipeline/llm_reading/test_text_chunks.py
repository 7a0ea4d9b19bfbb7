"""Pieces of long texts."""

from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from spacy_ner_plus.pipeline.llm_reading.grounding.mentions import TokenBounds
from spacy_ner_plus.pipeline.llm_reading.text_chunks import TextChunk, TokenisedText, text_chunks


def tokenised(n_tokens: int, sentence_starts: list[int] | None) -> TokenisedText:
    """Tokens of one character, each followed by a space."""
    is_start = None
    if sentence_starts is not None:
        is_start = np.zeros(n_tokens, dtype=bool)
        is_start[[one for one in sentence_starts if one < n_tokens]] = True
    return TokenisedText(
        "x " * n_tokens, TokenBounds.of([(2 * i, 2 * i + 1) for i in range(n_tokens)]), is_start
    )


def token_stretches(chunks: list[TextChunk]) -> list[tuple[int, int]]:
    return [(one.start // 2, one.end // 2 + 1) for one in chunks]


@settings(deadline=None, max_examples=200)
@given(
    st.integers(0, 40),
    st.none() | st.lists(st.integers(0, 40), max_size=12),
    st.integers(1, 12),
    st.integers(0, 11),
)
def test_each_token_is_the_own_of_one_piece(
    n_tokens: int, sentence_starts: list[int] | None, max_tokens: int, overlap: int
) -> None:
    overlap = min(overlap, max_tokens - 1)
    text = tokenised(n_tokens, sentence_starts)
    chunks = text_chunks(text, max_tokens, overlap)
    stretches = token_stretches(chunks)
    assert all(0 < last - first <= max_tokens for first, last in stretches)
    assert all(b[0] > a[0] and b[1] > a[1] for a, b in pairwise(stretches))
    assert all(0 <= a[1] - b[0] <= overlap for a, b in pairwise(stretches))
    for i in range(n_tokens):
        owners = [one for one in chunks if one.own[0] <= 2 * i < one.own[1]]
        assert len(owners) == 1
        assert owners[0].start <= 2 * i < owners[0].end
    for one in chunks:
        piece = text.text[one.start : one.end]
        assert [piece[s:e] for s, e in zip(one.tokens.starts, one.tokens.ends, strict=True)] == [
            "x"
        ] * len(one.tokens.starts)


def test_pieces_end_where_sentences_do() -> None:
    text = tokenised(30, [0, 8, 13, 20])
    assert token_stretches(text_chunks(text, 14, 6)) == [(0, 13), (8, 20), (20, 30)]


def test_a_short_text_is_one_piece() -> None:
    assert token_stretches(text_chunks(tokenised(5, None), 5, 2)) == [(0, 5)]
    assert text_chunks(tokenised(0, None), 5, 2) == []


def test_a_sentence_too_long_is_cut_between_tokens() -> None:
    assert token_stretches(text_chunks(tokenised(10, [0]), 6, 2)) == [(0, 6), (4, 10)]


def test_an_overlap_as_long_as_a_piece_is_refused() -> None:
    with pytest.raises(ValueError, match="less than the 5 tokens"):
        text_chunks(tokenised(9, None), 5, 5)
