"""Rows as people write them, and our own."""

import json
from dataclasses import replace

import pytest
from hypothesis import given, settings

from spacy_ner_plus.data.formats.json_lines import JsonLinesRecords, read_row, write_json_lines
from spacy_ner_plus.records import RelationRecord, SpanRecord, TextRecord
from tests.record_strategies import records

TEXT = "Anna bor i Lund."
ANNA, LUND = SpanRecord(0, 4, "PER"), SpanRecord(11, 15, "LOC")
TRIPLES = [[0, 4, "PER"], [11, 15, "LOC"]]
OBJECTS = [{"start": 0, "end": 4, "label": "PER"}, {"start": 11, "end": 15, "label": "LOC"}]


def write(path, *rows):
    lines = [row if isinstance(row, str) else json.dumps(row) for row in rows]
    path.write_text("\n".join(lines), encoding="utf8")
    return path


@pytest.mark.parametrize("key", ["spans", "entities", "label", "labels"])
@pytest.mark.parametrize("spans", [TRIPLES, OBJECTS, [TRIPLES[0], OBJECTS[1]]])
def test_entities_are_read_wherever_they_are(key, spans):
    row = {"id": 3, "text": TEXT, key: spans, "source": "x"}
    record, form = read_row(row)
    assert record == TextRecord(TEXT, id=3, spans=(ANNA, LUND), other={"source": "x"})
    expected = f"rows with '{key}'"
    assert form == (expected if spans == OBJECTS else f"{expected} as [start, end, label]")
    assert row[key] == spans


def test_rows_of_spacy_2_are_read():
    record, form = read_row([TEXT, {"entities": TRIPLES, "cats": {"A": 1}}])
    assert record == TextRecord(TEXT, spans=(ANNA, LUND), other={"cats": {"A": 1}})
    assert form == "rows with 'entities' as [start, end, label]"


def test_rows_of_doccano_are_read():
    row = {
        "text": TEXT,
        "entities": [
            {"id": 7, "start_offset": 0, "end_offset": 4, "label": "PER"},
            {"id": 8, "start_offset": 11, "end_offset": 15, "label": "LOC"},
        ],
        "relations": [{"id": 0, "from_id": 7, "to_id": 8, "type": "lives in"}],
    }
    record, _ = read_row(row)
    assert record.spans == (replace(ANNA, id=7), replace(LUND, id=8))
    assert record.relations == (RelationRecord(7, 8, "lives in", id=0),)


def test_rows_that_prodigy_rejected_or_ignored_say_nothing(tmp_path):
    row = {"text": TEXT, "spans": OBJECTS, "answer": "accept"}
    assert read_row(row)[0].spans == (ANNA, LUND)
    for answer in ("reject", "ignore"):
        record, form = read_row({**row, "answer": answer})
        assert (record.spans, record.other) == (None, {"answer": answer})
        assert form == f"rows with answer '{answer}', taken for unknown"
    record = TextRecord(TEXT, spans=(ANNA,), other={"answer": "reject"})
    write_json_lines([record], tmp_path / "a.jsonl")
    assert [one for _, one in JsonLinesRecords(tmp_path / "a.jsonl").records()] == [record]


def test_all_bad_rows_are_listed(tmp_path):
    path = tmp_path / "a.jsonl"
    path.write_text('{"text": "a"}\n{"text": 1}\n{\n{"text": "b"}\n' + "[]\n" * 10, "utf8")
    with pytest.raises(ValueError, match=r"^12 rows can't be read") as error:
        list(JsonLinesRecords(path).records())
    _, *lines = str(error.value).splitlines()
    assert "line 2: text must be a string" in lines[0]
    assert "line 3: invalid JSON" in lines[1]
    assert (len(lines), lines[-1]) == (11, "  and 2 more")


def test_rows_that_predict_wrote_in_0_4_are_read():
    entity = {"text": "Anna", "label": "PER", "start": 0, "end": 4, "probability": None}
    row = {"id": 1, "row": 1, "text": TEXT, "entities": [entity], "fields": {"a": 1}}
    record, _ = read_row(row)
    span = SpanRecord(0, 4, "PER", text="Anna")
    assert record == TextRecord(TEXT, id=1, spans=(span,), other={"row": 1, "fields": {"a": 1}})


@pytest.mark.parametrize(
    ("row", "spans"),
    [
        ({"text": TEXT}, None),
        ({"text": TEXT, "spans": None, "label": None}, None),
        ({"text": TEXT, "label": "greeting"}, None),
        ({"text": TEXT, "labels": ["a", "b"]}, None),
        ({"text": TEXT, "labels": []}, ()),
        ({"text": TEXT, "entities": []}, ()),
        ({"text": TEXT, "spans": None, "entities": []}, ()),
        ({"text": TEXT, "spans": [], "label": "greeting"}, ()),
        ({"text": TEXT, "schema_version": 1, "labels": []}, None),
        ({"text": TEXT, "schema_version": 1, "spans": [], "labels": [[0, 4, "X"]]}, ()),
    ],
)
def test_nothing_known_and_no_entities_are_told_apart(row, spans):
    assert read_row(row)[0].spans == spans


@pytest.mark.parametrize(
    ("row", "message"),
    [
        (3, "^a row is an object, or a list of a text and an object, got 3"),
        (["a", "b"], "^a row is an object"),
        ([TEXT, {"text": "b"}], "^a row is an object"),
        ({"sentence": TEXT}, "^text must be given, got {'sentence'"),
        ({"text": TEXT, "entities": "Anna"}, "^entities must be a list, got Anna"),
        ({"text": TEXT, "spans": {"start": 0}}, "^spans must be a list, got {'start': 0}"),
        ({"text": TEXT, "spans": ["Anna"]}, r"^spans\[0\]: it must be an object, got 'Anna'"),
        ({"text": TEXT, "label": [[0, 4]]}, r"^label\[0\] must be \[start, end, label\], got \[0,"),
        ({"text": TEXT, "labels": [["X", 0, 4]]}, r"^labels\[0\]: start must be an integer"),
        ({"text": TEXT, "entities": [[0, 40, "X"]]}, r"^entities\[0\]: .* not within the text"),
        (
            {"text": TEXT, "entities": TRIPLES, "labels": []},
            "^it has entities under 'entities' and 'labels': leave one",
        ),
        (
            {"text": TEXT, "entities": TRIPLES, "spans": OBJECTS},
            """'spans' and 'entities': .* say with "schema_version": 1 that 'spans' is meant""",
        ),
    ],
)
def test_bad_rows_are_refused(row, message):
    with pytest.raises(ValueError, match=message):
        read_row(row)


def test_files_have_places_and_counts(tmp_path):
    path = write(
        tmp_path / "a.jsonl",
        {"text": TEXT, "entities": TRIPLES},
        "",
        [TEXT, {"entities": []}],
        {"text": TEXT, "spans": OBJECTS},
        {"text": TEXT},
    )
    source = JsonLinesRecords(path)
    places = [where for where, _ in source.records()]
    assert places == [f"{path}, line {n}" for n in (1, 3, 4, 5)]
    assert source.counts == {
        "rows with 'entities' as [start, end, label]": 1,
        "rows with 'entities'": 1,
        "rows with 'spans'": 1,
        "rows without annotation": 1,
    }


@pytest.mark.parametrize("rows", [([], ["a"]), ("a", []), ([[0, 4, "X"]], "a")])
def test_labels_of_texts_and_of_entities_are_not_mixed_up(rows, tmp_path):
    path = write(tmp_path / "a.jsonl", *({"text": TEXT, "label": label} for label in rows))
    of_spans = 1 + (rows[0] == "a")
    message = rf"line {of_spans}: 'label' is a list of .*, line {3 - of_spans} it says something"
    with pytest.raises(ValueError, match=message):
        list(JsonLinesRecords(path).records())
    write(path, *([TEXT, {"label": label}] for label in rows))
    with pytest.raises(ValueError, match=message):
        list(JsonLinesRecords(path).records())
    path = write(path, *({"text": TEXT, "label": label, "schema_version": 1} for label in rows))
    assert {record.spans for _, record in JsonLinesRecords(path).records()} == {None}


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ("{", "line 2: invalid JSON: Expecting"),
        ('{"text": NaN}', "line 2: invalid JSON: NaN is not JSON"),
        ('{"text": "\\ud800"}', r"line 2: text: '\\ud800' is half a character"),
        ("[1]", "line 2: a row is an object"),
    ],
)
def test_errors_name_file_and_line(line, message, tmp_path):
    path = write(tmp_path / "a.jsonl", {"text": TEXT}, line)
    with pytest.raises(ValueError, match=rf"a\.jsonl, {message}"):
        list(JsonLinesRecords(path).records())


@settings(deadline=None)
@given(records())
def test_a_record_is_the_same_again(tmp_path_factory, record):
    path = tmp_path_factory.mktemp("rows") / "a.jsonl"
    keys = TextRecord("a", spans=None, other={"labels": [], "entities": [[0, 1, "X"]]})
    assert write_json_lines([record, keys], path).n_records == 2
    assert [read for _, read in JsonLinesRecords(path).records()] == [record, keys]


def test_other_keys_are_asked_for(tmp_path):
    path = tmp_path / "a.jsonl"
    path.write_text('{"body": "Anna"}\n', encoding="utf8")
    with pytest.raises(ValueError, match=r"line 1: text must be given.*--text-field KEY"):
        list(JsonLinesRecords(path).records())
