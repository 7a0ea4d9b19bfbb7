"""What is said of records in docs/record.schema.json."""

import json
from pathlib import Path
from typing import Any

import jsonschema

from spacy_ner_plus.records import TextRecord

DOCS = Path(__file__).parents[1] / "docs"
SCHEMA = json.loads((DOCS / "record.schema.json").read_text(encoding="utf8"))
VALIDATOR = jsonschema.Draft202012Validator(SCHEMA)


def read_row(row: dict[str, Any]) -> TextRecord:
    """The record that a row is, which must fit the schema and be nothing more."""
    VALIDATOR.validate(row)
    record = TextRecord.from_json(row)
    assert record.to_json() == row
    return record
