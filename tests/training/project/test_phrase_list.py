"""The list of phrases that rules begin with, beside a naive count."""

import json
from collections import Counter

import pytest
import spacy
from hypothesis import given
from hypothesis import strategies as st
from spacy.tokens import Doc, Span

from spacy_ner_plus.training.project.phrase_list import phrases_of, phrases_text

VOCAB = spacy.blank("en").vocab
WORDS = ["May", "may", "Ann", "Rome", "New", "York"]


def doc_of(words: list[str], ents: list[tuple[int, int, str]]) -> Doc:
    doc = Doc(VOCAB, words)
    doc.set_ents([Span(doc, *ent) for ent in ents])
    return doc


@st.composite
def docs(draw: st.DrawFn) -> Doc:
    words = draw(st.lists(st.sampled_from(WORDS), min_size=1, max_size=12))
    bounds = sorted(draw(st.sets(st.integers(0, len(words)), max_size=6)))
    pairs = list(zip(bounds[::2], bounds[1::2], strict=False))
    return doc_of(words, [(s, e, draw(st.sampled_from(["PER", "LOC"]))) for s, e in pairs])


@given(st.lists(docs(), max_size=6), st.sampled_from([0.0, 0.5, 1.0]))
def test_phrases_are_those_of_a_naive_count(texts: list[Doc], least: float) -> None:
    entities = Counter((e.text, e.label_) for doc in texts for e in doc.ents)
    expected = []
    for phrase in {text for text, _ in entities}:
        by_label = {label: n for (text, label), n in entities.items() if text == phrase}
        right = max(by_label.values())
        label = min(label for label, n in by_label.items() if n == right)
        seen = sum(
            doc[i:j].text == phrase
            for doc in texts
            for i in range(len(doc))
            for j in range(i + 1, len(doc) + 1)
        )
        if right / seen >= least:
            expected.append((label, phrase, right, seen))
    found = phrases_of(texts, least_precision=least)
    assert [(its.label, its.phrase, its.right, its.seen) for its in found] == sorted(expected)


def test_what_is_mostly_no_entity_is_left_out() -> None:
    texts = [
        doc_of(["May", "left", "Rome"], [(0, 1, "PER"), (2, 3, "LOC")]),
        doc_of(["In", "May", ",", "May", "it", "rain"], []),
    ]
    assert [its.phrase for its in phrases_of(texts)] == ["Rome"]
    assert [its.precision for its in phrases_of(texts, least_precision=0)] == [1.0, 1 / 3]


def test_entities_within_others_count_as_well() -> None:
    """By doc.ents alone, "York" would mostly be no entity."""
    words = ["New", "York", "Times", "of", "York"]
    doc = doc_of(words, [(0, 3, "ORG"), (4, 5, "LOC")])
    spans = [(0, 2, "LOC"), (0, 3, "ORG"), (1, 2, "LOC"), (1, 2, "PER"), (4, 5, "LOC")]
    flat, nested = phrases_of([doc, doc]), phrases_of([doc, doc], entities=[spans, spans])
    assert [(its.phrase, its.right, its.seen) for its in flat] == [
        ("York", 2, 4), ("New York Times", 2, 2)
    ]  # fmt: skip
    assert [(its.phrase, its.label, its.right, its.seen) for its in nested] == [
        ("New York", "LOC", 2, 2),
        ("York", "LOC", 4, 4),
        ("New York Times", "ORG", 2, 2),
    ]


def test_lines_are_what_the_rules_read() -> None:
    texts = [doc_of(["Zoë", "left"], [(0, 1, "PER")])]
    assert phrases_text(phrases_of(texts)) == '{"phrase": "Zoë", "label": "PER"}\n'
    assert phrases_text([]) == ""


def test_the_component_finds_them() -> None:
    pytest.importorskip("spacy_ner_plus.pipeline.rules")
    nlp = spacy.blank("en")
    example = nlp.make_doc("Ann Smith is in Rome.")
    example.set_ents([Span(example, 0, 2, "PER"), Span(example, 4, 5, "LOC")])
    rows = [json.loads(line) for line in phrases_text(phrases_of([example])).splitlines()]
    nlp.add_pipe("ner_plus_rules").add_rules(rows)
    assert [(e.text, e.label_) for e in nlp("Rome, said Ann Smith").ents] == [
        ("Rome", "LOC"), ("Ann Smith", "PER")
    ]  # fmt: skip
