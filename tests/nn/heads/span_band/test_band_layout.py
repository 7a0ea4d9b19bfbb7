"""The cells of the band, and who is next to whom."""

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from spacy_ner_plus.nn.heads.span_band import BandLayout
from spacy_ner_plus.nn.heads.span_band.band_layout import neighbours
from tests.nn.heads.span_band.bands import lengths_of_docs


@settings(deadline=None)
@given(lengths=lengths_of_docs, max_width=st.integers(1, 9))
def test_spans_are_those_within_documents(lengths: list[int], max_width: int) -> None:
    layout = BandLayout(lengths, max_width)
    expected = [
        [start + column < length for column in range(max_width)]
        for length in lengths
        for start in range(length)
    ]
    assert layout.is_span().tolist() == expected
    assert layout.is_span(slice(1, 3)).tolist() == expected[1:3]
    counts = np.array(expected, dtype=np.int64).reshape(-1, max_width).sum(axis=0)
    assert layout.n_spans().tolist() == counts.tolist()


@settings(deadline=None)
@given(lengths=lengths_of_docs)
def test_sums_are_those_of_each_document(lengths: list[int]) -> None:
    layout = BandLayout(lengths, 2)
    of_rows = torch.arange(layout.n_rows, dtype=torch.float64)
    parts = of_rows.split(lengths) if lengths else []
    assert layout.doc_sums(of_rows).tolist() == [part.sum().item() for part in parts]


@settings(deadline=None)
@given(lengths=lengths_of_docs, max_rows=st.integers(1, 9), reach=st.integers(0, 3))
def test_chunks_are_all_rows_once_with_what_they_need(
    lengths: list[int], max_rows: int, reach: int
) -> None:
    layout = BandLayout(lengths, 4)
    rows = np.arange(layout.n_rows)
    chunks = list(layout.chunks(max_rows, reach))
    assert np.concatenate([rows[chunk.rows] for chunk in chunks]).tolist() == rows.tolist()
    for chunk in chunks:
        wanted = rows[chunk.rows]
        assert len(wanted) <= max_rows
        assert rows[chunk.starts][chunk.wanted].tolist() == wanted.tolist()
        starts = {row + shift for row in wanted for shift in range(-reach, reach + 1)}
        assert set(rows[chunk.starts]) == starts & set(rows)
        tokens = {row + column for row in rows[chunk.starts] for column in range(4)}
        assert set(rows[chunk.tokens]) == tokens & set(rows)


@settings(deadline=None)
@given(n_rows=st.integers(0, 5), max_width=st.integers(1, 4))
def test_neighbours_are_spans_of_other_starts_and_ends(n_rows: int, max_width: int) -> None:
    cells = torch.arange(1, n_rows * max_width + 1).view(n_rows, max_width)
    by_span = {
        (row, row + column): int(cells[row, column])
        for row in range(n_rows)
        for column in range(max_width)
    }
    for start_shift in (-1, 0, 1):
        for end_shift in (-1, 0, 1):
            shifted = neighbours(cells, start_shift, end_shift)
            for start, end in by_span:
                expected = by_span.get((start + start_shift, end + end_shift), 0)
                assert shifted[start, end - start] == expected


def test_impossible_layouts_are_refused() -> None:
    with pytest.raises(ValueError, match="can't have -1 rows"):
        BandLayout([3, -1], 2)
    with pytest.raises(ValueError, match="max_width = 0 must be at least 1"):
        BandLayout([3], 0)
