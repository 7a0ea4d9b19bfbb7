"""Choosing from the scored spans of a document by a rule and thresholds."""

import math
import re
from itertools import combinations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from spacy_ner_plus.models.decoding.entities import Entities
from spacy_ner_plus.models.decoding.flat_probabilities import flat_probabilities
from spacy_ner_plus.models.decoding.span_choice import ALLOW, check_allow, choose_spans
from tests.span_sets import (
    ScoredSpan,
    columns_of,
    cross,
    exact_flat_probabilities,
    overlap,
    scored_spans,
    sets_without,
)

FEW = settings(deadline=None, max_examples=60)
EVEN = np.array([0.5, 0.5])
EXCLUDES = {"all": lambda one, other: False, "nested": cross, "flat": overlap}


def scored(spans: list[ScoredSpan], probabilities: list[float]) -> Entities:
    return Entities(*columns_of(spans), np.array(probabilities, dtype=np.float64))


def draw_probabilities(data: st.DataObject, n: int) -> list[float]:
    return data.draw(st.lists(st.floats(0.01, 0.99), min_size=n, max_size=n))


@FEW
@given(scored_spans(most=8), st.data())
@pytest.mark.parametrize("allow", ALLOW)
def test_most_probable_of_the_permitted_sets(
    allow: str, spans: list[ScoredSpan], data: st.DataObject
) -> None:
    """P(S) is the product of p over those in the set, and of 1 - p over the others."""
    own = draw_probabilities(data, len(spans))
    taken = choose_spans(scored(spans, own), allow, EVEN).taken.tolist()

    def probability(chosen: tuple[int, ...]) -> float:
        return math.prod(own[i] if i in chosen else 1 - own[i] for i in range(len(own)))

    sets = list(sets_without(EXCLUDES[allow], spans))
    assert tuple(sorted(taken)) in sets
    assert probability(tuple(taken)) == pytest.approx(max(map(probability, sets)), rel=1e-6)


@FEW
@given(scored_spans(most=8), st.data())
@pytest.mark.parametrize("allow", ["nested", "flat"])
def test_threshold_divides_the_odds_of_its_label(
    allow: str, spans: list[ScoredSpan], data: st.DataObject
) -> None:
    own = draw_probabilities(data, len(spans))
    thresholds = np.array(data.draw(st.tuples(st.floats(0.05, 0.95), st.floats(0.05, 0.95))))
    taken = choose_spans(scored(spans, own), allow, thresholds).taken.tolist()
    odds = [p / (1 - p) for p in own]
    even = [
        o * (1 - t) / t for o, t in zip(odds, thresholds[[span[2] for span in spans]], strict=True)
    ]
    weights = {
        chosen: math.prod(even[i] for i in chosen)
        for chosen in sets_without(EXCLUDES[allow], spans)
    }
    assert weights[tuple(sorted(taken))] == pytest.approx(max(weights.values()), rel=1e-6)


@FEW
@given(scored_spans(), st.data())
@pytest.mark.parametrize("allow", ALLOW)
def test_what_is_taken_reaches_its_threshold_and_no_more_could_be(
    allow: str, spans: list[ScoredSpan], data: st.DataObject
) -> None:
    grid = st.sampled_from([0.0, 0.3, 0.5, 0.7, 1.0])
    own = data.draw(st.lists(grid, min_size=len(spans), max_size=len(spans)))
    thresholds = np.array(data.draw(st.tuples(grid, grid)))
    taken = choose_spans(scored(spans, own), allow, thresholds).taken.tolist()
    reaching = {i for i, span in enumerate(spans) if own[i] >= thresholds[span[2]]}
    assert set(taken) <= reaching
    extents = [span[:2] for span in spans]
    excludes = EXCLUDES[allow]
    assert not any(excludes(extents[i], extents[j]) for i, j in combinations(taken, 2))
    for i in reaching - set(taken):
        assert any(excludes(extents[i], extents[j]) for j in taken)
    assert taken == sorted(taken, key=lambda i: (spans[i][0], -spans[i][1], spans[i][2]))


@FEW
@given(scored_spans(), st.data(), st.floats(0, 1))
def test_scores_are_probabilities_of_all_spans(
    spans: list[ScoredSpan], data: st.DataObject, threshold: float
) -> None:
    """Those below their thresholds may be there as well: a decision changes no belief."""
    own = draw_probabilities(data, len(spans))
    found = scored(spans, own)
    thresholds = np.full(2, threshold)
    for allow in ("all", "nested"):
        np.testing.assert_array_equal(choose_spans(found, allow, thresholds).scores, own)
    choice = choose_spans(found, "flat", thresholds)
    expected = [float(p) for p in exact_flat_probabilities(spans, own)]
    np.testing.assert_allclose(choice.scores, expected, rtol=1e-9)
    returned = choice.of(found)
    np.testing.assert_array_equal(returned.probabilities, choice.scores[choice.taken])
    for name in ("starts", "ends", "labels"):
        np.testing.assert_array_equal(getattr(returned, name), getattr(found, name)[choice.taken])


@FEW
@given(scored_spans(), st.data(), st.randoms(use_true_random=False))
@pytest.mark.parametrize("allow", ALLOW)
def test_order_of_the_spans_changes_nothing(
    allow: str, spans: list[ScoredSpan], data: st.DataObject, random: np.random.Generator
) -> None:
    grid = st.sampled_from([0.5, 0.8, 1.0])
    own = data.draw(st.lists(grid, min_size=len(spans), max_size=len(spans)))
    pairs = list(zip(spans, own, strict=True))
    one = scored(spans, own)
    random.shuffle(pairs)
    other = scored([span for span, _ in pairs], [p for _, p in pairs])
    one, other = (choose_spans(x, allow, EVEN).of(x) for x in (one, other))
    for name in ("starts", "ends", "labels"):
        np.testing.assert_array_equal(getattr(one, name), getattr(other, name))
    np.testing.assert_allclose(one.probabilities, other.probabilities, rtol=1e-12)


CERTAIN = [(0, 4, 0), (0, 2, 0), (2, 4, 1), (6, 7, 0)]


@pytest.mark.parametrize(
    ("allow", "own", "thresholds", "expected"),
    [
        ("all", [0.5, 0.49, 0.9, 0.0], [0.5, 0.95], [0]),
        ("all", [0.0, 0.0, 0.0, 0.0], [0.0, 0.0], [0, 1, 2, 3]),
        ("nested", [0.9, 0.9, 0.9, 0.2], [0.5, 0.5], [0, 1, 2]),
        # the odds of 9 and 9 against those of 99
        ("flat", [0.99, 0.9, 0.9, 0.2], [0.5, 0.5], [0]),
        ("flat", [0.98, 0.9, 0.9, 0.2], [0.5, 0.5], [1, 2]),
        # a label is easier to have
        ("flat", [0.99, 0.9, 0.9, 0.2], [0.5, 0.4], [1, 2]),
        # certain spans that exclude each other: two are more than one
        ("flat", [1.0, 1.0, 1.0, 0.0], [0.5, 0.5], [1, 2]),
        ("flat", [1.0, 1.0, 0.3, 0.5], [0.5, 0.5], [0, 3]),
        ("flat", [1.0, 0.9, 0.9, 0.5], [0.5, 0.5], [0, 3]),
        # whatever there is room for
        ("flat", [0.9, 0.1, 0.1, 0.0], [0.0, 0.0], [1, 2, 3]),
        # nothing but the certain
        ("flat", [0.99, 1.0, 0.99, 1.0], [1.0, 1.0], [1, 3]),
    ],
)
def test_choice_by_hand(
    allow: str, own: list[float], thresholds: list[float], expected: list[int]
) -> None:
    choice = choose_spans(scored(CERTAIN, own), allow, np.array(thresholds))
    assert choice.taken.tolist() == expected


def test_spans_that_exclude_each_other_may_score_below_their_threshold() -> None:
    spans = scored([(0, 2, 0), (1, 3, 0)], [0.9, 0.9])
    choice = choose_spans(spans, "flat", EVEN)
    assert choice.taken.tolist() == [0]
    np.testing.assert_allclose(choice.scores, [9 / 19, 9 / 19])
    np.testing.assert_array_equal(
        choice.scores, flat_probabilities(spans.starts, spans.ends, spans.probabilities)
    )


def test_groups_of_crossing_spans_are_counted() -> None:
    long = [(i, i + 2, 0) for i in range(101)]
    spans = [*long, (200, 202, 0), (201, 203, 0), (300, 303, 0), (301, 302, 0), (302, 305, 1)]
    choice = choose_spans(scored(spans, [0.9] * (len(spans) - 1) + [0.4]), "nested", EVEN)
    assert (choice.n_groups, choice.n_greedy) == (2, 1)
    assert len(choice.taken) == 51 + 1 + 2


@pytest.mark.parametrize("allow", ALLOW)
def test_nothing_found(allow: str) -> None:
    choice = choose_spans(scored([], []), allow, EVEN)
    assert len(choice.taken) == len(choice.scores) == len(choice.of(scored([], []))) == 0


@pytest.mark.parametrize(
    ("spans", "own", "problem"),
    [
        ([(3, 3, 0)], [0.5], "(3, 3) of label 0, with the probability 0.5, is empty"),
        ([(3, 4, 1)], [math.nan], "(3, 4) of label 1, with the probability nan, has no prob"),
        ([(3, 4, 1)], [1.5], "has no probability from 0 to 1"),
        ([(3, 4, 1), (0, 2, 0), (3, 4, 1)], [0.5, 0.4, 0.3], "with the probability 0.3, is there"),
    ],
)
def test_wrong_spans_are_an_error(spans: list[ScoredSpan], own: list[float], problem: str) -> None:
    with pytest.raises(ValueError, match=re.escape(problem)):
        choose_spans(scored(spans, own), "all", EVEN)


@pytest.mark.parametrize("threshold", [-0.1, 1.1, math.nan])
def test_wrong_threshold_is_an_error(threshold: float) -> None:
    with pytest.raises(ValueError, match="of label 1 must be from 0 to 1"):
        choose_spans(scored([], []), "flat", np.array([0.5, threshold]))


@pytest.mark.parametrize("allow", ["overlap", None, 1])
def test_unknown_rule_is_an_error(allow: object) -> None:
    with pytest.raises(ValueError, match="is unknown: use one of"):
        check_allow(allow)
