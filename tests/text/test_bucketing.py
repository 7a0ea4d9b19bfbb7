"""Buckets hold every window once, within the budget, at the least cost."""

from itertools import combinations

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from spacy_ner_plus.text.bucketing import VECTOR, bucket_windows

LENGTHS = st.lists(st.integers(1, 128), max_size=80)


@settings(deadline=None)
@given(lengths=LENGTHS, budget=st.integers(1, 4000), cost=st.integers(0, 300))
def test_bucket_windows_holds_each_window_once_within_the_budget(
    lengths: list[int], budget: int, cost: int
) -> None:
    array = np.array(lengths, dtype=np.int64)
    groups = bucket_windows(array, max_batch_pieces=budget, bucket_cost=cost)
    order = [int(i) for group in groups for i in group]
    assert sorted(order) == list(range(len(lengths)))
    assert array[order].tolist() == sorted(lengths, reverse=True)
    for group in groups:
        assert len(group) == 1 or len(group) * array[group].max() <= budget
        assert len(set((array[group] // VECTOR).tolist())) == 1


def cost_of(groups: list[np.ndarray], lengths: np.ndarray, bucket_cost: int) -> int:
    return sum(len(group) * int(lengths[group].max()) + bucket_cost for group in groups)


@settings(deadline=None)
@given(lengths=st.lists(st.integers(4, 12), min_size=1, max_size=9), cost=st.integers(0, 40))
def test_bucket_windows_cost_no_more_than_any_other_permitted_way_to_cut(
    lengths: list[int], cost: int
) -> None:
    array = np.array(lengths, dtype=np.int64)
    found = bucket_windows(array, max_batch_pieces=1000, bucket_cost=cost)
    order = np.argsort(-array)
    ways = (
        np.split(order, cuts)
        for n_cuts in range(len(lengths))
        for cuts in combinations(range(1, len(lengths)), n_cuts)
    )
    permitted = (
        way for way in ways if all(len(np.unique(array[group] // VECTOR)) == 1 for group in way)
    )
    assert cost_of(found, array, cost) <= min(cost_of(way, array, cost) for way in permitted)


def test_bucket_windows_splits_windows_of_equal_length_evenly() -> None:
    groups = bucket_windows(np.full(9, 100), max_batch_pieces=850, bucket_cost=64)
    assert [len(group) for group in groups] == [5, 4]


def test_bucket_windows_of_none_are_none() -> None:
    assert bucket_windows(np.zeros(0, dtype=np.int64), max_batch_pieces=8, bucket_cost=1) == []
