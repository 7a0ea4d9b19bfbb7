"""The records of requests and answers, for their description in OpenAPI."""

from typing import Annotated, Any

from pydantic import PlainValidator, WithJsonSchema

from ...records import TextRecord

_STRETCHES: dict[str, Any] = {
    "type": "array",
    "items": {"type": "array", "items": {"type": "integer"}, "minItems": 2, "maxItems": 2},
}
SPAN: dict[str, Any] = {
    "type": "object",
    "required": ["start", "end", "label"],
    "properties": {
        "start": {"type": "integer", "minimum": 0, "description": "First character, from 0"},
        "end": {"type": "integer", "minimum": 1, "description": "Behind the last character"},
        "label": {"type": "string", "minLength": 1},
        "text": {"type": "string"},
        "probability": {"type": "number", "minimum": 0, "maximum": 1},
        "id": {"anyOf": [{"type": "string"}, {"type": "integer"}]},
        "kb_id": {"type": "string"},
    },
}
RECORD: dict[str, Any] = {
    "type": "object",
    "title": "Record",
    "description": "A text, with what is known about it: docs/records.md. Offsets count characters "
    "(code points). Other keys are kept.",
    "required": ["text"],
    "properties": {
        "id": {"description": "What you know the text by; any JSON value"},
        "text": {"type": "string"},
        "meta": {"type": "object"},
        "spans": {
            "type": "array",
            "items": SPAN,
            "description": "In requests, entities that stay as they are; in answers, those found",
        },
        "tokens": {
            "type": "array",
            "description": "Tokens to use in place of the pipeline's own",
            "items": {
                "type": "object",
                "required": ["start", "end"],
                "properties": {"start": {"type": "integer"}, "end": {"type": "integer"}},
            },
        },
        "blocked": {**_STRETCHES, "description": "Stretches on which no entity may be"},
    },
}

RecordIn = Annotated[TextRecord, PlainValidator(TextRecord.from_json), WithJsonSchema(RECORD)]
"""A record, checked as records are everywhere."""
RecordOut = Annotated[dict[str, Any], WithJsonSchema(RECORD)]
