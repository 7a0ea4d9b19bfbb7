"""Rows of spaCy's Doc.to_json, as spaCy itself writes them."""

import json
from dataclasses import replace

import pytest
import spacy
from hypothesis import given, settings
from hypothesis import strategies as st
from spacy.tokens import Doc, Span

from spacy_ner_plus.data.formats.doc_json import FORMAT, DocJsonRecords
from spacy_ner_plus.records import SpanRecord, TextRecord, TokenRecord
from tests.data.formats.test_gliner import held
from tests.data.formats.tool_files import HARD, read_again, sample, written

NLP = spacy.blank("en")


def read(path, *rows, **options):
    path.write_text("\n".join(map(json.dumps, rows)), encoding="utf8")
    return [record for _, record in DocJsonRecords(path, **options).records()]


def make_doc():
    doc = NLP("Anna bor i Lund. Ja 😀.")
    for token in doc:
        token.is_sent_start = token.i in (0, 5)
    doc.ents = [Span(doc, 0, 1, "PER"), Span(doc, 3, 4, "LOC")]
    doc.spans["sc"] = [Span(doc, 0, 2, "X", kb_id="Q1"), Span(doc, 0, 1, "PER")]
    doc.cats = {"A": 1.0}
    return doc


def test_what_spacy_writes_is_read_and_read_by_spacy_again(tmp_path):
    doc = make_doc()
    row = doc.to_json()
    [record] = read(tmp_path / "a.jsonl", row)
    assert record == TextRecord(
        doc.text,
        spans=(SpanRecord(0, 4, "PER"), SpanRecord(11, 15, "LOC")),
        tokens=tuple(
            TokenRecord(token.idx, token.idx + len(token), token.i in (0, 5)) for token in doc
        ),
        other={"cats": {"A": 1.0}, "doc.spans": row["spans"]},
    )
    [again] = written(FORMAT, [record], tmp_path)
    assert again == row
    assert Doc(NLP.vocab).from_json(again).to_json() == row


def test_groups_of_spans(tmp_path):
    row = make_doc().to_json()
    [record] = read(tmp_path / "a.jsonl", row, spans_key="sc")
    assert record.spans == (SpanRecord(0, 8, "X", kb_id="Q1"), SpanRecord(0, 4, "PER"))
    assert record.other["ents"] == row["ents"]
    [again] = written(FORMAT, [record], tmp_path, spans_key="sc")
    assert again["ents"] == row["ents"]
    assert read(tmp_path / "a.jsonl", again, spans_key="sc") == [record]
    assert read(tmp_path / "a.jsonl", row, spans_key="none")[0].spans is None
    with pytest.raises(ValueError, match=r"X at characters 0-8 overlaps PER at 0-4, .* spans_key"):
        written(FORMAT, [replace(record, other={})], tmp_path)


def test_docs_without_annotation_are_unknown(tmp_path):
    [record] = read(tmp_path / "a.jsonl", NLP("Anna bor.").to_json())
    assert (record.spans, record.tokens[0].sentence_start) == (None, None)
    assert written(FORMAT, [record], tmp_path) == [NLP("Anna bor.").to_json()]


def test_what_docs_can_not_say_is_refused(tmp_path):
    record = TextRecord("Anna bor.", unknown=((0, 4),))
    with pytest.raises(ValueError, match="not complete, and such rows can't say that: characters"):
        written(FORMAT, [record], tmp_path)
    record = TextRecord("Anna bor.", spans=(SpanRecord(0, 4, "X", status="rejected"),))
    assert FORMAT.write([record], tmp_path / "a.jsonl").lost == {"rejected spans": 1}


@pytest.mark.parametrize(
    ("row", "message"),
    [
        (3, "a row must be an object"),
        ({"text": None}, "text must be given"),
        ({"text": "a", "ents": {}}, "ents must be a list"),
        ({"text": "a", "spans": []}, None),
        ({"text": "a", "spans": [1]}, "spans must be an object"),
        ({"text": "a", "ents": [{"start": 0, "end": 9, "label": "X"}]}, r"spans\[0\]: .* within"),
    ],
)
def test_bad_rows_are_refused(row, message, tmp_path):
    if message is None:
        assert read(tmp_path / "a.jsonl", row)[0].other == {}
        return
    with pytest.raises(ValueError, match=f"line 1: {message}"):
        read(tmp_path / "a.jsonl", row)


def test_files_are_recognised():
    row = make_doc().to_json()
    assert FORMAT.recognises(sample(row))
    tokens = [{"id": 0, "start": 0, "end": 1, "text": "a"}]
    assert not FORMAT.recognises(sample({"text": "a", "tokens": tokens, "spans": []}))
    ours = {"text": "a", "tokens": [{"start": 0, "end": 1}], "spans": []}
    assert not FORMAT.recognises(sample(ours))


@pytest.mark.parametrize("record", HARD)
def test_hard_texts(record, tmp_path):
    assert read_again(FORMAT, [record], tmp_path, offsets="characters") == [record]


@settings(deadline=None, max_examples=40)
@given(st.lists(held(), max_size=2))
def test_records_are_the_same_again(tmp_path_factory, drawn):
    key = {"spans_key": "sc"}
    drawn = [
        replace(record, spans=tuple(span for span in record.spans or () if span.is_accepted))
        for record in drawn
    ]
    path = tmp_path_factory.mktemp("rows")
    assert FORMAT.write(drawn, path / "a.jsonl", **key).lost == {}
    assert read_again(FORMAT, drawn, path, key, offsets="characters", **key) == drawn
