"""Entities of two annotators: counts by brute force, F1 by its definition, kinds of difference."""

from collections import Counter

import hypothesis.strategies as st
import numpy as np
import pytest
from hypothesis import given

from spacy_ner_plus.audit.agreement.disagreements import find_differences
from spacy_ner_plus.audit.agreement.pair_spans import (
    AGREED,
    N_COUNTS,
    ONLY_FIRST,
    ONLY_SECOND,
    OVERLAPPING_FIRST,
    OVERLAPPING_SECOND,
    f1_scores,
    pair_counts,
    span_agreements,
)
from spacy_ner_plus.audit.agreement.shared_texts import Span

LABELS = ["A", "B"]
SPANS = st.sets(
    st.tuples(st.integers(0, 9), st.integers(1, 4), st.sampled_from(LABELS)).map(
        lambda one: (one[0], one[0] + one[1], one[2])
    ),
    max_size=6,
).map(sorted)


def flat(spans: list[Span]) -> list[Span]:
    """Without those that overlap one before them."""
    kept: list[Span] = []
    for span in spans:
        if not kept or span[0] >= kept[-1][1]:
            kept.append(span)
    return kept


def overlapping(spans: list[Span], others: list[Span], label: str) -> int:
    return sum(
        any(o[2] == label and {*range(*o[:2])} & {*range(*s[:2])} for o in others)
        for s in spans
        if s[2] == label
    )


@given(SPANS, SPANS)
def test_counts_are_those_of_each_span_beside_each(first: list[Span], second: list[Span]) -> None:
    counts = pair_counts(first, second, LABELS)
    assert counts.shape == (2, N_COUNTS)
    for label, row in zip(LABELS, counts, strict=True):
        ours, theirs = ({s for s in spans if s[2] == label} for spans in (first, second))
        assert row[AGREED] == len(ours & theirs)
        assert row[ONLY_FIRST] == len(ours - theirs)
        assert row[ONLY_SECOND] == len(theirs - ours)
        assert row[OVERLAPPING_FIRST] == overlapping(first, second, label)
        assert row[OVERLAPPING_SECOND] == overlapping(second, first, label)


@given(SPANS, SPANS)
def test_f1_needs_no_gold_and_relaxed_is_not_lower(first: list[Span], second: list[Span]) -> None:
    scores = f1_scores(pair_counts(first, second, LABELS))
    assert np.array_equal(scores, f1_scores(pair_counts(second, first, LABELS)), equal_nan=True)
    exact, relaxed = scores.T
    assert np.array_equal(np.isnan(exact), np.isnan(relaxed))
    known = ~np.isnan(exact)
    assert (relaxed[known] >= exact[known] - 1e-12).all()
    assert np.isnan(exact).tolist() == [
        not any(span[2] == label for span in (*first, *second)) for label in LABELS
    ]


def test_f1_by_hand() -> None:
    counts = pair_counts(
        [(0, 2, "A"), (5, 9, "A"), (20, 21, "A")], [(0, 2, "A"), (5, 6, "A")], ["A"]
    )
    [[exact, relaxed]] = f1_scores(counts)
    assert exact == pytest.approx(2 * 1 / (3 + 2))
    precision, recall = 2 / 3, 2 / 2
    assert relaxed == pytest.approx(2 * precision * recall / (precision + recall))


def test_intervals_hold_the_score_and_are_wider_for_fewer_texts() -> None:
    random = np.random.default_rng(0)
    counts = random.integers(0, 3, (200, 1, N_COUNTS))
    counts[..., OVERLAPPING_FIRST] = counts[..., AGREED]
    counts[..., OVERLAPPING_SECOND] = counts[..., AGREED]
    [many], [few] = (span_agreements(one, 500, 0) for one in (counts, counts[:20]))
    for one in (many, few):
        assert one.f1_interval is not None
        assert one.f1_interval[0] < (one.f1 or 0) < one.f1_interval[1]
    assert np.ptp(few.f1_interval or ()) > np.ptp(many.f1_interval or ())
    [alone] = span_agreements(counts[:1], 500, 0)
    assert alone.f1_interval is None
    [empty] = span_agreements(np.zeros((3, 1, N_COUNTS), dtype=int), 10, 0)
    assert (empty.f1, empty.f1_interval, empty.relaxed_f1) == (None, None, None)


def test_samples_without_entities_say_nothing_of_f1() -> None:
    """Perfect agreement on what one text in ten has: no sample shows anything else."""
    counts = np.zeros((10, 1, N_COUNTS), dtype=int)
    counts[0, 0, [AGREED, OVERLAPPING_FIRST, OVERLAPPING_SECOND]] = 3
    [found] = span_agreements(counts, 200, 0)
    assert (found.f1_interval, found.relaxed_interval) == ((1.0, 1.0), (1.0, 1.0))


@pytest.mark.parametrize(
    ("first", "second", "kinds", "labels"),
    [
        ([(0, 4, "A")], [(0, 4, "A")], [], [("A", "A")]),
        ([(0, 4, "A")], [(2, 6, "A")], ["boundary"], [("A", "A")]),
        ([(0, 4, "A")], [(0, 4, "B")], ["label"], [("A", "B")]),
        ([(0, 4, "A")], [(1, 4, "B")], ["both"], [("A", "B")]),
        ([(0, 4, "A")], [], ["missed"], [("A", None)]),
        ([], [(0, 4, "B")], ["missed"], [(None, "B")]),
        ([(0, 9, "A")], [(0, 4, "A"), (5, 9, "A")], ["boundary"], [("A", "A"), (None, "A")]),
        ([(0, 9, "A")], [(0, 4, "A"), (5, 9, "B")], ["both"], [("A", "A"), (None, "B")]),
        ([(0, 9, "A"), (0, 4, "B")], [(0, 9, "A")], ["missed"], [("A", "A"), ("B", None)]),
    ],
)
def test_kinds_of_difference(
    first: list[Span],
    second: list[Span],
    kinds: list[str],
    labels: list[tuple[str | None, str | None]],
) -> None:
    for one, other, turn in ((first, second, 1), (second, first, -1)):
        found = find_differences(one, other)
        assert [each.kind for each in found.differences] == kinds
        assert Counter(found.labels) == Counter(pair[::turn] for pair in labels)


@given(SPANS.map(flat), SPANS.map(flat))
def test_each_entity_is_counted_once_and_whoever_is_first(
    first: list[Span], second: list[Span]
) -> None:
    found = find_differences(first, second)
    assert Counter(one for one, _ in found.labels if one) == Counter(s[2] for s in first)
    assert Counter(other for _, other in found.labels if other) == Counter(s[2] for s in second)
    turned = find_differences(second, first)
    assert len(found.differences) == len(turned.differences)
    agreed = len({*first} & {*second})
    assert (len(found.differences) == 0) == (agreed == len(first) == len(second))
