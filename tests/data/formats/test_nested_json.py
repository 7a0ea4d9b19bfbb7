"""Sentences with nested mentions, made up in the shape of GENIA's and OneIE's files."""

import json
from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from spacy_ner_plus.data.formats.nested_json import FORMAT, NestedJsonRecords
from spacy_ner_plus.records import RelationRecord, SpanRecord, TextRecord, TokenRecord
from tests.data.formats.test_gliner import held
from tests.data.formats.tool_files import HARD, bare, read_again, sample, written

WORDS = ["Human", "T", "cells", "bind", "c-jun", "."]
MENTIONS = [
    {"start": 0, "end": 3, "entity_type": "cell_type", "text": "Human T cells"},
    {"start": 1, "end": 3, "entity_type": "cell_type", "text": "T cells"},
    {"start": 4, "end": 5, "entity_type": "DNA", "text": "c-jun"},
]
ROW = {"tokens": WORDS, "doc_id": "M:1", "sent_id": "M:1-0", "entity_mentions": MENTIONS}
PLACES = [(0, 5), (6, 7), (8, 13), (14, 18), (19, 24), (25, 26)]


def read(path, *rows):
    path.write_text("\n".join(map(json.dumps, rows)), encoding="utf8")
    source = NestedJsonRecords(path)
    return [record for _, record in source.records()], source


def test_ends_are_exclusive(tmp_path):
    [record], _ = read(tmp_path / "a.jsonlines", ROW)
    assert record == TextRecord(
        "Human T cells bind c-jun .",
        spans=(
            SpanRecord(0, 13, "cell_type", text="Human T cells"),
            SpanRecord(6, 13, "cell_type", text="T cells"),
            SpanRecord(19, 24, "DNA", text="c-jun"),
        ),
        tokens=tuple(TokenRecord(*place, place[0] == 0) for place in PLACES),
        other={"doc_id": "M:1", "sent_id": "M:1-0"},
    )
    assert written(FORMAT, [record], tmp_path) == [ROW]


def test_relations_and_the_text_of_a_sentence(tmp_path):
    mentions = [{**one, "id": f"E{i}", "mention_type": "NAM"} for i, one in enumerate(MENTIONS)]
    arguments = [
        {"entity_id": "E0", "role": "Arg-1"},
        {"entity_id": "E2", "role": "Arg-2"},
    ]
    relation = {"id": "R1", "relation_type": "binds", "arguments": arguments}
    sentence = "Human T cells bind c-jun."
    row = {**ROW, "sentence": sentence, "entity_mentions": mentions}
    row |= {"relation_mentions": [relation], "event_mentions": []}
    [record], source = read(tmp_path / "a.jsonl", row)
    assert record.text == sentence
    assert record.spans[0].other == {"mention_type": "NAM"}
    assert record.relations == (RelationRecord("E0", "E2", "binds", id="R1"),)
    assert source.counts == {}
    [again] = written(FORMAT, [record], tmp_path)
    assert again.items() >= row.items()
    assert read_again(FORMAT, [record], tmp_path) == [record]
    relation["arguments"] = arguments[::-1]
    assert read(tmp_path / "a.jsonl", row)[0] == [record]
    [joined], source = read(tmp_path / "a.jsonl", {**row, "sentence": "Human cells."})
    assert joined.text == "Human T cells bind c-jun ."
    assert source.counts == {
        "sentences that are not made of their tokens, which are joined instead": 1
    }


def test_rows_without_mentions(tmp_path):
    assert read(tmp_path / "a.jsonl", {"tokens": WORDS})[0][0].spans is None
    assert read(tmp_path / "a.jsonl", {**ROW, "entity_mentions": []})[0][0].spans == ()


def test_rejected_spans_are_no_mentions(tmp_path):
    [record], _ = read(tmp_path / "a.jsonl", ROW)
    record = replace(record, spans=(replace(record.spans[0], status="rejected"),))
    written_ = FORMAT.write([record], tmp_path / "b.jsonl")
    assert written_.lost == {"rejected spans": 1}
    assert read(tmp_path / "a.jsonl", *written(FORMAT, [record], tmp_path))[0][0].spans == ()
    with pytest.raises(ValueError, match="not complete, and mentions can't say that"):
        FORMAT.write([replace(record, spans=None)], tmp_path / "b.jsonl")


@pytest.mark.parametrize(
    ("mention", "message"),
    [
        ({"start": 1, "end": 2, "text": "T cells"}, r"\['T'\]; .* fit if ends were inclusive"),
        ({"start": 4, "end": 5, "text": "c-fos"}, r"the text 'c-fos', but .* \['c-jun'\]"),
        ({"start": 5, "end": 7}, r"5-7, is not within the 6 tokens .* ends are exclusive"),
        ({"start": 2, "end": 2}, "2-2, is not within the 6 tokens"),
        ({"start": 2}, "2-None, is not within the 6 tokens"),
    ],
)
def test_mentions_that_do_not_fit_are_refused(mention, message, tmp_path):
    row = {**ROW, "entity_mentions": [{"entity_type": "X", **mention}]}
    with pytest.raises(ValueError, match=rf"line 1: entity_mentions\[0\], .*{message}"):
        read(tmp_path / "a.jsonl", row)


@pytest.mark.parametrize(
    ("row", "message"),
    [
        ({"entity_mentions": []}, "a row must have tokens"),
        ({**ROW, "entity_mentions": 3}, "entity_mentions must be a list"),
        (
            {**ROW, "relation_mentions": [{"arguments": []}]},
            r"relation_mentions\[0\] must have two",
        ),
    ],
)
def test_bad_rows_are_refused(row, message, tmp_path):
    with pytest.raises(ValueError, match=f"line 1: {message}"):
        read(tmp_path / "a.jsonl", row)


def test_files_are_recognised():
    assert FORMAT.recognises(sample(ROW))
    assert not FORMAT.recognises(sample({"tokens": WORDS, "ner_tags": [0]}))


@pytest.mark.parametrize("record", HARD)
def test_hard_texts(record, tmp_path):
    assert [bare(one) for one in read_again(FORMAT, [record], tmp_path)] == [record]


@settings(deadline=None, max_examples=40)
@given(st.lists(held(), max_size=2))
def test_records_are_the_same_again(tmp_path_factory, drawn):
    drawn = [
        replace(
            record,
            spans=tuple(span for span in record.spans or () if span.is_accepted),
            annotated_labels=None,
        )
        for record in drawn
    ]
    path = tmp_path_factory.mktemp("rows")
    assert FORMAT.write(drawn, path / "a.jsonl").lost == {}
    assert list(map(bare, read_again(FORMAT, drawn, path))) == list(map(bare, drawn))
