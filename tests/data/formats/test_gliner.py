"""GLiNER's training data, made up in its shape."""

import json
from dataclasses import replace

import pytest
import spacy
from hypothesis import given, settings
from hypothesis import strategies as st

from spacy_ner_plus.data.formats.gliner import FORMAT, GlinerRecords
from spacy_ner_plus.records import RelationRecord, SpanRecord, TextRecord, TokenRecord
from tests.data.formats.tool_files import HARD, read_again, sample, written
from tests.record_strategies import records

WORDS = ["Anna", "Berg", "bor", "i", "Lund"]
ROW = {"tokenized_text": WORDS, "ner": [[0, 1, "person"], [4, 4, "place"]]}
SPANS = (SpanRecord(0, 9, "person"), SpanRecord(16, 20, "place"))
PLACES = [(0, 4), (5, 9), (10, 13), (14, 15), (16, 20)]
TOKENS = tuple(TokenRecord(*place) for place in PLACES)
RECORD = TextRecord("Anna Berg bor i Lund", spans=SPANS, tokens=TOKENS)


def read(path, *rows, content=None):
    path.write_text(content or "\n".join(map(json.dumps, rows)), encoding="utf8")
    source = GlinerRecords(path)
    return [record for _, record in source.records()], source


def test_ends_are_inclusive(tmp_path):
    assert read(tmp_path / "a.json", ROW, ROW)[0] == [RECORD, RECORD]
    assert read(tmp_path / "a.json", content=json.dumps([ROW, ROW]))[0] == [RECORD, RECORD]
    assert written(FORMAT, [RECORD], tmp_path) == [ROW]
    assert (tmp_path / "written.jsonl").read_text(encoding="utf8")[0] == "["
    assert written(FORMAT, [RECORD, RECORD], tmp_path, container="lines") == [ROW, ROW]
    assert written(FORMAT, [], tmp_path) == []


def test_relations_count_entities(tmp_path):
    row = {**ROW, "relations": [[0, 1, "lives in"]], "rel_labels": ["lives in", "born in"]}
    [record], _ = read(tmp_path / "a.json", row)
    assert record.relations == (RelationRecord(0, 1, "lives in"),)
    [again] = written(FORMAT, [record], tmp_path)
    assert again.items() >= row.items()
    assert read_again(FORMAT, [record], tmp_path) == [record]


def test_labels_of_a_row_are_what_it_is_annotated_for(tmp_path):
    record = replace(RECORD, annotated_labels=("person", "place"))
    [row] = written(FORMAT, [record], tmp_path)
    assert row["ner_labels"] == ["person", "place"]
    assert read_again(FORMAT, [record], tmp_path) == [record]
    row = {**ROW, "ner_labels": ["person"], "ner_negatives": ["date"]}
    [record], _ = read(tmp_path / "a.json", row)
    assert record.other == {"ner_labels": ["person"], "ner_negatives": ["date"]}


def test_details_are_kept_unless_entities_were_changed(tmp_path):
    spans = (replace(SPANS[0], kb_id="Q1", probability=0.5), SPANS[1])
    spans += (SpanRecord(0, 4, "place", status="rejected"),)
    record = replace(RECORD, spans=spans, id="a", other={"x": 1})
    [row] = written(FORMAT, [record], tmp_path)
    assert row["ner"] == ROW["ner"]
    assert read(tmp_path / "a.json", row)[0] == [record]
    [changed], source = read(tmp_path / "a.json", {**row, "ner": ROW["ner"][:1]})
    assert changed.spans == SPANS[:1]
    assert source.counts["details of changed entities passed over"] == 1


def test_texts_that_are_not_joined_tokens_are_kept(tmp_path):
    tokens = (TokenRecord(0, 4, True), TokenRecord(5, 6), TokenRecord(7, 10), TokenRecord(10, 11))
    record = TextRecord("Anna   bor.", tokens=tokens, spans=(SpanRecord(7, 11, "X"),))
    [row] = written(FORMAT, [record], tmp_path)
    assert row["text"] == record.text
    assert row["token_starts"] == [0, 5, 7, 10]
    assert read_again(FORMAT, [record], tmp_path) == [record]


def test_texts_without_tokens_need_a_tokenizer(tmp_path):
    record = replace(RECORD, tokens=None)
    with pytest.raises(ValueError, match=r"Record 1, 'Anna Berg.*: it has no tokens, .* give nlp"):
        written(FORMAT, [record], tmp_path)
    assert written(FORMAT, [record], tmp_path, nlp=spacy.blank("en")) == [ROW]


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"spans": None}, "not complete, .*: nothing is known about its entities"),
        ({"unknown": ((0, 4),)}, "characters 0-4 are unknown"),
        ({"spans": (SpanRecord(0, 4, "X", status="ignored"),)}, "X at characters 0-4 is ignored"),
        ({"spans": (SpanRecord(0, 3, "X"),)}, "X at characters 0-3 is not on token boundaries"),
    ],
)
def test_records_that_gliner_would_read_as_something_else_are_refused(changes, message, tmp_path):
    with pytest.raises(ValueError, match=f"Record 1, 'Anna Berg bor i Lund': .*{message}"):
        written(FORMAT, [replace(RECORD, **changes)], tmp_path)


@pytest.mark.parametrize(
    ("row", "message"),
    [
        ({"ner": []}, "a row must have tokenized_text, got {'ner'"),
        ({"tokenized_text": "a"}, "tokenized_text must be a list of strings, got a"),
        ({"tokenized_text": ["a", ""]}, r"tokenized_text\[1\] is empty"),
        (
            {"tokenized_text": ["a"], "ner": [[0, 1, "X"]]},
            r"ner\[0\], .* within the 1 tokens .* in",
        ),
        ({"tokenized_text": ["a"], "ner": [[0, "X"]]}, r"ner\[0\] must be \[first, last, label\]"),
        ({**ROW, "relations": [[0, 2, "X"]]}, r"relations\[0\] must be .* the 2 elements of ner"),
        ({**ROW, "text": "Anna B."}, "token 1, 'Berg', is not in the text at character 5: 'B.'"),
        ({**ROW, "text": f"{RECORD.text} nu"}, "no token holds 'nu' at the end of the text"),
    ],
)
def test_bad_rows_are_refused(row, message, tmp_path):
    with pytest.raises(ValueError, match=f"line 1: {message}"):
        read(tmp_path / "a.json", row)


def test_units_of_offsets_say_nothing(tmp_path):
    with pytest.raises(ValueError, match="has tokens instead of offsets: leave 'utf16' out"):
        GlinerRecords(tmp_path, offsets="utf16")


def test_files_are_recognised():
    assert FORMAT.recognises(sample(ROW))
    assert not FORMAT.recognises(sample({"tokens": WORDS}))


@pytest.mark.parametrize("record", HARD)
def test_hard_texts(record, tmp_path):
    assert read_again(FORMAT, [record], tmp_path) == [record]


@st.composite
def held(draw):
    """Records with entities on tokens, all known."""
    record = draw(records())
    tokens = tuple(replace(token, other={}) for token in record.tokens or ())
    if record.tokens is None:
        tokens = (TokenRecord(0, len(record.text), True),) if record.text else ()
    starts, ends = ({getattr(one, side) for one in tokens} for side in ("start", "end"))
    spans = tuple(
        replace(span, status="rejected" if span.status == "ignored" else span.status)
        for span in record.spans or ()
        if span.start in starts and span.end in ends
    )
    return replace(record, spans=spans, tokens=tokens, unknown=(), relations=())


@settings(deadline=None, max_examples=40)
@given(st.lists(held(), max_size=2))
def test_records_are_the_same_again(tmp_path_factory, drawn):
    path = tmp_path_factory.mktemp("rows")
    assert FORMAT.write(drawn, path / "a.json").lost == {}
    assert read_again(FORMAT, drawn, path) == drawn
