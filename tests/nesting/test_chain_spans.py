from itertools import combinations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from spacy_ner_plus.nesting.chain_plan import ChainPlan
from spacy_ner_plus.nesting.chain_spans import chain_spans, derive_chains
from spacy_ner_plus.nesting.span_relations import PlacedSpan
from spacy_ner_plus.tags import TagScheme
from tests.nesting.spans import LABELS, any_spans, cross, lies_within, spans_without_crossing

N_TOKENS = 8
MOST = 20  # levels, more than there are spans


def level_of(span: PlacedSpan, spans: set[PlacedSpan], *, layered: bool) -> int:
    """How many others, one inside the other, it lies within: of its own label or of any."""
    around = [
        one
        for one in spans
        if (layered or one[2] == span[2])
        and (
            lies_within(span, one)
            or (one[:2] == span[:2] and LABELS.index(one[2]) < LABELS.index(span[2]))
        )
    ]
    return max((1 + level_of(one, spans, layered=layered) for one in around), default=0)


@settings(deadline=None)
@given(any_spans(), st.booleans())
def test_each_span_is_in_the_chain_of_its_label_and_level(
    spans: list[PlacedSpan], layered: bool
) -> None:
    unique = set(spans)
    plan = derive_chains([spans], LABELS, most_levels=MOST, layered=layered).plan
    placed = chain_spans(spans, plan)
    for chain, held, crossing, too_deep in zip(
        plan.chains, placed.held, placed.crossing, placed.too_deep, strict=True
    ):
        expected = {
            span
            for span in unique
            if span[2] in chain.labels and level_of(span, unique, layered=layered) == chain.level
        }
        assert {*held, *crossing} == expected
        assert len(held) + len(crossing) == len(expected)
        assert held == sorted(held)
        assert not any(set(range(*a[:2])) & set(range(*b[:2])) for a, b in combinations(held, 2))
        assert not too_deep
        # what is left out crosses a longer one that is held, or one as long on its left
        for span in crossing:
            winners = [one for one in held if cross(one, span)]
            assert any((span[0] - span[1], span[0]) > (a - b, a) for a, b, _ in winners)


@settings(deadline=None, max_examples=50)
@given(spans_without_crossing(), st.booleans(), st.sampled_from(["BIO", "BILOU"]))
def test_spans_to_chains_to_tags_to_spans_is_the_identity(
    spans: list[PlacedSpan], layered: bool, name: str
) -> None:
    plan = derive_chains([spans], LABELS, most_levels=MOST, layered=layered).plan
    found = []
    for chain, held in zip(plan.chains, chain_spans(spans, plan).held, strict=True):
        scheme = TagScheme(name, chain.labels)
        starts, ends, labels = scheme.decode(scheme.encode(held, N_TOKENS))
        names = [chain.labels[i] for i in labels]
        found += list(zip(starts.tolist(), ends.tolist(), names, strict=True))
    assert sorted(found) == sorted(spans)


@settings(deadline=None)
@given(st.lists(any_spans(), max_size=4), st.integers(1, 3), st.booleans())
def test_derived_counts_are_those_of_what_chains_leave_out(
    texts: list[list[PlacedSpan]], most_levels: int, layered: bool
) -> None:
    derived = derive_chains(texts, LABELS, most_levels=most_levels, layered=layered)
    n_held = n_crossing = n_too_deep = 0
    for spans in texts:
        placed = chain_spans(spans, derived.plan)
        n_held += sum(map(len, placed.held))
        n_crossing += sum(map(len, placed.crossing))
        n_too_deep += sum(map(len, placed.too_deep))
    assert sum(derived.n_crossing.values()) == n_crossing
    assert sum(derived.n_too_deep.values()) == n_too_deep
    assert derived.counts.spans == n_held + n_crossing + n_too_deep
    assert sum(derived.n_at_level.values()) == derived.counts.spans
    for family in derived.plan.families:
        levels = [level for label, level in derived.n_at_level if label in family]
        assert derived.plan.n_levels(family) == min(most_levels, max([0, *levels]) + 1)


def test_what_lies_too_deep_is_with_the_last_chain_of_its_label() -> None:
    spans = [(0, 9, "A"), (1, 8, "A"), (2, 7, "A"), (3, 4, "A"), (2, 7, "B")]
    placed = chain_spans(spans, ChainPlan.of_levels([(["A"], 2), (["B"], 1)]))
    assert placed.held == [[(0, 9, "A")], [(1, 8, "A")], [(2, 7, "B")]]
    assert placed.too_deep == [[], [(2, 7, "A"), (3, 4, "A")], []]


def test_derived_chains_tell_what_is_there_and_what_is_left_out() -> None:
    texts = [[(0, 9, "A"), (1, 8, "A"), (2, 7, "A")], [(0, 3, "B"), (2, 5, "B"), (2, 5, "A")]]
    derived = derive_chains(texts, ["A", "B"], most_levels=2, layered=False)
    assert derived.describe().split("\n") == [
        "6 spans: 2 lie within longer ones, 2 of them within one of their own label; 3 cross "
        "others, 2 have the place of another with another label.",
        "3 chains: A x 2, B x 1",
        "1 can't be learned, they lie deeper than there are levels: A 1",
        "1 can't be learned, they cross others of their label and level: B 1",
    ]
    layers = derive_chains(texts[:1], ["A", "B"], most_levels=5, layered=True)
    assert layers.describe().endswith("\n3 chains: A B x 3")


def test_labels_without_spans_have_a_chain() -> None:
    derived = derive_chains([], ["A", "B"], most_levels=3, layered=False)
    assert [chain.labels for chain in derived.plan.chains] == [("A",), ("B",)]


def test_labels_of_no_chain_are_refused() -> None:
    with pytest.raises(ValueError, match=r"labels \['X'\], which no chain has.*\['A'\]"):
        chain_spans([(0, 1, "X"), (0, 1, "A")], ChainPlan.of_levels([(["A"], 1)]))


@pytest.mark.parametrize(("labels", "most_levels"), [([], 1), (["A"], 0)])
def test_chains_of_nothing_are_refused(labels: list[str], most_levels: int) -> None:
    with pytest.raises(ValueError, match="need labels and at least 1 level"):
        derive_chains([], labels, most_levels=most_levels, layered=False)
