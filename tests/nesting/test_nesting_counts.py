from hypothesis import given, settings

from spacy_ner_plus.nesting.nesting_counts import (
    NestingCounts,
    count_nesting,
    count_nesting_by_label,
)
from spacy_ner_plus.nesting.span_relations import PlacedSpan
from tests.nesting.spans import any_spans, cross, lies_within


@settings(deadline=None)
@given(any_spans())
def test_counts_equal_their_definitions(spans: list[PlacedSpan]) -> None:
    unique = set(spans)

    def count(holds: object) -> int:
        return sum(any(holds(span, one) for one in unique - {span}) for span in unique)  # type: ignore[operator]

    found = count_nesting(spans)
    assert found == NestingCounts(
        spans=len(unique),
        nested=count(lies_within),
        nested_in_own_label=count(lambda a, b: lies_within(a, b) and a[2] == b[2]),
        crossing=count(cross),
        several_labels=count(lambda a, b: a[:2] == b[:2]),
        deepest=found.deepest,  # test_span_relations has depths
    )
    assert (found.deepest > 1) == (found.nested > 0) and (found.deepest > 0) == bool(spans)
    assert found.any_overlap == any(
        set(range(*one[:2])) & set(range(*other[:2])) for one in unique for other in unique - {one}
    )


@settings(deadline=None)
@given(any_spans())
def test_counts_of_labels_add_up_to_those_of_the_text(spans: list[PlacedSpan]) -> None:
    by_label = count_nesting_by_label(spans)
    assert sum(by_label.values(), start=NestingCounts()) == count_nesting(spans)
    assert {label: its.spans for label, its in by_label.items()} == {
        label: len({span for span in spans if span[2] == label}) for _, _, label in spans
    }


def test_counts_of_texts_add_up() -> None:
    one = count_nesting([(0, 3, "A"), (1, 2, "A"), (1, 2, "A"), (5, 6, "B")])
    other = count_nesting([(0, 2, "A"), (1, 3, "B"), (0, 2, "B")])
    assert one + other == NestingCounts(6, 1, 1, 3, 2, 2)
