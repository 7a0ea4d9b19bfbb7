"""Counts by depth against what the definitions say, span by span."""

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from spacy_ner_plus.metrics.depth_scores import (
    FOUND,
    GOLD,
    PREDICTED,
    RIGHT,
    Span,
    count_by_depth,
    depth_scores,
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
