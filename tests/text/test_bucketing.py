"""Buckets hold every window once, within the budget, at a width that is the window's own."""

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from spacy_ner_plus.text.bucketing import bucket_windows, padded_width

LENGTHS = st.lists(st.integers(1, 600), max_size=80)


@settings(deadline=None)
@given(lengths=LENGTHS, window=st.integers(1, 600), budget=st.integers(1, 4000))
def test_bucket_windows_holds_each_window_once_within_the_budget(
    lengths: list[int], window: int, budget: int
) -> None:
    array = np.array(lengths, dtype=np.int64)
    groups = bucket_windows(array, window=window, max_batch_pieces=budget)
    order = [int(i) for group in groups for i in group]
    assert sorted(order) == list(range(len(lengths)))
    assert array[order].tolist() == sorted(lengths, reverse=True)
    for group in groups:
        (width,) = set(padded_width(array[group], window).tolist())
        assert len(group) == 1 or len(group) * width <= budget


@given(length=st.integers(1, 100_000), window=st.integers(1, 100_000))
def test_padded_width_is_even_and_has_four_binary_digits(length: int, window: int) -> None:
    width = int(padded_width(np.array([length]), window)[0])
    assert length <= width
    if width not in (length, window):
        assert width <= window
        assert len(bin(width).rstrip("0").removeprefix("0b")) <= 4
        assert width % 2 == 0
        assert width - length < max(2, length / 8)


def test_padded_width_of_some_lengths() -> None:
    widths = padded_width(np.array([1, 2, 15, 16, 17, 33, 65, 129, 250]), 256)
    assert widths.tolist() == [2, 2, 16, 16, 18, 36, 72, 144, 256]


def test_bucket_windows_splits_windows_of_equal_width_evenly() -> None:
    groups = bucket_windows(np.full(9, 100), window=256, max_batch_pieces=900)
    assert [len(group) for group in groups] == [5, 4]


def test_bucket_windows_of_none_are_none() -> None:
    assert bucket_windows(np.zeros(0, dtype=np.int64), window=8, max_batch_pieces=8) == []
