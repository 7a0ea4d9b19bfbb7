from itertools import combinations

from hypothesis import given, settings

from spacy_ner_plus.nesting.span_pairs import (
    NestingCounts,
    PlacedSpan,
    count_nesting,
    overlapping_pairs,
)
from tests.nesting.spans import any_spans, cross, lies_within


@settings(deadline=None)
@given(any_spans())
def test_pairs_are_all_that_share_tokens_with_the_outer_one_first(spans: list[PlacedSpan]) -> None:
    spans = list(dict.fromkeys(spans))
    pairs = list(overlapping_pairs(spans))
    shared = [
        {one, other}
        for one, other in combinations(spans, 2)
        if set(range(*one[:2])) & set(range(*other[:2]))
    ]
    assert sorted(map(sorted, pairs)) == sorted(map(sorted, shared))
    for one, other in pairs:
        assert (other[1] > one[1]) == cross(one, other)
        assert not lies_within(one, other)
        if one[:2] == other[:2]:
            assert spans.index(one) < spans.index(other)


@settings(deadline=None)
@given(any_spans())
def test_counts_equal_their_definitions(spans: list[PlacedSpan]) -> None:
    unique = set(spans)

    def count(holds: object) -> int:
        return sum(any(holds(span, one) for one in unique - {span}) for span in unique)

    assert count_nesting(spans) == NestingCounts(
        n_spans=len(unique),
        n_nested=count(lies_within),
        n_nested_in_own_label=count(lambda a, b: lies_within(a, b) and a[2] == b[2]),
        n_crossing=count(cross),
        n_with_several_labels=count(lambda a, b: a[:2] == b[:2]),
        n_repeated=len(spans) - len(unique),
    )


def test_counts_of_texts_add_up() -> None:
    one = count_nesting([(0, 3, "A"), (1, 2, "A"), (1, 2, "A"), (5, 6, "B")])
    other = count_nesting([(0, 2, "A"), (1, 3, "B"), (0, 2, "B")])
    assert one + other == NestingCounts(6, 1, 1, 3, 2, 1)
