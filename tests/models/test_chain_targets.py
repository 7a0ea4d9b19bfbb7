"""What annotated documents permit in each chain, and the chains that a corpus needs."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from spacy.training import Example

from spacy_ner_plus.annotation.gold import allowed_tags, register_annotated_labels
from spacy_ner_plus.annotation.nested_gold import GoldSources
from spacy_ner_plus.models.decoding.chain_decoder import ChainDecoder
from spacy_ner_plus.models.decoding.chain_targets import ChainTargets, chain_targets
from spacy_ner_plus.models.decoding.span_settings import SpanHeadSettings
from spacy_ner_plus.nesting.chain_plan import ChainPlan
from spacy_ner_plus.pipeline.spans.row_reading import read_gold, word_tokens
from spacy_ner_plus.tags import TagScheme
from tests.annotation.test_nested_gold import BOTH, ENTS, GROUP, Spans, make_doc
from tests.nesting.spans import LABELS, spans_without_crossing

LEVELS = ChainPlan.of_levels([(["A"], 2), (["B"], 1)])
LAYERS = ChainPlan.of_levels([(["A", "B"], 2)])


def targets(
    example: Example,
    plan: ChainPlan = LEVELS,
    sources: GoldSources = GROUP,
    rows: list[int] | None = None,
    name: str = "BIO",
) -> ChainTargets:
    row_tokens = word_tokens(example) if rows is None else np.array(rows, dtype=np.int64)
    return chain_targets(read_gold(example, row_tokens, plan.labels, sources), plan, name)


def names(
    example: Example,
    plan: ChainPlan = LEVELS,
    sources: GoldSources = GROUP,
    rows: list[int] | None = None,
) -> list[str]:
    """For each chain, the allowed tags of its rows, by name; "*" for all."""
    allowed = targets(example, plan, sources, rows).allowed
    result = []
    for chain, own in zip(plan.chains, np.split(allowed, len(plan.chains), axis=1), strict=True):
        tags = np.array(TagScheme("BIO", chain.labels).tags)
        result.append(", ".join("*" if row.all() else " ".join(tags[row].tolist()) for row in own))
    return result


def plan_of(
    examples: list[Example], labels: list[str], *, max_levels: int, chains: str
) -> ChainPlan:
    shape = SpanHeadSettings(head="crf_per_label", max_levels=max_levels, chains=chains)
    gold = [read_gold(example, word_tokens(example), labels, GROUP) for example in examples]
    return ChainDecoder.plan_chains(shape, labels, [gold[:1], gold[1:]])


def same(words: str, *annotation: object, **missing: object) -> Example:
    return Example(make_doc(words), make_doc(words, *annotation, **missing))


def test_each_chain_has_the_tags_of_its_own_spans() -> None:
    example = same("a|b|c|d", [(0, 3, "A"), (1, 3, "A"), (2, 3, "B"), (3, 4, "B")])
    assert names(example) == [
        "B-A, I-A, I-A, O",
        "O, B-A, I-A, O",
        "O, O, B-B, B-B",
    ]
    example = same("a|b|c|d", [(0, 3, "A"), (1, 3, "B"), (3, 4, "B")])
    assert names(example, LAYERS) == ["B-A, I-A, I-A, B-B", "O, B-B, I-B, O"]


def test_white_space_moves_edges_and_what_becomes_the_same_counts_once() -> None:
    example = same("\n|a| |b", [(0, 3, "A"), (1, 2, "A"), (1, 4, "A")])
    assert names(example) == ["B-A, I-A", "B-A, O", "O, O"]


def test_spans_wholly_on_tokens_without_a_row_are_logged(caplog: pytest.LogCaptureFixture) -> None:
    example = same("a|\u200b|b", [(1, 2, "A"), (0, 1, "B")])
    assert names(example, rows=[0, 2]) == ["O, O", "O, O", "B-B, O"]
    [record] = caplog.records
    assert "(A) at characters 1-2: none of its tokens can be tagged" in record.getMessage()


def test_missing_annotation_permits_all_but_in_a_chain_that_has_a_span_there() -> None:
    example = same("a|b|c|d", [(2, 4, "B")], [(0, 1, "A")], unknown=(1, 2, 3))
    assert names(example, sources=BOTH) == ["B-A, O B-A, *, *", "O, *, *, *", "O, *, B-B, I-B"]
    example = same("a|b|c|d", None, [(0, 1, "A")], missing=(1, 2))
    assert names(example, sources=BOTH) == ["B-A, O B-A, *, O", "O, *, *, O", "O, *, *, O"]
    assert names(same("a|b")) == ["*, *"] * 3


def test_crossing_spans_are_left_out_and_count_as_missing_in_their_chain() -> None:
    example = same("a|b|c|d|e", [(0, 3, "A"), (2, 4, "A"), (2, 4, "B")])
    assert names(example) == ["B-A, I-A, I-A, O B-A, O", "O, O, O, O, O", "O, O, B-B, I-B, O"]
    found = targets(example)
    assert found.crossing.tolist() == [False, True, False]
    assert not found.too_deep.any() and not found.unplaced.any()


def test_spans_that_are_too_deep_are_left_out() -> None:
    spans: Spans = [(0, 4, "A"), (0, 3, "A"), (1, 2, "A"), (1, 2, "B"), (0, 4, "B")]
    example = same("v|w|x|y", spans)
    assert names(example) == ["B-A, I-A, I-A, I-A", "B-A, I-A, I-A, O", "B-B, I-B, I-B, I-B"]
    assert targets(example).too_deep.tolist() == [False, False, False, True, True]
    gold = read_gold(example, np.arange(4), LEVELS.labels, GROUP)
    places = list(zip(gold.starts.tolist(), gold.ends.tolist(), gold.labels.tolist(), strict=True))
    assert places[3:] == [(1, 2, 0), (1, 2, 1)]


def test_lost_spans_leave_their_label_open_and_no_other() -> None:
    reference = make_doc("x|New|York|z", [(1, 2, "A"), (0, 4, "A"), (1, 3, "B")])
    example = Example(make_doc("x|NewYork|z"), reference)
    assert names(example) == ["B-A, I-A, I-A", "O, *, O", "O, B-B, O"]


def test_partial_annotation_leaves_chains_of_other_labels_open() -> None:
    example = same("a|b", [(0, 1, "A")])
    register_annotated_labels()
    example.reference._.annotated_labels = ["A"]
    assert names(example) == ["B-A, O", "O, O", "*, *"]
    assert names(example, LAYERS) == ["*, *", "*, *"]  # it may lie within one of B, or not
    assert targets(example, LAYERS).unplaced.tolist() == [True]
    assert not targets(example, LEVELS).unplaced.any()
    example.reference._.annotated_labels = ["B"]
    with pytest.raises(ValueError, match=r"has entities of type \['A'\]"):
        names(example)


def test_spans_of_other_labels_are_an_error() -> None:
    with pytest.raises(ValueError, match=r"'ab' has the entity 'a' of type 'X'"):
        names(same("a|b", [(0, 1, "X")]))


@pytest.mark.parametrize("name", ["BIO", "BILOU"])
def test_gold_to_chains_to_tags_to_spans_is_the_identity(name: str) -> None:
    @settings(deadline=None, max_examples=60)
    @given(spans_without_crossing(), st.sampled_from(["labels", "layers"]))
    def check(spans: Spans, chains: str) -> None:
        example = same("|".join("abcdefgh"), spans)
        plan = plan_of([example], LABELS, max_levels=9, chains=chains)
        allowed = targets(example, plan, name=name).allowed
        found = []
        parts = np.split(allowed, len(plan.chains), axis=1)
        for chain, own in zip(plan.chains, parts, strict=True):
            assert (own.sum(axis=1) == 1).all()
            starts, ends, ids = TagScheme(name, chain.labels).decode(own.argmax(axis=1))
            labels = [chain.labels[i] for i in ids]
            found += list(zip(starts.tolist(), ends.tolist(), labels, strict=True))
        assert sorted(found) == sorted(spans)

    check()


@settings(deadline=None, max_examples=40)
@given(st.lists(st.sampled_from(["A", "B", "O", "?"]), min_size=1, max_size=6))
def test_one_layer_over_entities_permits_what_the_flat_component_does(tokens: list[str]) -> None:
    words = "|".join(f"w{i}" for i in range(len(tokens)))
    ents = [(i, i + 1, label) for i, label in enumerate(tokens) if label in "AB"]
    missing = tuple(i for i, label in enumerate(tokens) if label == "?")
    example = same(words, None, ents, missing=missing)
    plan = ChainPlan.of_levels([(["A", "B"], 1)])
    rows = np.arange(len(tokens))
    found = targets(example, plan, ENTS, name="BILOU").allowed
    assert np.array_equal(found, allowed_tags(example, rows, TagScheme("BILOU", ["A", "B"])))


def test_allowed_tags_without_rows_are_none() -> None:
    example = same("a|b", [(0, 1, "A")])
    assert targets(example, rows=[]).allowed.shape == (0, 9)


def test_chains_of_a_corpus_have_the_levels_that_it_needs() -> None:
    examples = [
        same("a|b|c|d", [(0, 4, "A"), (1, 3, "A"), (1, 2, "A"), (0, 4, "B")]),
        same("a| |c", [(0, 2, "B"), (0, 1, "B"), (1, 3, "B")]),
    ]
    assert plan_of(examples, ["A", "B"], max_levels=2, chains="labels") == LEVELS
    deeper = plan_of(examples, ["A", "B"], max_levels=9, chains="labels")
    assert deeper == ChainPlan.of_levels([(["A"], 3), (["B"], 1)])
    layers = plan_of(examples, ["A", "B"], max_levels=9, chains="layers")
    assert layers == ChainPlan.of_levels([(["A", "B"], 4)])
