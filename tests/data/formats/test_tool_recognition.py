"""No row of a tool is taken for another's, and none of ours for a tool's."""

import json

import pytest
from hypothesis import given, settings

from spacy_ner_plus.data.formats.record_files import FORMATS
from spacy_ner_plus.records import TextRecord
from tests.data.formats.tool_files import sample
from tests.record_strategies import records

TEXT = "Anna bor."
TOKEN = {"start": 0, "end": 9, "id": 0}
ROWS = {
    "prodigy": {"text": TEXT, "spans": [], "tokens": [{**TOKEN, "text": TEXT}], "_task_hash": 1},
    "doccano": {"id": 1, "text": TEXT, "label": [[0, 4, "PER"]], "Comments": []},
    "gliner": {"tokenized_text": ["Anna", "bor"], "ner": []},
    "nested-json": {"tokens": ["Anna", "bor"], "entity_mentions": []},
    "spacy-json": {"id": 0, "paragraphs": []},
    "doc-json": {"text": TEXT, "ents": [], "tokens": [TOKEN]},
    "jsonl": {"text": TEXT, "spans": [{"start": 0, "end": 4, "label": "PER"}]},
}


def first_of(row):
    found = sample(row)
    return next(name for name, one in FORMATS.items() if one.recognises(found))


@pytest.mark.parametrize("name", ROWS)
def test_rows_are_recognised(name):
    assert first_of(ROWS[name]) == name


@pytest.mark.parametrize("key", ["answer", "_input_hash", "_task_hash", "_view_id", "Comments"])
def test_our_rows_with_keys_of_tools_are_ours(key, tmp_path):
    record = TextRecord(TEXT, other={key: [], "label": []})
    FORMATS["jsonl"].write([record], tmp_path / "a.jsonl")
    row = json.loads((tmp_path / "a.jsonl").read_text(encoding="utf8"))
    assert first_of(row) == "jsonl"
    assert [one for _, one in FORMATS["jsonl"].source(tmp_path / "a.jsonl").records()] == [record]


@settings(deadline=None, max_examples=30)
@given(records())
def test_our_rows_are_ours(tmp_path_factory, record):
    path = tmp_path_factory.mktemp("rows") / "a.jsonl"
    FORMATS["jsonl"].write([record], path)
    assert first_of(json.loads(path.read_text(encoding="utf8"))) == "jsonl"
