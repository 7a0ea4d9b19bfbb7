"""The component compared with a brute-force search, on texts and rules of all kinds."""

from typing import Any

import pytest
import spacy
from hypothesis import given, settings
from hypothesis import strategies as st
from spacy.tokens import Doc, Span
from spacy.util import filter_spans

from spacy_ner_plus.annotation.rule_hits import rule_hits
from spacy_ner_plus.pipeline.rule_matching.rule import read_rule
from spacy_ner_plus.pipeline.rules.component import NerPlusRules
from tests.pipeline.rules.oracle import all_hits, decide, travelling

pytestmark = pytest.mark.filterwarnings("ignore:.*has no rules")
NLP = spacy.blank("xx")
WORDS = ["a", "A", "b", "B", "ab", "straße", "STRASSE", "😀", "é", "שלום"]
texts = st.lists(st.sampled_from(WORDS), max_size=12)
# Words with whether a blank is behind them, and white space among them.
spaced = st.lists(st.tuples(st.sampled_from([*WORDS, " ", "\n", "aa"]), st.booleans()), max_size=12)
labels = st.sampled_from(["X", "Y"])
forms = st.one_of(
    st.fixed_dictionaries(
        {
            "phrase": st.lists(st.sampled_from(WORDS), min_size=1, max_size=3).map(" ".join),
            "attribute": st.sampled_from(["ORTH", "LOWER", "NORM"]),
        }
    ),
    st.sampled_from(
        [
            {"pattern": [{"LOWER": "a"}]},
            {"pattern": [{"LOWER": "a"}, {"LOWER": "b"}]},
            {"pattern": [{"LOWER": "a", "OP": "+"}]},
            {"regex": "[aA]+"},
            {"regex": r"\bb( \w+)?"},
            {"regex": "(?i)stra(ss|ß)e"},
        ]
    ),
)
kinds = st.one_of(
    st.just({}),
    st.builds(lambda w: {"kind": "soft", "weight": w}, st.sampled_from([-1.0, 0.5, 2.0])),
    st.sampled_from(["block", "block_words"]).map(lambda kind: {"kind": kind}),
)


def as_row(form: dict[str, Any], kind: dict[str, Any], label: str, any_label: bool) -> Any:
    named = {} if any_label and "block" in kind.get("kind", "") else {"label": label}
    return {**form, **kind, **named}


rows = st.lists(st.builds(as_row, forms, kinds, labels, st.booleans()), max_size=6)


def with_ids(given_rows: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Rules of their own names: phrases without are one group, in the order of its first."""
    return [{**row, "id": str(i), "rule": f"r{i}"} for i, row in enumerate(given_rows)]


@settings(max_examples=100, deadline=None)
@given(rows, st.lists(spaced, min_size=1, max_size=4), st.booleans())
def test_component_finds_what_a_naive_search_finds(
    given_rows: list[dict[str, Any]], tokens: list[list[tuple[str, bool]]], soft_ents: bool
) -> None:
    given_rows = with_ids(given_rows)
    pipe = NerPlusRules(NLP, rules=given_rows, soft_ents=soft_ents)
    docs = [
        Doc(NLP.vocab, words=[w for w, _ in row], spaces=[space for _, space in row])
        for row in tokens
    ]
    for doc in pipe.pipe(docs):
        hits = all_hits(NLP, doc, [read_rule(row) for row in given_rows])
        entities, travel = decide(hits, soft_ents=soft_ents)
        assert [(e.start, e.end, e.label_, e.ent_id_) for e in doc.ents] == entities
        assert travelling(doc, rule_hits(doc)) == travel
        assert not len(doc) or doc.has_annotation("ENT_IOB", require_complete=True)


@settings(max_examples=100, deadline=None)
@given(rows, texts, st.lists(st.tuples(st.integers(0, 9), st.integers(1, 3)), max_size=3))
def test_entities_that_are_there_are_kept(
    given_rows: list[dict[str, Any]], words: list[str], places: list[tuple[int, int]]
) -> None:
    given_rows = with_ids(given_rows)
    doc = Doc(NLP.vocab, words=words)
    spans = [doc[i : i + n] for i, n in places if i + n <= len(doc)]
    labelled = [Span(doc, s.start, s.end, "X") for s in filter_spans(spans)]
    doc.set_ents(labelled, default="outside")
    there = {(span.start, span.end, "X") for span in labelled}
    NerPlusRules(NLP, rules=given_rows)(doc)
    hits = all_hits(NLP, doc, [read_rule(row) for row in given_rows])
    entities, travel = decide(hits, existing=there)
    assert {(e.start, e.end, e.label_) for e in doc.ents} == there | {e[:3] for e in entities}
    assert travelling(doc, rule_hits(doc)) == travel


@settings(max_examples=50, deadline=None)
@given(rows, st.lists(texts, min_size=2, max_size=5), st.integers(1, 3))
def test_batch_changes_nothing(
    given_rows: list[dict[str, Any]], words: list[list[str]], batch_size: int
) -> None:
    pipe = NerPlusRules(NLP, rules=given_rows)
    docs = list(pipe.pipe((Doc(NLP.vocab, words=w) for w in words), batch_size=batch_size))
    for doc, w in zip(docs, words, strict=True):
        alone = pipe(Doc(NLP.vocab, words=w))
        assert [(e.start, e.end, e.label_) for e in doc.ents] == [
            (e.start, e.end, e.label_) for e in alone.ents
        ]
        assert rule_hits(doc) == rule_hits(alone)


@settings(max_examples=50, deadline=None)
@given(rows, texts)
def test_saving_and_reading_again_change_nothing(
    given_rows: list[dict[str, Any]], words: list[str]
) -> None:
    pipe = NerPlusRules(NLP, rules=with_ids(given_rows))
    other = NerPlusRules(NLP).from_bytes(pipe.to_bytes(exclude=["vocab"]))
    assert (other.rules, other.labels) == (pipe.rules, pipe.labels)
    doc, loaded = pipe(Doc(NLP.vocab, words=words)), other(Doc(NLP.vocab, words=words))
    before = rule_hits(doc)
    assert rule_hits(loaded) == before
    assert rule_hits(pipe(doc)) == before  # read again: its own entities are in nobody's way
