"""Buckets hold every window once, within the budget: at a width that is the window's own, or at
the least cost.
"""

from itertools import combinations

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from spacy_ner_plus.text.bucketing import (
    buckets_of_equal_width,
    buckets_of_least_cost,
    padded_width,
)

LENGTHS = st.lists(st.integers(1, 600), max_size=80)


@settings(deadline=None)
@given(lengths=LENGTHS, budget=st.integers(1, 4000), cost=st.none() | st.integers(0, 300))
def test_buckets_hold_each_window_once_within_the_budget(
    lengths: list[int], budget: int, cost: int | None
) -> None:
    array = np.array(lengths, dtype=np.int64)
    if cost is None:
        buckets = buckets_of_equal_width(array, budget)
        assert all(len(set(array[bucket].tolist())) == 1 for bucket in buckets)
    else:
        buckets = buckets_of_least_cost(array, budget, cost)
    order = [int(i) for bucket in buckets for i in bucket]
    assert sorted(order) == list(range(len(lengths)))
    assert array[order].tolist() == sorted(lengths, reverse=True)
    for bucket in buckets:
        assert len(bucket) == 1 or len(bucket) * array[bucket].max() <= budget


def cost_of(buckets: list[np.ndarray], lengths: np.ndarray, bucket_cost: int) -> int:
    return sum(len(bucket) * int(lengths[bucket].max()) + bucket_cost for bucket in buckets)


@settings(deadline=None)
@given(lengths=st.lists(st.integers(1, 9), min_size=1, max_size=9), cost=st.integers(0, 40))
def test_buckets_of_least_cost_cost_no_more_than_any_other_way_to_cut(
    lengths: list[int], cost: int
) -> None:
    array = np.array(lengths, dtype=np.int64)
    found = buckets_of_least_cost(array, 1000, cost)
    order = np.argsort(-array)
    ways = (
        np.split(order, cuts)
        for n_cuts in range(len(lengths))
        for cuts in combinations(range(1, len(lengths)), n_cuts)
    )
    assert cost_of(found, array, cost) == min(cost_of(way, array, cost) for way in ways)


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


def test_buckets_of_windows_of_equal_width_are_of_equal_size() -> None:
    widths = np.full(9, 100)
    assert [len(b) for b in buckets_of_equal_width(widths, 850)] == [5, 4]
    assert [len(b) for b in buckets_of_least_cost(widths, 850, 1)] == [5, 4]


def test_buckets_of_no_windows_are_none() -> None:
    none = np.zeros(0, dtype=np.int64)
    assert buckets_of_equal_width(none, 8) == buckets_of_least_cost(none, 8, 1) == []
