"""Rows of errors.jsonl: what they hold, and that their offsets are right."""

import json
from collections.abc import Iterable
from dataclasses import replace
from typing import Any

import pytest

from spacy_ner_plus.evaluation.documents import Entity
from spacy_ner_plus.evaluation.error_rows import error_rows
from spacy_ner_plus.evaluation.errors import NAMES, find_errors
from tests.evaluation.corpora import CORPORA, corpus
from tests.evaluation.docs import make_document
from tests.record_schema import read_row

Place = tuple[int, int, str]


def places(entities: Iterable[Entity]) -> list[Place]:
    return sorted((entity.start_char, entity.end_char, entity.label) for entity in entities)


def in_document(spans: list[dict[str, Any]], offset: int) -> list[Place]:
    """Spans of a row where they are in the document."""
    return [(span["start"] + offset, span["end"] + offset, span["label"]) for span in spans]


@pytest.mark.slow
@pytest.mark.parametrize("name", CORPORA)
def test_there_is_a_row_an_error_with_offsets_in_its_text(name: str) -> None:
    for document in corpus(name):
        findings = find_errors(document)
        errors = [finding for finding in findings if finding.kind in NAMES]
        rows = list(error_rows(document, findings))
        assert [row["meta"]["kind"] for row in rows] == [error.kind for error in errors]
        assert [row["meta"]["id"] for row in rows] == [
            f"{document.index}-{i}" for i in range(len(rows))
        ]
        for row, error in zip(rows, errors, strict=True):
            assert read_row(row).id == row["meta"]["id"]
            offset = row["meta"]["offset"]
            assert document.text[offset:].startswith(row["text"])
            assert row["meta"]["name"] == NAMES[error.kind]
            for side in ("gold", "predicted"):
                assert in_document(row["meta"][side], offset) == places(getattr(error, side))
                for span in row["meta"][side]:
                    assert span["text"] == row["text"][span["start"] : span["end"]] != ""
            end = offset + len(row["text"])
            for key, entities in (("spans", document.gold), ("predicted", document.predicted)):
                within = [e for e in entities if offset <= e.start_char and e.end_char <= end]
                assert in_document(row[key], offset) == places(within)


def test_a_row_is_a_record() -> None:
    document = make_document([(0, 2, "A"), (5, 6, "B")], [(0, 1, "A")], probability=0.25)
    [row, _] = error_rows(document, find_errors(document))
    assert row == {
        "id": "0-0",
        "text": "t t t t t t t t t t t t",
        "spans": [
            {"start": 0, "end": 3, "label": "A", "text": "t t"},
            {"start": 10, "end": 11, "label": "B", "text": "t"},
        ],
        "predicted": [{"start": 0, "end": 1, "label": "A", "text": "t", "probability": 0.25}],
        "meta": {
            "id": "0-0",
            "kind": "too_short",
            "name": "boundary: too short",
            "document": 0,
            "offset": 0,
            "gold": [{"start": 0, "end": 3, "label": "A", "text": "t t"}],
            "predicted": [{"start": 0, "end": 1, "label": "A", "text": "t", "probability": 0.25}],
        },
    }
    assert read_row(json.loads(json.dumps(row))).id == "0-0"


def test_the_text_is_the_sentence_of_the_error() -> None:
    document = make_document([(1, 2, "A"), (6, 7, "A")], [], index=4)
    document = replace(document, sentence_starts=(0, 4, 8))
    first, second = error_rows(document, find_errors(document))
    assert first["text"] == "t t t t"
    assert (second["text"], second["meta"]["offset"]) == ("t t t t", 8)
    assert second["spans"] == [{"start": 4, "end": 5, "label": "A", "text": "t"}]
    assert second["meta"]["id"] == "4-1"


def test_entities_of_an_error_are_from_left_to_right() -> None:
    document = make_document([(0, 2, "A"), (3, 6, "A")], [(1, 6, "A")])
    [row] = error_rows(document, find_errors(document))
    assert row["meta"]["kind"] == "merged"
    assert [span["start"] for span in row["meta"]["gold"]] == [0, 6]
