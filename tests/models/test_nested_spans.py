"""Spans that may nest, but not cross."""

from itertools import combinations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from spacy_ner_plus.models.decoding.crossing import crossing_groups
from spacy_ner_plus.models.decoding.nested_choice import LARGEST_EXACT_GROUP, best_nested
from tests.span_sets import (
    ScoredSpan,
    best_set,
    columns_of,
    cross,
    scored_spans,
    sets_without,
)

FEW = settings(deadline=None, max_examples=60)


def naive_groups(spans: list[ScoredSpan]) -> list[list[int]]:
    """Connected components of the graph of crossings, of at least two spans."""
    groups = [{i} for i in range(len(spans))]
    for i, j in combinations(range(len(spans)), 2):
        if cross(spans[i][:2], spans[j][:2]):
            joined = [group for group in groups if i in group or j in group]
            groups = [group for group in groups if group not in joined] + [set().union(*joined)]
    return sorted(sorted(group) for group in groups if len(group) > 1)


@settings(deadline=None, max_examples=100)
@given(scored_spans(n_tokens=14, n_labels=1, most=16))
def test_groups_are_what_crossings_join(spans: list[ScoredSpan]) -> None:
    starts, ends, _ = columns_of(spans)
    assert sorted(crossing_groups(starts, ends)) == naive_groups(spans)


@FEW
@given(scored_spans(), st.data())
def test_best_set_and_its_ties_are_those_of_all_sets(
    spans: list[ScoredSpan], data: st.DataObject
) -> None:
    weights = data.draw(st.lists(st.integers(0, 3), min_size=len(spans), max_size=len(spans)))
    found = best_nested(*columns_of(spans), np.array(weights, dtype=np.float64))
    assert found.taken.tolist() == best_set(cross, spans, weights)
    assert found.n_greedy == 0


@FEW
@given(scored_spans(n_labels=1), st.data())
def test_best_set_weighs_most(spans: list[ScoredSpan], data: st.DataObject) -> None:
    weights = data.draw(st.lists(st.floats(0, 40), min_size=len(spans), max_size=len(spans)))
    found = best_nested(*columns_of(spans), np.array(weights))
    sets = list(sets_without(cross, spans))
    assert tuple(sorted(found.taken.tolist())) in sets
    most = max(sum(weights[i] for i in chosen) for chosen in sets)
    assert sum(weights[i] for i in found.taken) == pytest.approx(most, abs=1e-8)


@FEW
@given(scored_spans(n_tokens=12, most=30), st.integers(0, 100))
def test_greedy_set_crosses_nothing_and_takes_what_it_can(
    spans: list[ScoredSpan], seed: int
) -> None:
    weights = np.random.default_rng(seed).uniform(0.0, 5.0, len(spans))
    greedy = best_nested(*columns_of(spans), weights, largest_exact=1)
    exact = best_nested(*columns_of(spans), weights, largest_exact=100)
    assert greedy.n_groups == greedy.n_greedy == exact.n_groups
    assert exact.n_greedy == 0
    assert weights[greedy.taken].sum() <= weights[exact.taken].sum() + 1e-6
    for found in (greedy.taken.tolist(), exact.taken.tolist()):
        taken = [spans[i][:2] for i in found]
        assert not any(cross(one, other) for one, other in combinations(taken, 2))
        for i in set(range(len(spans))) - set(found):  # each that is left out is in the way
            assert any(cross(spans[i][:2], other) for other in taken)


def test_groups_too_large_for_the_exact_way_are_counted() -> None:
    n = LARGEST_EXACT_GROUP
    spans = [(i, i + 2, 0) for i in range(n)]  # a chain
    spans += [(1000 + i, 1002 + i, label) for i in range(n + 1) for label in (0, 1)]
    spans += [(2000, 2010, 0), (2001, 2009, 0), (2002, 2003, 0)]  # cross nothing
    found = best_nested(*columns_of(spans), np.ones(len(spans)))
    assert (found.n_groups, found.n_greedy) == (2, 1)
    assert len(found.taken) == n // 2 + 2 * (n // 2 + 1) + 3


def test_heaviest_first_is_not_best() -> None:
    spans = [(0, 4, 0), (2, 8, 0), (6, 10, 0)]
    weights = np.array([2.0, 3.0, 2.0])
    assert best_nested(*columns_of(spans), weights).taken.tolist() == [0, 2]
    assert best_nested(*columns_of(spans), weights, largest_exact=2).taken.tolist() == [1]


@pytest.mark.parametrize(
    ("spans", "weights", "expected"),
    [
        # nested, equal but for the label, and beside each other: all stay, outer ones first
        ([(1, 2, 0), (0, 4, 1), (0, 4, 0), (4, 5, 0)], [1, 1, 1, 1], [2, 1, 0, 3]),
        # the longer one of two that cross
        ([(0, 3, 0), (2, 6, 0)], [1, 1], [1]),
        # the earlier one of two as long
        ([(2, 5, 0), (0, 3, 0)], [1, 1], [1]),
        # one that has two labels weighs as much as both
        ([(0, 3, 0), (0, 3, 1), (2, 5, 0)], [2, 2, 3], [0, 1]),
        ([], [], []),
    ],
)
def test_best_set_by_hand(
    spans: list[ScoredSpan], weights: list[float], expected: list[int]
) -> None:
    found = best_nested(*columns_of(spans), np.array(weights, dtype=np.float64))
    assert found.taken.tolist() == expected
