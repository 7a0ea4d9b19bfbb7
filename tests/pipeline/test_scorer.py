"""The scorer against spaCy's own, and what it adds."""

import pickle
from itertools import pairwise
from typing import Any

import pytest
import spacy
from hypothesis import given, settings
from hypothesis import strategies as st
from spacy.language import Language
from spacy.scorer import Scorer, get_ner_prf
from spacy.tokens import Doc, Span
from spacy.training import Example

from spacy_ner_plus.annotation.entity_source import DOC_ENTS, EntitySource, EntitySources
from spacy_ner_plus.annotation.gold import register_annotated_labels
from spacy_ner_plus.metrics.depth_scores import GOLD, count_by_depth
from spacy_ner_plus.pipeline.scorer import (
    count_entities,
    make_ner_scorer_v1,
    nested_score_weights,
    score_entities,
    score_nested,
)
from tests.pipeline.samples import make_examples

LABELS = ("A", "B", "C-d")
KEYS = {"ents_p", "ents_r", "ents_f", "ents_micro_f", "ents_macro_f", "ents_per_type"}
VOCAB = spacy.blank("en").vocab


def make_doc(
    sizes: list[int], spans: list[tuple[int, int, str]], missing: list[int], blocked: list[int]
) -> Doc:
    """A Doc of one long word, cut into tokens of these sizes."""
    letters = "abcdefghijklmnopqrstuvwxyz"
    cuts = [sum(sizes[:i]) for i in range(len(sizes) + 1)]
    words = [letters[a:b] for a, b in pairwise(cuts)]
    doc = Doc(VOCAB, words=words, spaces=[False] * len(words))
    doc.set_ents(
        [Span(doc, *span) for span in spans],
        missing=[doc[i : i + 1] for i in missing],
        blocked=[doc[i : i + 1] for i in blocked],
        default="outside",
    )
    return doc


@st.composite
def docs(draw: st.DrawFn, sizes: list[int], with_gaps: bool) -> Doc:
    kinds = ["O", "O", *LABELS, *(("missing", "blocked") if with_gaps else ())]
    spans: list[tuple[int, int, str]] = []
    gaps: dict[str, list[int]] = {"missing": [], "blocked": []}
    token = 0
    while token < len(sizes):
        kind = draw(st.sampled_from(kinds))
        length = draw(st.integers(1, len(sizes) - token)) if kind in LABELS else 1
        if kind in LABELS:
            spans.append((token, token + length, kind))
        elif kind in gaps:
            gaps[kind].append(token)
        token += length
    return make_doc(sizes, spans, **gaps)


@st.composite
def examples(draw: st.DrawFn, same_tokens: bool) -> Example:
    sizes = draw(st.lists(st.integers(1, 3), min_size=1, max_size=8))
    other = sizes
    if not same_tokens:
        cuts = sorted(draw(st.sets(st.integers(1, sum(sizes)))) | {sum(sizes)})
        other = [b - a for a, b in zip([0, *cuts], cuts, strict=False)]
    return Example(draw(docs(other, False)), draw(docs(sizes, True)))


def assert_like_spacy(batch: list[Example]) -> None:
    ours, theirs = score_entities(batch), get_ner_prf(batch)
    assert set(ours) == KEYS
    for key in ("ents_p", "ents_r", "ents_f"):
        assert ours[key] == pytest.approx(theirs[key]), key
    if theirs["ents_per_type"] is None:
        assert ours["ents_per_type"] is None and ours["ents_macro_f"] is None
        return
    # spaCy also lists types of which nothing counts
    for label, scores in theirs["ents_per_type"].items():
        found = ours["ents_per_type"].get(label, {"p": 0.0, "r": 0.0, "f": 0.0})
        assert {k: found[k] for k in "prf"} == pytest.approx(scores), label
    assert ours["ents_per_type"].keys() <= theirs["ents_per_type"].keys()
    per_type = [scores["f"] for scores in ours["ents_per_type"].values()]
    assert ours["ents_macro_f"] == pytest.approx(sum(per_type) / len(per_type))
    assert ours["ents_micro_f"] == ours["ents_f"]


@settings(deadline=None, max_examples=100, derandomize=True)
@given(st.lists(examples(same_tokens=True), max_size=4))
def test_scores_equal_those_of_spacy(batch: list[Example]) -> None:
    assert_like_spacy(batch)


@pytest.mark.slow
@settings(deadline=None, max_examples=100, derandomize=True)
@given(st.lists(examples(same_tokens=False), max_size=4))
def test_scores_equal_those_of_spacy_with_other_tokens(batch: list[Example]) -> None:
    assert_like_spacy(batch)


def test_entities_on_parts_of_one_reference_token_are_not_all_right() -> None:
    """As with spaCy's scorer: one is right, the other wrong."""
    predicted = make_doc([1, 1], [(0, 1, "A"), (1, 2, "A")], [], [])
    batch = [Example(predicted, make_doc([2], [(0, 1, "A")], [], []))]
    assert_like_spacy(batch)
    assert score_entities(batch)["ents_p"] == 0.5
    assert_like_spacy([Example(predicted, make_doc([2], [], [], []))])
    assert_like_spacy([Example(predicted, make_doc([2], [], [0], []))])


def test_prediction_on_missing_annotation_is_not_wrong() -> None:
    predicted = make_doc([1] * 4, [(0, 1, "A"), (2, 4, "B")], [], [])
    reference = make_doc([1] * 4, [(0, 1, "A")], [3], [])
    scores = score_entities([Example(predicted, reference)])
    assert (scores["ents_p"], scores["ents_r"]) == (1.0, 1.0)
    assert scores["ents_per_type"] == {"A": {"p": 1.0, "r": 1.0, "f": 1.0, "support": 1}}


def test_macro_is_the_mean_over_types_and_micro_counts_entities() -> None:
    predicted = make_doc([1] * 5, [(0, 1, "A"), (1, 2, "A"), (2, 3, "A"), (4, 5, "B")], [], [])
    reference = make_doc([1] * 5, [(0, 1, "A"), (1, 2, "A"), (2, 3, "A"), (3, 4, "B")], [], [])
    scores = score_entities([Example(predicted, reference)])
    assert scores["ents_micro_f"] == scores["ents_f"] == pytest.approx(0.75)
    assert scores["ents_macro_f"] == pytest.approx(0.5)
    assert scores["ents_per_type"]["A"]["support"] == 3
    assert scores["ents_per_type"]["B"] == {"p": 0.0, "r": 0.0, "f": 0.0, "support": 1}


def _without_annotation() -> list[Example]:
    doc = Doc(VOCAB, words=["a"])
    return [Example(make_doc([1], [(0, 1, "A")], [], []), doc)]


@pytest.mark.parametrize(
    "batch",
    [[], _without_annotation(), [Example(make_doc([1], [], [], []), make_doc([1], [], [], []))]],
    ids=["no examples", "no annotation", "no entities"],
)
def test_scores_are_none_where_there_is_nothing_to_score(batch: list[Example]) -> None:
    assert score_entities(batch) == dict.fromkeys(KEYS)


def test_component_scores_with_the_registered_scorer(trained: Language) -> None:
    ner = trained.get_pipe("ner_plus")
    examples = make_examples(trained)
    predicted = [Example(ner(eg.predicted), eg.reference) for eg in examples]
    expected: dict[str, Any] = make_ner_scorer_v1()(predicted)
    assert ner.score(predicted) == expected and expected["ents_f"] == 1.0
    assert trained.evaluate(make_examples(trained))["ents_per_type"] == expected["ents_per_type"]


def test_component_without_scorer_scores_nothing(trained: Language) -> None:
    nlp = spacy.blank("en")
    ner = nlp.add_pipe("ner_plus", config={"scorer": None})
    assert ner.score(make_examples(nlp, 2)) == {}


def test_types_that_are_not_annotated_are_neither_right_nor_wrong() -> None:
    predicted = make_doc([1] * 5, [(0, 1, "A"), (1, 2, "A"), (3, 4, "B")], [], [])
    reference = make_doc([1] * 5, [(0, 1, "A"), (4, 5, "A")], [], [])
    register_annotated_labels()
    plain = score_entities([Example(predicted, reference)])
    assert plain["ents_per_type"]["B"]["p"] == 0.0
    assert plain["ents_p"] == pytest.approx(1 / 3)
    reference._.annotated_labels = ["A"]
    partly = score_entities([Example(predicted, reference)])
    assert list(partly["ents_per_type"]) == ["A"]
    assert (partly["ents_p"], partly["ents_r"]) == (0.5, 0.5)
    reference._.annotated_labels = ["A", "B"]
    assert score_entities([Example(predicted, reference)]) == plain


def test_each_document_has_its_own_types() -> None:
    """Of two corpora scored together, each counts for its types."""
    register_annotated_labels()
    examples = []
    for label in ("A", "B"):
        predicted = make_doc([1] * 4, [(0, 1, "A"), (2, 3, "B")], [], [])
        start = 0 if label == "A" else 2
        reference = make_doc([1] * 4, [(start, start + 1, label)], [], [])
        reference._.annotated_labels = [label]
        examples.append(Example(predicted, reference))
    scores = score_entities(examples)
    assert scores["ents_f"] == 1.0
    assert {label: s["support"] for label, s in scores["ents_per_type"].items()} == {"A": 1, "B": 1}


# Groups of spans


NESTED = EntitySource("sc")
any_spans = st.lists(
    st.tuples(st.integers(0, 4), st.integers(1, 3), st.sampled_from("AB")).map(
        lambda its: (its[0], min(5, its[0] + its[1]), its[2])
    ),
    max_size=5,
)


def make_group(spans: list[tuple[int, int, str]] | None) -> Doc:
    doc = Doc(VOCAB, words=["t"] * 5)
    if spans is not None:
        doc.spans["sc"] = [Span(doc, *span) for span in spans]
    return doc


@settings(deadline=None, max_examples=100, derandomize=True)
@given(st.lists(st.tuples(any_spans, any_spans), min_size=1, max_size=3))
def test_scores_of_a_group_equal_those_of_spacy(
    pairs: list[tuple[list[tuple[int, int, str]], list[tuple[int, int, str]]]],
) -> None:
    batch = [Example(make_group(found), make_group(gold)) for gold, found in pairs]
    ours = make_ner_scorer_v1(spans_key="sc")(batch)
    theirs = Scorer.score_spans(
        batch,
        "spans_sc",
        getter=lambda doc, _: doc.spans["sc"],
        has_annotation=lambda doc: "sc" in doc.spans,
        allow_overlap=True,
        labeled=True,
    )
    assert ours.keys() == nested_score_weights("sc").keys()
    if ours["spans_sc_f"] is None:
        assert not any(gold or found for gold, found in pairs)
        return
    for key in "prf":
        assert ours[f"spans_sc_{key}"] == pytest.approx(theirs[f"spans_sc_{key}"])
    for label, scores in theirs["spans_sc_per_type"].items():
        its = ours["spans_sc_per_type"][label]
        assert {key: its[key] for key in "prf"} == pytest.approx(scores)
    by_depth = count_by_depth(
        [sorted(set(gold)) for gold, _ in pairs], [sorted(set(found)) for _, found in pairs]
    )
    inner = by_depth[:, 1:].sum(axis=(0, 1))
    assert (ours["spans_sc_inner_r"] is None) == (not inner[GOLD])
    assert sum(its["support"] for its in ours["spans_sc_per_depth"].values()) == sum(
        len(set(gold)) for gold, _ in pairs
    )


def test_scores_of_a_group_tell_outer_and_inner_spans_apart() -> None:
    gold = [(0, 4, "A"), (1, 2, "B"), (4, 5, "B")]
    found = [(0, 4, "A"), (1, 3, "B"), (4, 5, "B"), (4, 5, "B")]
    scores = score_nested([Example(make_group(found), make_group(gold))], source=NESTED)
    assert scores["spans_sc_f"] == scores["spans_sc_micro_f"] == pytest.approx(2 / 3)
    assert (scores["spans_sc_outer_f"], scores["spans_sc_inner_f"]) == (1.0, 0.0)
    assert scores["spans_sc_per_depth"] == {
        "0": {"p": 1.0, "r": 1.0, "f": 1.0, "support": 2},
        "1": {"p": 0.0, "r": 0.0, "f": 0.0, "support": 1},
    }


def test_scorer_without_a_key_scores_where_the_component_writes() -> None:
    batch = [Example(make_group([(0, 2, "A")]), make_group([(0, 2, "A"), (0, 1, "A")]))]
    scorer = make_ner_scorer_v1()
    assert scorer(batch, nested_key="sc") == score_nested(batch, source=NESTED)
    assert scorer(batch) == score_entities(batch) == dict.fromkeys(KEYS)


def test_documents_without_the_group_are_not_scored() -> None:
    right, unknown = ([(0, 2, "A"), (0, 1, "A")], None)
    batch = [Example(make_group(right), make_group(gold)) for gold in (right, unknown)]
    assert score_nested(batch, source=NESTED)["spans_sc_p"] == 1.0
    assert score_nested(batch[1:], source=NESTED)["spans_sc_f"] is None
    assert score_entities(batch) == dict.fromkeys(KEYS)


def test_scorer_of_a_group_can_be_pickled() -> None:
    scorer = pickle.loads(pickle.dumps(make_ner_scorer_v1("sc")))
    assert scorer([])["spans_sc_f"] is None


def test_flat_entities_can_be_counted_against_nested_ones() -> None:
    doc = make_group(None)
    doc.set_ents([Span(doc, 0, 4, "A")], default="outside")
    example = Example(doc, make_group([(0, 4, "A"), (1, 2, "B")]))
    labels, counts = count_entities([example], EntitySources(NESTED, DOC_ENTS))
    assert (labels, counts.tolist()) == (["A", "B"], [[1, 0, 0], [0, 0, 1]])
