import json

import numpy as np
import pytest
import spacy
from hypothesis import given, settings
from hypothesis import strategies as st
from spacy.tokens import Doc, Span, SpanGroup

from spacy_ner_plus.annotation.doc_records import span_records, to_doc, to_record
from spacy_ner_plus.annotation.entity_source import EntitySource
from spacy_ner_plus.annotation.probabilities import register_probability
from spacy_ner_plus.annotation.unknown_group import entity_keys
from spacy_ner_plus.records import SpanRecord, TextRecord, TokenRecord

NLP = spacy.blank("en")
WORDS = st.lists(st.text(st.sampled_from("ab é😀\n\t"), min_size=1, max_size=4), max_size=8)
IDS = st.sampled_from(["", "T1", "é"])
PROBABILITIES = st.none() | st.floats(0, 1)


@st.composite
def flat_docs(draw):
    """Docs with all that may be known of a token: part of an entity, blocked, outside, missing."""
    words = draw(WORDS)
    doc = Doc(
        NLP.vocab,
        words,
        draw(st.lists(st.booleans(), min_size=len(words), max_size=len(words))),
        sent_starts=[draw(st.sampled_from([None, True, False])) for _ in words],
    )
    kinds = {"entity": [], "blocked": [], "missing": [], "outside": []}
    at = 0
    while at < len(doc):
        end = draw(st.integers(at + 1, len(doc)))
        kind = draw(st.sampled_from(sorted(kinds)))
        label = draw(st.sampled_from(["X", "Y"])) if kind == "entity" else ""
        kinds[kind].append(Span(doc, at, end, label, kb_id=draw(IDS), span_id=draw(IDS)))
        at = end
    is_set = draw(st.booleans())
    if is_set:
        doc.set_ents(kinds.pop("entity"), **kinds)
        register_probability()
        for ent in doc.ents:
            ent._.probability = draw(PROBABILITIES)
    if draw(st.booleans()):
        doc._.annotated_labels = draw(st.lists(st.sampled_from("XYZ"), unique=True).map(sorted))
    return doc


def facts(doc):
    """All that records keep."""
    return (
        doc.text,
        [(t.text, t.whitespace_, t.is_sent_start, t.ent_iob, t.ent_type_) for t in doc],
        [(e.start, e.end, e.label_, e.kb_id_, e.id_, e._.probability) for e in doc.ents],
        doc.has_annotation("ENT_IOB"),
        doc._.annotated_labels,
        {
            key: ([(s.start, s.end, s.label_, s.kb_id_, s.id_) for s in group], group.attrs)
            for key, group in doc.spans.items()
        },
    )


def through_json(record):
    return TextRecord.from_json(json.loads(json.dumps(record.to_json())))


@settings(deadline=None)
@given(flat_docs())
def test_docs_survive(doc):
    record = to_record(doc)
    again, misaligned = to_doc(through_json(record), NLP)
    assert facts(again) == facts(doc)
    assert not misaligned
    assert to_record(again) == record


@settings(deadline=None)
@given(flat_docs(), st.data())
def test_nested_spans_survive(doc, data):
    if not len(doc):
        return
    spans = []
    for _ in range(data.draw(st.integers(0, 4))):
        start = data.draw(st.integers(0, len(doc) - 1))
        end = data.draw(st.integers(start + 1, len(doc)))
        spans.append(Span(doc, start, end, "X", kb_id=data.draw(IDS), span_id=data.draw(IDS)))
    spans.sort(key=lambda span: (span.start, span.end))
    scores = [data.draw(st.floats(0, 1)) for _ in spans]
    attrs = {"scores": scores} if spans and data.draw(st.booleans()) else {}
    layers = [data.draw(st.none() | st.integers(1, 3)) for _ in spans]
    if any(layers):
        attrs["layers"] = layers
    doc.spans["sc"] = SpanGroup(doc, name="sc", spans=spans, attrs=attrs)
    if len(doc) > 1 and data.draw(st.booleans()):
        doc.spans["sc_unknown"] = SpanGroup(doc, name="sc_unknown", spans=[doc[1:]])
    again, misaligned = to_doc(through_json(to_record(doc, "sc")), NLP, "sc")
    assert facts_of_groups(again) == facts_of_groups(doc)
    assert not misaligned
    # of those of the most characters, one is in doc.ents
    assert most_characters(again.ents) == most_characters(spans)


def most_characters(spans):
    return max((span.end_char - span.start_char for span in spans), default=0)


def facts_of_groups(doc):
    """All but what doc.ents says."""
    text, tokens, _, _, labels, groups = facts(doc)
    return text, [token[:3] for token in tokens], labels, groups


def test_record_of_a_doc():
    doc = NLP.make_doc("Anna Ek lives in Oslo.")
    doc.set_ents(
        [Span(doc, 0, 2, "PER", kb_id="Q1", span_id="T1")],
        missing=[doc[3:5]],
        blocked=[doc[5:6]],
        default="outside",
    )
    register_probability()
    doc.ents[0]._.probability = 0.75
    doc[0].is_sent_start = True
    assert to_record(doc) == TextRecord(
        "Anna Ek lives in Oslo.",
        spans=(SpanRecord(0, 7, "PER", text="Anna Ek", probability=0.75, id="T1", kb_id="Q1"),),
        tokens=(
            TokenRecord(0, 4, True),
            *(TokenRecord(*place) for place in [(5, 7), (8, 13), (14, 16), (17, 21), (21, 22)]),
        ),
        unknown=((14, 21),),
        blocked=((21, 22),),
    )


@pytest.mark.parametrize("key", [None, "sc"])
def test_docs_that_say_nothing(key):
    doc = NLP.make_doc("Anna")
    assert to_record(doc, key).spans is None
    again, _ = to_doc(to_record(doc, key), NLP, key)
    assert not again.has_annotation("ENT_IOB")
    assert not again.spans


def test_blocked_tokens_stay_where_nothing_else_is_known():
    record = TextRecord("a b c", spans=None, blocked=((2, 3),))
    doc, _ = to_doc(record, NLP)
    assert [(token.ent_iob, token.ent_type_) for token in doc] == [(0, ""), (3, ""), (0, "")]
    again = to_record(doc)
    assert (again.spans, again.unknown, again.blocked) == ((), ((0, 1), (4, 5)), ((2, 3),))
    assert to_record(to_doc(again, NLP)[0]) == again


def test_text_without_tokens_is_cut_by_the_tokenizer_and_misaligned_spans_are_reported():
    record = TextRecord(
        "Anna saw Parkinsonism in Oslo",
        spans=(SpanRecord(9, 18, "Disease"), SpanRecord(0, 4, "PER")),
        unknown=((23, 24),),
    )
    doc, [misaligned] = to_doc(record, NLP)
    assert [(ent.text, ent.label_) for ent in doc.ents] == [("Anna", "PER")]
    assert [token.ent_iob for token in doc] == [3, 2, 0, 0, 2]
    assert (misaligned.text, misaligned.starts, misaligned.ends) == ("Parkinson", (9,), (8, 21))


def test_entities_of_a_tokenizers_tokens_don_t_start_or_end_on_white_space():
    record = TextRecord("a \n b", spans=(SpanRecord(0, 3, "X"),))
    doc, misaligned = to_doc(record, NLP)
    assert [token.text for token in doc] == ["a", "\n ", "b"]
    assert not doc.ents
    assert len(misaligned) == 1


def test_status():
    spans = (
        SpanRecord(0, 1, "X", status="accepted"),
        SpanRecord(2, 3, "X", status="rejected"),
        SpanRecord(4, 5, "X", status="ignored"),
        SpanRecord(0, 3, "X", status="rejected"),
    )
    doc, misaligned = to_doc(TextRecord("a b c", spans=spans), NLP)
    assert [token.ent_iob for token in doc] == [3, 2, 0]
    assert not misaligned


def test_white_space_that_tokens_leave_out():
    starts = (TokenRecord(1, 2, True), TokenRecord(3, 4), TokenRecord(6, 7, False))
    record = TextRecord(" a b\n\tc  ", tokens=starts)
    doc, _ = to_doc(record, NLP)
    assert doc.text == record.text
    assert [token.text for token in doc] == [" ", "a", "b", "\n\t", "c", " "]
    assert [token.is_sent_start for token in doc] == [False, True, None, False, False, False]


def test_overlapping_spans_need_a_key():
    record = TextRecord("a b", spans=(SpanRecord(0, 1, "X", id=3), SpanRecord(0, 3, "Y")))
    with pytest.raises(ValueError, match="Y 'a b' at characters 0-3 overlaps another entity"):
        to_doc(record, NLP)
    doc, _ = to_doc(record, NLP, "sc")
    assert [(span.text, span.id_) for span in doc.spans["sc"]] == [("a", "3"), ("a b", "")]
    assert [(ent.text, ent.label_) for ent in doc.ents] == [("a b", "Y")]


@pytest.mark.parametrize(
    ("record", "unknown"),
    [
        (TextRecord("a", unknown=((0, 1),)), ["a"]),
        (TextRecord("a", blocked=((0, 1),)), []),
        (TextRecord("a", spans=None, blocked=((0, 1),)), []),
        (TextRecord("a", spans=(SpanRecord(0, 1, "X", status="ignored"),)), ["a"]),
        # within an entity, where doc.ents can't say it
        (TextRecord("a b", spans=(SpanRecord(0, 3, "X"),), unknown=((2, 3),)), ["b"]),
    ],
)
def test_groups_of_spans_have_what_is_unknown_beside_them(record, unknown):
    doc, _ = to_doc(record, NLP, "sc")
    assert [span.text for span in doc.spans.get("sc_unknown", ())] == unknown
    again = to_record(doc, "sc")
    assert (again.spans is None) == (record.spans is None)
    assert again.blocked == record.blocked
    assert [again.text[start:end] for start, end in again.unknown] == unknown
    assert entity_keys(doc) == ([] if record.spans is None else ["sc"])


def test_somebodys_own_group_is_not_taken_for_what_is_unknown():
    doc = NLP.make_doc("a b")
    doc.spans["sc"] = [Span(doc, 0, 1, "X")]
    doc.spans["sc_unknown"] = [Span(doc, 1, 2, "X")]
    assert to_record(doc, "sc").unknown == ()
    assert entity_keys(doc) == ["sc", "sc_unknown"]


def test_scores_of_other_components():
    doc = NLP.make_doc("a b")
    doc.spans["sc"] = [Span(doc, 1, 2, "X"), Span(doc, 0, 1, "Y")]
    assert [score for _, score in EntitySource("sc").scored(doc)] == [None, None]
    doc.spans["sc"].attrs["scores"] = np.array([0.25, 1.0000001], dtype="float32")
    assert [(s.label_, score) for s, score in EntitySource("sc").scored(doc)] == [
        ("Y", 1.0),
        ("X", 0.25),
    ]
    assert [span.probability for span in span_records(doc, EntitySource("sc"))] == [1.0, 0.25]
    doc.spans["sc"].attrs["scores"] = np.array([3.5, float("nan")])
    assert [score for _, score in EntitySource("sc").scored(doc)] == [None, None]
    doc.spans["sc"].attrs["scores"] = [0.5]
    assert [score for _, score in EntitySource("sc").scored(doc)] == [None, None]
    assert list(EntitySource("other").scored(doc)) == []


@pytest.mark.parametrize("value", [None, "0.5", True, -0.1, float("nan"), [0.5]])
def test_what_is_no_probability(value):
    doc = NLP.make_doc("a")
    doc.ents = [Span(doc, 0, 1, "X")]
    register_probability()
    doc.ents[0]._.probability = value
    assert [span.probability for span in span_records(doc)] == [None]
