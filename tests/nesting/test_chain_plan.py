import pytest

from spacy_ner_plus.nesting.chain_plan import Chain, ChainPlan


def test_plan_of_labels_and_levels() -> None:
    plan = ChainPlan.of_levels([(["A"], 2), (["B"], 1)])
    assert plan.chains == (Chain(("A",), 0), Chain(("A",), 1), Chain(("B",), 0))
    assert plan.labels == ("A", "B")
    assert plan.levels == [(("A",), 2), (("B",), 1)]
    assert not plan.is_layered


def test_plan_of_layers() -> None:
    plan = ChainPlan.of_levels([(["B", "A"], 3)])
    assert plan.labels == ("B", "A")
    assert plan.levels == [(("B", "A"), 3)]
    assert plan.is_layered


def test_new_labels_get_chains_of_their_own_or_come_into_the_layers() -> None:
    plan = ChainPlan.of_levels([(["A"], 2), (["B"], 1)])
    assert plan.with_labels(["A", "B"]) == plan
    grown = plan.with_labels(["A", "B", "D", "C"])
    assert grown == ChainPlan.of_levels([(["A"], 2), (["B"], 1), (["D"], 2), (["C"], 2)])
    layers = ChainPlan.of_levels([(["B", "A"], 3)])
    assert layers.with_labels(["B", "A", "C"]) == ChainPlan.of_levels([(["B", "A", "C"], 3)])
    with pytest.raises(ValueError, match=r"\['A', 'B'\] do not begin with \['B', 'A'\]"):
        layers.with_labels(["A", "B"])


@pytest.mark.parametrize(
    ("chains", "message"),
    [
        ([Chain(("A",), 1)], "with levels 0, 1"),
        ([Chain(("A",), 0), Chain(("A",), 0)], "with levels 0, 1"),
        ([Chain(("A",), 0), Chain(("B",), 0), Chain(("A",), 1)], "must follow each other"),
        ([Chain(("A",), 0), Chain(("B", "C"), 0)], r"same number of labels each.*\[1, 2\]"),
        ([Chain(("A", "B"), 0), Chain(("B", "A"), 0)], "one list of labels only"),
        ([Chain(("A", "A"), 0)], "one list of labels only"),
    ],
)
def test_chains_that_are_no_plan_are_refused(chains: list[Chain], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        ChainPlan(tuple(chains))


def test_labels_without_a_level_are_refused() -> None:
    with pytest.raises(ValueError, match=r"\['A'\] must have at least 1 level, got 0"):
        ChainPlan.of_levels([(["A"], 0)])
