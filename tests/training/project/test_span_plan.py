"""The settings for entities within entities, from how those of the data lie."""

from collections import Counter

import pytest
from hypothesis import given
from hypothesis import strategies as st

from spacy_ner_plus.annotation.lying_spans import LyingSpans
from spacy_ner_plus.nesting.nesting_counts import NestingCounts
from spacy_ner_plus.training.project.span_plan import (
    HELD,
    LEAST_WIDTH,
    MOST_WIDTH,
    plan_spans,
)


def lying(widths: dict[int, int], **counts: int) -> LyingSpans:
    return LyingSpans(NestingCounts(spans=sum(widths.values()), **counts), Counter(widths))


@given(st.dictionaries(st.integers(1, 60), st.integers(1, 5000), min_size=1))
def test_width_is_the_least_that_holds_nearly_all_within_limits(widths: dict[int, int]) -> None:
    found = plan_spans(lying(widths), "sc").max_width
    width, n = int(found.value), sum(widths.values())

    def held(width: int) -> int:
        return sum(n for its, n in widths.items() if its <= width)

    assert LEAST_WIDTH <= width <= MOST_WIDTH
    assert width == MOST_WIDTH or held(width) >= HELD * n
    assert width == LEAST_WIDTH or held(width - 1) < HELD * n
    assert (f"{n - held(width):,} of the {n:,}" in found.why) == (held(width) < n)


@pytest.mark.parametrize(
    ("wide", "head"),
    [
        (0, "biaffine"),
        (10, "biaffine"),
        (11, "both"),
        (990, "both"),
        (991, "crf_per_label"),
        (1000, "crf_per_label"),
    ],
)
def test_wide_spans_get_a_head_of_their_own_where_they_are_many(wide: int, head: str) -> None:
    plan = plan_spans(lying({2: 1000 - wide, 50: wide}), "sc")
    assert plan.head.value == head
    assert ("can't be learned" in plan.max_width.why) == (head == "biaffine" and wide > 0)
    assert (f"{wide:,} of the 1,000" in plan.head.why) == (head != "biaffine")


@pytest.mark.parametrize(
    ("crossing", "allow"), [(0, "nested"), (2, "nested"), (10, "nested"), (11, "all")]
)
def test_spans_may_cross_if_those_of_the_data_do(crossing: int, allow: str) -> None:
    found = plan_spans(lying({1: 1000}, crossing=crossing, nested=5), "sc").allow
    assert found.value == allow
    assert (f"{crossing} of the 1,000" in found.why) == bool(crossing)


def test_reason_counts_what_overlaps() -> None:
    counts = {"nested": 444, "nested_in_own_label": 237, "several_labels": 8}
    plan = plan_spans(lying({2: 4714}, **counts), "mine")
    assert plan.why == (
        "Of the 4,714 entities of the training data 444 are within others (237 of their own "
        "label), 8 have another label, too: a model for entities within entities (--flat: the "
        "outermost alone)"
    )
    assert plan.spans_key == "mine"
    assert plan.score_weights["spans_mine_f"] == 1.0
    assert "--flat" in plan_spans(lying({1: 3}), "sc").why
