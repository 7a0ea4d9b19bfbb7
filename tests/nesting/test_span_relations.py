"""How spans lie to each other, against what the definitions say of all pairs."""

from hypothesis import given, settings

from spacy_ner_plus.nesting.span_relations import PlacedSpan, Relations, chain_lengths, relate
from tests.nesting.spans import any_spans, cross, lies_within


def depth(span: PlacedSpan, spans: list[PlacedSpan]) -> int:
    """The length of the longest chain of spans around it."""
    around = (one for one in spans if lies_within(span, one))
    return max((1 + depth(one, spans) for one in around), default=0)


@settings(deadline=None)
@given(any_spans())
def test_spans_lie_as_the_definitions_say(spans: list[PlacedSpan]) -> None:
    assert relate(spans) == [
        Relations(
            depth=depth(span, spans),
            depth_in_label=depth(span, [one for one in spans if one[2] == span[2]]),
            has_inner=any(lies_within(one, span) for one in spans),
            crosses=any(cross(one, span) for one in spans),
            shares_place=any(one[:2] == span[:2] and one[2] != span[2] for one in spans),
        )
        for span in spans
    ]


def test_relations_in_an_address() -> None:
    """Two labels of a span are at one depth; a span that crosses another is not inside it."""
    spans = [(0, 5, "ORG"), (0, 3, "ORG"), (2, 3, "LOC"), (2, 3, "GPE"), (4, 7, "LOC")]
    found = relate(spans)
    assert [its.depth for its in found] == [0, 1, 2, 2, 0]
    assert [its.depth_in_label for its in found] == [0, 1, 0, 0, 0]
    assert [its.crosses for its in found] == [True, False, False, False, True]
    assert [its.shares_place for its in found] == [False, False, True, True, False]
    assert [its.has_inner for its in found] == [True, True, False, False, False]


def test_spans_around_one_that_cross_each_other_are_no_chain() -> None:
    assert [its.depth for its in relate([(0, 4, "A"), (2, 6, "A"), (2, 4, "A")])] == [0, 0, 1]


def test_spans_apart_and_repeated_ones_have_no_relations() -> None:
    assert relate([]) == []
    assert relate([(3, 4, "A"), (0, 3, "A"), (3, 4, "A")]) == [Relations()] * 3


def test_many_spans_within_each_other_take_no_time_for_their_pairs() -> None:
    """30,000 of them have 450 million pairs."""
    n = 30_000
    found = relate([(i, 2 * n - i, "A") for i in range(n)])
    assert [its.depth for its in found] == list(range(n))
    assert found[0].has_inner and not found[-1].has_inner
    assert all(its.crosses for its in relate([(i, i + n, "A") for i in range(n)]))


def test_chains_of_equal_ends_are_chains() -> None:
    assert chain_lengths([5, 5, 3, 6, 3, 5]) == [0, 1, 2, 0, 3, 2]
