"""Depths and counts against what the definitions say, span by span."""

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from spacy_ner_plus.metrics.nested_spans import (
    FOUND,
    GOLD,
    PREDICTED,
    RIGHT,
    Relations,
    Span,
    count_by_depth,
    depth_scores,
    depths,
    overlapping_pairs,
    relations,
)
from spacy_ner_plus.metrics.spans import count_spans

spans = st.lists(
    st.tuples(st.integers(0, 9), st.integers(1, 6), st.sampled_from("AB")).map(
        lambda its: (its[0], its[0] + its[1], its[2])
    ),
    max_size=8,
)
documents = st.lists(st.tuples(spans, spans), min_size=1, max_size=4)


def is_inside(one: Span, other: Span) -> bool:
    return one[:2] != other[:2] and other[0] <= one[0] and one[1] <= other[1]


def naive_depth(span: Span, others: list[Span]) -> int:
    """The length of the longest chain of spans around a span."""
    around = (other for other in others if is_inside(span, other))
    return max((1 + naive_depth(other, others) for other in around), default=0)


def test_depths_of_an_address() -> None:
    """Two labels of a span are at one depth; a span that crosses another is not inside it."""
    found = depths([(0, 5, "ORG"), (0, 3, "ORG"), (2, 3, "LOC"), (2, 3, "GPE"), (4, 7, "LOC")])
    assert found == {(0, 5): 0, (0, 3): 1, (2, 3): 2, (4, 7): 0}
    assert depths([]) == {}


def test_spans_around_one_that_cross_each_other_are_no_chain() -> None:
    assert depths([(0, 4, "A"), (2, 6, "A"), (2, 4, "A")])[2, 4] == 1


@settings(deadline=None)
@given(spans)
def test_depth_is_the_longest_chain_around(its: list[Span]) -> None:
    assert depths(its) == {span[:2]: naive_depth(span, its) for span in its}


@settings(deadline=None)
@given(spans)
def test_relations_are_those_of_all_pairs(its: list[Span]) -> None:
    distinct = set(its)

    def count(holds: object) -> int:
        return sum(any(holds(one, other) for other in distinct) for one in distinct)  # type: ignore[operator]

    found = relations(its)
    assert found == Relations(
        inside=count(is_inside),
        inside_same_label=count(lambda one, other: is_inside(one, other) and one[2] == other[2]),
        several_labels=count(lambda one, other: one != other and one[:2] == other[:2]),
        crossing=count(
            lambda one, other: (
                one[0] < other[1]
                and other[0] < one[1]
                and one[:2] != other[:2]
                and not is_inside(one, other)
                and not is_inside(other, one)
            )
        ),
    )
    ordered = sorted(its)
    pairs = {
        (i, j)
        for j, (start, end, _) in enumerate(ordered)
        for i in range(j)
        if ordered[i][0] < end and start < ordered[i][1]
    }
    assert sorted(overlapping_pairs(ordered)) == sorted(pairs)
    assert bool(found) == any(ordered[i] != ordered[j] for i, j in pairs)


def test_relations_add_up() -> None:
    nested, crossing = [(0, 3, "A"), (1, 2, "A")], [(0, 2, "A"), (1, 3, "B")]
    both = sum(map(relations, (nested, crossing)), start=Relations())
    assert both == Relations(inside=1, inside_same_label=1, crossing=2)
    assert both and not relations([(0, 3, "A"), (3, 4, "A")])


@settings(deadline=None)
@given(documents)
def test_counts_by_depth_add_up_to_those_of_spans(
    pairs: list[tuple[list[Span], list[Span]]],
) -> None:
    gold, predicted = ([sorted(set(side)) for side in sides] for sides in zip(*pairs, strict=True))
    counts = count_by_depth(gold, predicted)
    _, by_label = count_spans(gold, predicted)
    tp, fp, fn = by_label.sum(axis=1).T  # (n_docs,) each
    sums = counts.sum(axis=1)
    assert (sums[:, FOUND] == tp).all() and (sums[:, RIGHT] == tp).all()
    assert (sums[:, GOLD] == tp + fn).all() and (sums[:, PREDICTED] == tp + fp).all()
    for table, wanted, found in zip(counts, gold, predicted, strict=True):
        for depth, row in enumerate(table.tolist()):
            golds = [span for span in wanted if naive_depth(span, wanted) == depth]
            others = [span for span in found if naive_depth(span, found) == depth]
            assert row == [
                len(golds),
                sum(span in found for span in golds),
                len(others),
                sum(span in wanted for span in others),
            ]


def test_equal_spans_of_other_tokens_are_right_once_in_counts_by_depth() -> None:
    [[row]] = count_by_depth([[(0, 2, "A")]], [[(0, 2, "A"), (0, 2, "A")]]).tolist()
    assert row == [1, 1, 2, 1]


def test_scores_of_a_depth_have_the_precision_of_predicted_and_the_recall_of_gold_spans() -> None:
    gold = [[(0, 4, "A"), (1, 3, "A"), (5, 6, "A")]]
    predicted = [[(1, 3, "A"), (5, 8, "A"), (5, 6, "A"), (6, 7, "A")]]
    counts = count_by_depth(gold, predicted)[0]
    assert counts.tolist() == [[2, 1, 2, 1], [1, 1, 2, 1]]
    scores = depth_scores(counts)
    assert scores.tolist() == [[0.5, 0.5, 0.5], [0.5, 1.0, 2 / 3]]
    assert depth_scores(np.zeros((2, 4))).tolist() == [[0.0] * 3] * 2
