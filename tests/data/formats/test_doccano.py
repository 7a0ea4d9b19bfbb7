"""doccano's rows. All are made up, in the shapes of its exports."""

import json
from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from spacy_ner_plus.data.formats.doccano import FORMAT, DoccanoRecords
from spacy_ner_plus.records import RelationRecord, SpanRecord, TextRecord
from tests.data.formats.tool_files import HARD, read_again, sample, written
from tests.record_strategies import records

TEXT = "Anna bor i Lund."
SPANS = (SpanRecord(0, 4, "PER"), SpanRecord(11, 15, "LOC"))
TRIPLES = [[0, 4, "PER"], [11, 15, "LOC"]]
ENTITIES = [
    {"id": 7, "label": "PER", "start_offset": 0, "end_offset": 4},
    {"id": 8, "label": "LOC", "start_offset": 11, "end_offset": 15},
]
RELATIONS = [{"id": 1, "from_id": 7, "to_id": 8, "type": "lives in"}]


def read(path, *rows, **options):
    path.write_text("\n".join(map(json.dumps, rows)), encoding="utf8")
    source = DoccanoRecords(path, **options)
    return [record for _, record in source.records()], source


@pytest.mark.parametrize("key", ["label", "labels"])
def test_labels(key, tmp_path):
    row = {"id": 3, "text": TEXT, key: TRIPLES, "Comments": [], "source": "x"}
    [record], _ = read(tmp_path / "a.jsonl", row)
    other = {"Comments": [], "source": "x"}
    assert record == TextRecord(TEXT, id=3, spans=SPANS, other=other)
    [again] = written(FORMAT, [record], tmp_path)
    assert again == {"id": 3, "text": TEXT, "label": TRIPLES, **other}


@pytest.mark.parametrize("key", ["entities", "annotations"])
def test_entities_and_relations(key, tmp_path):
    row = {"id": 3, "text": TEXT, key: ENTITIES, "relations": RELATIONS, "Comments": ["ok"]}
    [record], _ = read(tmp_path / "a.jsonl", row)
    assert record.spans == (replace(SPANS[0], id=7), replace(SPANS[1], id=8))
    assert record.relations == (RelationRecord(7, 8, "lives in", id=1),)
    [again] = written(FORMAT, [record], tmp_path)
    assert again == {"entities" if one == key else one: value for one, value in row.items()}
    assert list(again) == ["text", "entities", "relations", "id", "Comments"]


def test_a_file_is_of_one_form(tmp_path):
    spans = tuple(replace(span, id=i) for i, span in enumerate(SPANS))
    plain = TextRecord(TEXT, spans=SPANS)
    related = TextRecord(TEXT, spans=spans, relations=(RelationRecord(0, 1, "X"),))
    assert all("label" in row for row in written(FORMAT, [plain, plain], tmp_path))
    assert all("entities" in row for row in written(FORMAT, [plain, related], tmp_path))
    lost = FORMAT.write([plain, related], tmp_path / "a.jsonl", form="labels").lost
    assert lost == {"relations": 1, "id of spans": 2}
    with pytest.raises(ValueError, match="form 'x' must be one of labels, relations"):
        FORMAT.write([], tmp_path / "a.jsonl", form="x")


def test_fields_of_other_names(tmp_path):
    row = {"column_data": TEXT, "column_label": TRIPLES}
    fields = {"text_field": "column_data", "label_field": "column_label"}
    [record], _ = read(tmp_path / "a.jsonl", row, **fields)
    assert record == TextRecord(TEXT, spans=SPANS)
    assert written(FORMAT, [record], tmp_path, **fields) == [row]
    with pytest.raises(ValueError, match=r"line 1: .* got column_data, .*: give text_field"):
        read(tmp_path / "a.jsonl", row)


def test_ids_are_numbers_in_doccano(tmp_path):
    spans = (replace(SPANS[0], id="T1"), replace(SPANS[1], id=0))
    record = TextRecord(TEXT, spans=spans, relations=(RelationRecord("T1", 0, "X", id="R1"),))
    [row] = written(FORMAT, [record], tmp_path)
    assert [one["id"] for one in row["entities"]] == [1, 0]
    assert row["relations"] == [{"from_id": 1, "to_id": 0, "type": "X", "source_id": "R1"}]
    assert read_again(FORMAT, [record], tmp_path) == [record]


def test_what_is_no_entity_is_not_shown_as_one(tmp_path):
    spans = (
        SPANS[0],
        replace(SPANS[1], status="rejected"),
        SpanRecord(5, 8, "X", status="ignored"),
    )
    record = TextRecord(TEXT, spans=spans)
    assert written(FORMAT, [record], tmp_path) == [
        {"text": TEXT, "label": [[0, 4, "PER"]], "unknown": [[5, 8]]}
    ]
    lost = FORMAT.write([record], tmp_path / "a.jsonl").lost
    assert lost == {"rejected spans": 1, "ignored spans": 1}


@pytest.mark.parametrize(
    ("row", "spans"),
    [
        ({"text": TEXT}, None),
        ({"text": TEXT, "label": ["greeting"]}, None),
        ({"text": TEXT, "label": []}, ()),
        ({"text": TEXT, "label": [], "entities": ENTITIES[:1]}, (replace(SPANS[0], id=7),)),
        ({"data": TEXT, "label": TRIPLES}, SPANS),
    ],
)
def test_nothing_known_and_no_entities_are_told_apart(row, spans, tmp_path):
    [record], source = read(tmp_path / "a.jsonl", row)
    assert (record.text, record.spans) == (TEXT, spans)
    assert source.counts["rows without labels, taken for unknown"] == (spans is None)


@pytest.mark.parametrize(
    ("row", "message"),
    [
        (3, "line 1: a row must be an object, got 3"),
        ({"text": 3}, "line 1: text must be a string"),
        ({"text": TEXT, "label": [[0, 4]]}, r"line 1: label\[0\] must be \[start, end, label\]"),
        ({"text": TEXT, "entities": [3]}, r"line 1: entities\[0\] must be an object"),
        ({"text": TEXT, "entities": 3}, "line 1: a row|entities must be a list"),
        ({"text": TEXT, "label": TRIPLES, "entities": ENTITIES}, "under 'label' and 'entities'"),
        (
            {"text": TEXT, "annotations": [{"label": 2, "start_offset": 0, "end_offset": 4}]},
            r"annotations\[0\]: its label is the number 2, as doccano exported them before 1.0",
        ),
    ],
)
def test_bad_rows_are_refused(row, message, tmp_path):
    with pytest.raises(ValueError, match=message):
        read(tmp_path / "a.jsonl", row)


def test_labels_of_texts_and_of_entities_are_not_mixed_up(tmp_path):
    rows = [{"text": TEXT, "label": label} for label in ([], ["greeting"])]
    with pytest.raises(ValueError, match="line 1: 'label' is a list of entities, perhaps an empty"):
        read(tmp_path / "a.jsonl", *rows)


def test_offsets_in_utf16(tmp_path):
    record = TextRecord("😀 Anna", spans=(SpanRecord(2, 6, "PER"),))
    [row] = written(FORMAT, [record], tmp_path, offsets="utf16")
    assert row["label"] == [[3, 7, "PER"]]
    assert read_again(FORMAT, [record], tmp_path, {"offsets": "utf16"}, offsets="utf16") == [record]


@pytest.mark.parametrize(
    ("row", "is_doccano"),
    [
        ({"text": TEXT, "label": TRIPLES}, True),
        ({"text": TEXT, "label": [], "Comments": []}, True),
        ({"text": TEXT, "entities": ENTITIES, "relations": []}, True),
        ({"text": TEXT, "label": []}, False),
        ({"text": TEXT, "label": "x"}, False),
        ({"text": TEXT, "entities": TRIPLES}, False),
        ([TEXT, {"entities": []}], False),
    ],
)
def test_files_are_recognised(row, is_doccano):
    assert FORMAT.recognises(sample(row)) is is_doccano


@pytest.mark.parametrize("record", HARD)
def test_hard_texts(record, tmp_path):
    assert read_again(FORMAT, [record], tmp_path, offsets="characters") == [record]


@settings(deadline=None, max_examples=40)
@given(st.lists(records(), max_size=2))
def test_records_are_the_same_again(tmp_path_factory, drawn):
    """Without what doccano would show as entities that are none."""
    kept = [
        replace(record, spans=record.spans and tuple(s for s in record.spans if s.is_accepted))
        if not record.relations
        else record
        for record in drawn
    ]
    kept = [r for r in kept if all(span.is_accepted for span in r.spans or ())]
    path = tmp_path_factory.mktemp("rows")
    form = {"form": "relations"}
    assert FORMAT.write(kept, path / "a.jsonl", **form).lost == {}
    assert read_again(FORMAT, kept, path, form, offsets="characters") == kept
