"""Spans that nest, cross and share a place, through each format that can hold them."""

import pytest

from spacy_ner_plus.data.formats.record_files import FORMATS, read, write
from spacy_ner_plus.records import SpanRecord, TextRecord, TokenRecord

WORDS = ["the", "University", "of", "Bonn", "Medical", "School", "staff"]
# In words: three deep, within their own label, crossing, and two labels on one place.
PLACES = [
    (0, 7, "GROUP"), (1, 6, "ORG"), (1, 4, "ORG"), (3, 4, "LOC"), (3, 4, "NAME"), (2, 5, "X"),
    (4, 6, "ORG"),
]  # fmt: skip


def nested_record(places=PLACES):
    ends = [sum(len(word) + 1 for word in WORDS[: i + 1]) - 1 for i in range(len(WORDS))]
    starts = [end - len(word) for end, word in zip(ends, WORDS, strict=True)]
    tokens = tuple(
        TokenRecord(start, end, not start) for start, end in zip(starts, ends, strict=True)
    )
    spans = tuple(SpanRecord(starts[first], ends[end - 1], label) for first, end, label in places)
    return TextRecord(" ".join(WORDS), id="1", spans=spans, tokens=tokens)


NAMES = ("NE", "NE2", "NE3", "NE4", "NE5", "NE6")
# Each with the name of a file, and options to write and to read it.
HOLDERS = [
    ("brat", "folder", {}, {}),
    ("pubtator", "a.pubtator", {}, {}),
    ("bioc", "a.json", {}, {}),
    ("uima", "a.zip", {}, {}),
    ("label-studio", "a.json", {}, {}),
    ("prodigy", "a.jsonl", {}, {}),
    ("doccano", "a.jsonl", {"form": "labels"}, {}),
    ("doccano", "a.jsonl", {"form": "relations"}, {}),
    ("gliner", "a.json", {}, {}),
    ("nested-json", "a.jsonl", {}, {}),
    ("table", "a.csv", {}, {}),
    ("doc-json", "a.jsonl", {"spans_key": "sc"}, {"spans_key": "sc"}),
    ("offsets", "a.jsonl", {}, {}),
    ("jsonl", "a.jsonl", {}, {}),
    ("spacy", "a.spacy", {"spans_key": "sc"}, {"spans_key": "sc"}),
    ("columns", "a.conllu", {"layers": 6}, {"column": NAMES}),
]


@pytest.mark.parametrize(("format", "name", "options", "to_read"), HOLDERS)
def test_nested_and_crossing_spans_are_the_same_again(format, name, options, to_read, tmp_path):
    record = nested_record()
    path = tmp_path / name
    write([record], path, format, **options)
    [again] = read(path, format, **to_read)
    found = sorted((span.start, span.end, span.label) for span in again.spans)
    assert found == sorted((span.start, span.end, span.label) for span in record.spans)
    assert again.text == record.text


def test_formats_of_tags_refuse_what_they_have_no_layer_for(tmp_path):
    record = nested_record()
    for format, name in (("hf", "a.jsonl"), ("columns", "a.tsv"), ("spacy-json", "a.json")):
        with pytest.raises(ValueError, match="overlap"):
            write([record], tmp_path / name, format)
    two = nested_record(PLACES[2:4])
    write([two], tmp_path / "a.jsonl", "hf")
    [again] = read(tmp_path / "a.jsonl", "hf")
    assert [(span.label, span.layer) for span in again.spans] == [("ORG", 1), ("LOC", 2)]


def test_each_format_is_looked_at():
    assert {format for format, *_ in HOLDERS} | {"hf", "spacy-json"} == set(FORMATS)


def test_nested_annotation_of_brat_is_read(tmp_path):
    """Made up, as brat writes it."""
    (tmp_path / "a.txt").write_text("University of Bonn", encoding="utf8")
    (tmp_path / "a.ann").write_text(
        "T1\tORG 0 18\tUniversity of Bonn\nT2\tLOC 14 18\tBonn\nT3\tORG 0 10\tUniversity\n",
        encoding="utf8",
    )
    [record] = read(tmp_path)
    places = [(span.start, span.end, span.label) for span in record.spans]
    assert places == [(0, 18, "ORG"), (14, 18, "LOC"), (0, 10, "ORG")]
