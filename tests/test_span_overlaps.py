"""How spans lie to each other, against a comparison of all pairs."""

from hypothesis import given
from hypothesis import strategies as st

from spacy_ner_plus.records import OverlapCounts, any_overlap
from spacy_ner_plus.records.span_overlaps import lying

SPANS = st.lists(
    st.tuples(st.integers(0, 8), st.integers(1, 8), st.sampled_from("AB")).map(
        lambda one: (one[0], one[0] + one[1], one[2])
    ),
    max_size=8,
)


def is_within(inner, outer):
    """Within a longer one."""
    return (
        outer[0] <= inner[0] and inner[1] <= outer[1] and outer[1] - outer[0] > inner[1] - inner[0]
    )


def is_crossing(one, other):
    return one[0] < other[0] < one[1] < other[1] or other[0] < one[0] < other[1] < one[1]


def level(span, spans):
    return 1 + max((level(one, spans) for one in spans if is_within(span, one)), default=0)


@given(SPANS)
def test_spans_lie_as_all_pairs_say(spans):
    spans = list(dict.fromkeys(spans))
    assert any_overlap(spans) == any(
        one[0] < other[1] and other[0] < one[1]
        for i, one in enumerate(spans)
        for other in spans[:i]
    )
    for span, how in zip(spans, lying(spans), strict=True):
        around = [one for one in spans if is_within(span, one)]
        assert how.is_nested == bool(around)
        assert how.in_own_label == any(one[2] == span[2] for one in around)
        assert how.crosses == any(is_crossing(span, one) for one in spans)
        assert how.shares_place == any(one[:2] == span[:2] and one[2] != span[2] for one in spans)
        assert how.level == level(span, spans)


@given(st.lists(SPANS, max_size=4), st.integers(0, 9))
def test_counts_are_sums_over_texts_and_labels(texts, max_width):
    counts = OverlapCounts()
    for spans in texts:
        counts.add(spans)
    different = [span for spans in texts for span in set(spans)]
    hows = [how for spans in texts for how in lying(list(set(spans)))]
    total = counts.total
    assert total.spans == len(different) == sum(one.spans for one in counts.labels.values())
    assert total.nested == sum(how.is_nested for how in hows)
    assert total.in_own_label == sum(how.in_own_label for how in hows)
    assert total.crossing == sum(how.crosses for how in hows)
    assert total.shared_places == sum(how.shares_place for how in hows)
    assert total.levels == sum(
        (one.levels for one in counts.labels.values()), total.levels.__class__()
    )
    assert total.wider(max_width) == sum(end - start > max_width for start, end, _ in different)
    assert total.overlapping == any(
        how.is_nested or how.crosses or how.shares_place for how in hows
    )
    assert all(
        one.spans == sum(span[2] == label for span in different)
        for label, one in counts.labels.items()
    )
