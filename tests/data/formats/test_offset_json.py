"""Rows with character offsets in the shapes that people write."""

import json
from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from spacy_ner_plus.data.formats.offset_json import FORMAT, OffsetRecords
from spacy_ner_plus.records import RelationRecord, SpanRecord, TextRecord
from tests.data.formats.tool_files import HARD, read_again, sample, written
from tests.record_strategies import records

TEXT = "Anna bor i Lund."
SPANS = (SpanRecord(0, 4, "PER"), SpanRecord(11, 15, "LOC"))
TRIPLES = [[0, 4, "PER"], [11, 15, "LOC"]]
OBJECTS = [{"start": 0, "end": 4, "label": "PER"}, {"start": 11, "end": 15, "label": "LOC"}]
RECORD = TextRecord(TEXT, id=3, spans=SPANS, other={"source": "x"})


def read(path, content):
    path.write_text(content, encoding="utf8")
    source = OffsetRecords(path)
    return [record for _, record in source.records()], source


@pytest.mark.parametrize("key", ["entities", "spans", "label", "labels"])
@pytest.mark.parametrize("shape", ["triples", "objects", "pairs"])
@pytest.mark.parametrize("container", ["lines", "list"])
def test_every_shape_is_written_and_read(key, shape, container, tmp_path):
    options = {"shape": shape, "key": key, "container": container}
    rows = written(FORMAT, [RECORD, RECORD], tmp_path, **options)
    row = {"id": 3, key: OBJECTS if shape == "objects" else TRIPLES, "source": "x"}
    assert rows[0] == ([TEXT, row] if shape == "pairs" else {"text": TEXT, **row})
    content = (tmp_path / "written.jsonl").read_text(encoding="utf8")
    found, source = read(tmp_path / "a.json", content)
    assert found == [RECORD, RECORD]
    form = f"rows with '{key}'" + " as [start, end, label]" * (shape != "objects")
    assert source.counts == {form: 2}


def test_nothing_known_is_not_nothing_there(tmp_path):
    records = [TextRecord(TEXT, spans=None), TextRecord(TEXT)]
    assert written(FORMAT, records, tmp_path) == [{"text": TEXT}, {"text": TEXT, "entities": []}]
    assert read_again(FORMAT, records, tmp_path) == records


def test_what_other_programs_would_misread_is_left_out_or_refused(tmp_path):
    spans = (replace(SPANS[0], id="a", kb_id="Q1"), replace(SPANS[1], status="rejected"))
    record = TextRecord(TEXT, spans=spans, other={"labels": [], "answer": "reject"})
    lost = FORMAT.write([record], tmp_path / "a.jsonl").lost
    assert lost == {
        "id of spans": 1, "kb_id of spans": 1, "rejected spans": 1, "labels": 1, "answer": 1
    }  # fmt: skip
    assert read(tmp_path / "b.jsonl", (tmp_path / "a.jsonl").read_text())[0][0].spans == SPANS[:1]
    with pytest.raises(ValueError, match=r"not complete, .* characters 0-4 are unknown"):
        FORMAT.write([replace(record, unknown=((0, 4),))], tmp_path / "a.jsonl")
    related = replace(RECORD, spans=(replace(SPANS[0], id=1), replace(SPANS[1], id=2)))
    related = replace(related, relations=(RelationRecord(1, 2, "X"),))
    assert FORMAT.write([related], tmp_path / "a.jsonl").lost == {"relations": 1, "id of spans": 2}
    assert FORMAT.write([related], tmp_path / "a.jsonl", shape="objects").lost == {}


@pytest.mark.parametrize("options", [{"shape": "x"}, {"key": "x"}, {"container": "x"}])
def test_bad_options_are_refused(options, tmp_path):
    with pytest.raises(ValueError, match="'x' must be"):
        FORMAT.write([], tmp_path / "a.jsonl", **options)


@pytest.mark.parametrize(
    ("value", "message"),
    [
        ({"text": 3}, "text must be a string"),
        ({"text": TEXT, "entities": 3}, "entities must be a list"),
        (3, "a row is an object"),
        ([TEXT, {"entities": [[0, 4]]}], r"entities\[0\] must be \[start, end, label\]"),
    ],
)
def test_bad_rows_are_refused(value, message, tmp_path):
    with pytest.raises(ValueError, match=rf"a\.json, line 1: {message}"):
        read(tmp_path / "a.json", json.dumps(value))


def test_labels_of_texts_and_of_entities_are_not_mixed_up(tmp_path):
    rows = [{"text": TEXT, "label": label} for label in ([], "greeting")]
    with pytest.raises(ValueError, match="line 1: 'label' is a list of entities"):
        read(tmp_path / "a.json", "\n".join(map(json.dumps, rows)))


def test_offsets_in_utf16(tmp_path):
    record = TextRecord("😀 Anna", spans=(SpanRecord(2, 6, "PER"),))
    [row] = written(FORMAT, [record], tmp_path, offsets="utf16")
    assert row["entities"] == [[3, 7, "PER"]]
    assert read_again(FORMAT, [record], tmp_path, {"offsets": "utf16"}, offsets="utf16") == [record]


@pytest.mark.parametrize(
    ("line", "value", "is_it"),
    [
        (json.dumps([TEXT, {"entities": TRIPLES}]), [TEXT, {"entities": TRIPLES}], True),
        (json.dumps([[TEXT, {"entities": TRIPLES}]]), [TEXT, {"entities": TRIPLES}], True),
        ("[", {"text": TEXT, "entities": TRIPLES}, True),
        (json.dumps({"text": TEXT}), {"text": TEXT}, False),
        ("[", {"id": 1}, False),
        ("a\tO", None, False),
    ],
)
def test_what_has_a_unit_of_offsets_is_recognised(line, value, is_it):
    found = replace(sample(None), lines=(line,), value=value)
    assert FORMAT.recognises(found) is is_it


@pytest.mark.parametrize("record", HARD)
def test_hard_texts(record, tmp_path):
    assert read_again(FORMAT, [record], tmp_path, offsets="characters") == [record]


@settings(deadline=None, max_examples=40)
@given(st.lists(records(), max_size=2), st.sampled_from(["entities", "spans"]))
def test_records_are_the_same_again(tmp_path_factory, drawn, key):
    drawn = [
        replace(record, unknown=(), annotated_labels=None)
        for record in drawn
        if all(span.is_accepted for span in record.spans or ())
    ]
    path = tmp_path_factory.mktemp("rows")
    options = {"shape": "objects", "key": key}
    assert FORMAT.write(drawn, path / "a.jsonl", **options).lost == {}
    assert read_again(FORMAT, drawn, path, options, offsets="characters") == drawn
