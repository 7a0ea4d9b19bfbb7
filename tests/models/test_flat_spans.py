"""Spans that do not overlap: the best set, and probabilities given that none do."""

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from spacy_ner_plus.models.decoding.flat_probabilities import flat_probabilities
from spacy_ner_plus.models.decoding.flat_spans import best_flat
from spacy_ner_plus.models.decoding.log_odds import log_odds
from tests.span_sets import (
    ScoredSpan,
    best_set,
    columns_of,
    exact_flat_probabilities,
    overlap,
    scored_spans,
    sets_without,
)

FEW = settings(deadline=None, max_examples=60)
# from what is as good as impossible to the number next to 1
PROBABILITIES = st.one_of(
    st.floats(0.01, 0.99), st.sampled_from([1e-300, 1e-9, 0.5, 1 - 1e-9, 1 - 2**-53])
)


@FEW
@given(scored_spans(), st.data())
def test_best_set_and_its_ties_are_those_of_all_sets(
    spans: list[ScoredSpan], data: st.DataObject
) -> None:
    weights = data.draw(st.lists(st.integers(0, 3), min_size=len(spans), max_size=len(spans)))
    found = best_flat(*columns_of(spans), np.array(weights, dtype=np.float64))
    assert found.tolist() == best_set(overlap, spans, weights)


@FEW
@given(scored_spans(), st.data())
def test_best_set_weighs_most(spans: list[ScoredSpan], data: st.DataObject) -> None:
    weights = data.draw(st.lists(st.floats(0, 40), min_size=len(spans), max_size=len(spans)))
    found = tuple(best_flat(*columns_of(spans), np.array(weights)).tolist())
    sets = list(sets_without(overlap, spans))
    assert tuple(sorted(found)) in sets
    most = max(math.fsum(weights[i] for i in chosen) for chosen in sets)
    assert math.fsum(weights[i] for i in found) == pytest.approx(most, abs=1e-8)


@pytest.mark.parametrize(
    ("spans", "weights", "expected"),
    [
        # the longer one of two that weigh the same
        ([(0, 2, 0), (0, 3, 0)], [1, 1], [1]),
        ([(0, 3, 0), (2, 9, 0)], [1, 1], [1]),
        # the one that covers as much as two
        ([(0, 2, 0), (2, 4, 0), (0, 4, 0)], [1, 1, 2], [2]),
        # the earlier one of two as long
        ([(1, 3, 0), (0, 2, 0)], [1, 1], [1]),
        # the lower label
        ([(0, 2, 1), (0, 2, 0)], [1, 1], [1]),
        # weight comes before all
        ([(0, 5, 0), (1, 2, 1)], [1, 1.001], [1]),
        # those that weigh nothing are there where there is room
        ([(0, 2, 0), (1, 3, 0), (3, 4, 0)], [0, 1, 0], [1, 2]),
        ([], [], []),
    ],
)
def test_best_set_by_hand(
    spans: list[ScoredSpan], weights: list[float], expected: list[int]
) -> None:
    assert best_flat(*columns_of(spans), np.array(weights)).tolist() == expected


@FEW
@given(scored_spans(), st.data())
def test_probabilities_are_sums_over_all_sets(spans: list[ScoredSpan], data: st.DataObject) -> None:
    own = data.draw(st.lists(PROBABILITIES, min_size=len(spans), max_size=len(spans)))
    starts, ends, _ = columns_of(spans)
    found = flat_probabilities(starts, ends, np.array(own))
    expected = [float(p) for p in exact_flat_probabilities(spans, own)]
    np.testing.assert_allclose(found, expected, rtol=1e-9, atol=1e-300)
    assert (found <= np.array(own) * (1 + 1e-12)).all()


@FEW
@given(scored_spans(most=30, n_tokens=12), st.data())
def test_spans_on_a_token_share_its_probability(
    spans: list[ScoredSpan], data: st.DataObject
) -> None:
    own = data.draw(st.lists(st.floats(0, 1), min_size=len(spans), max_size=len(spans)))
    starts, ends, _ = columns_of(spans)
    found = flat_probabilities(starts, ends, np.array(own))
    assert ((found >= 0) & (found <= 1)).all()
    for token in range(12):
        assert found[(starts <= token) & (token < ends)].sum() <= 1 + 1e-12


def test_probabilities_by_hand() -> None:
    starts, ends, _ = columns_of([(0, 2, 0), (1, 3, 0), (5, 6, 0), (5, 6, 1), (8, 9, 0)])
    found = flat_probabilities(starts, ends, np.array([0.9, 0.9, 1.0, 1.0, 0.7]))
    np.testing.assert_allclose(found, [9 / 19, 9 / 19, 0.5, 0.5, 0.7], rtol=1e-12)
    assert found[4] == 0.7


def test_a_span_that_overlaps_none_keeps_its_probability_to_the_bit() -> None:
    own = np.random.default_rng(0).random(200)
    starts = 3 * np.random.default_rng(1).permutation(200)
    np.testing.assert_array_equal(flat_probabilities(starts, starts + 3, own), own)


@pytest.mark.parametrize("odds", [1e-3, 1.0, 9.0, 1e6])
def test_long_chain_is_as_exact_as_a_short_one(odds: float) -> None:
    """Each overlaps its neighbours: the hard-core model on a line, whose density is known."""
    starts = np.arange(20_000)
    own = np.full(len(starts), odds / (1 + odds))
    found = flat_probabilities(starts, starts + 2, own)
    if odds < 1e3:  # the ends are felt for about sqrt(odds) spans
        expected = (1 - 1 / math.sqrt(1 + 4 * odds)) / 2
        np.testing.assert_allclose(found[9_000:11_000], expected, rtol=1e-12)
    np.testing.assert_allclose(found, found[::-1], rtol=1e-12)
    # of two neighbours, the second is only there where the first is not
    assert (found[1:] + found[:-1] <= 1 + 1e-9).all()


@FEW
@given(scored_spans(), scored_spans(), st.randoms(use_true_random=False))
def test_parts_of_a_document_do_not_know_each_other(
    left: list[ScoredSpan], right: list[ScoredSpan], random: np.random.Generator
) -> None:
    spans = left + [(start + 8, end + 8, label) for start, end, label in right]
    own = np.random.default_rng(len(spans)).uniform(0.5, 1.0, len(spans))
    shuffled = list(range(len(spans)))
    random.shuffle(shuffled)
    starts, ends, labels = (column[shuffled] for column in columns_of(spans))
    together = np.empty(len(spans))
    together[shuffled] = flat_probabilities(starts, ends, own[shuffled])
    taken = best_flat(starts, ends, labels, log_odds(own[shuffled]))
    alone, taken_alone = [], []
    for part, first in ((left, 0), (right, len(left))):
        starts, ends, labels = columns_of(part)
        of_part = own[first : first + len(part)]
        alone += flat_probabilities(starts, ends, of_part).tolist()
        taken_alone += (first + best_flat(starts, ends, labels, log_odds(of_part))).tolist()
    np.testing.assert_allclose(together, alone, rtol=1e-13)
    assert [shuffled[i] for i in taken.tolist()] == taken_alone
