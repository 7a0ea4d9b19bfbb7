"""What is known of files that can't say it: positives alone, or some types."""

import json
from pathlib import Path

import pytest
from spacy.tokens import Doc, DocBin
from spacy.vocab import Vocab

from spacy_ner_plus import SpanRecord, TextRecord, convert, read
from spacy_ner_plus.data.known_parts import KnownParts

TEXT = "Anna saw Oslo and Rome"
RECORD = TextRecord(TEXT, spans=(SpanRecord(0, 4, "PER"), SpanRecord(9, 13, "LOC")))


def as_doc(path: Path) -> Doc:
    [doc] = DocBin().from_disk(path).get_docs(Vocab())
    return doc


def test_of_positives_alone_nothing_else_is_known() -> None:
    parts = KnownParts(positives_only=True)
    assert parts.of(RECORD).unknown == ((4, 9), (13, 22))
    assert KnownParts(positives_only=True, may_nest=True).of(RECORD).unknown == ((0, 22),)
    nothing = TextRecord(TEXT, spans=None)
    assert parts.of(nothing) == nothing
    assert KnownParts().of(RECORD) == RECORD


def test_other_types_than_those_looked_for_may_be_anywhere() -> None:
    assert KnownParts(annotated_labels=["LOC", "PER"]).of(RECORD).annotated_labels == (
        "LOC",
        "PER",
    )
    with pytest.raises(ValueError, match="of type LOC, but only PER was looked for"):
        KnownParts(annotated_labels=["PER"]).of(RECORD)
    rejected = TextRecord(TEXT, spans=(SpanRecord(0, 4, "LOC", status="rejected"),))
    assert KnownParts(annotated_labels=["PER"]).of(rejected).annotated_labels == ("PER",)
    for labels, message in (([], "must be a type"), ([""], "is empty"), ([" A"], "white space")):
        with pytest.raises(ValueError, match=message):
            KnownParts(annotated_labels=labels)


def test_both_come_to_a_corpus_by_options_of_convert(tmp_path: Path) -> None:
    path = tmp_path / "a.jsonl"
    row = {"text": TEXT, "entities": [[0, 4, "PERSON"]]}
    path.write_text(json.dumps(row) + "\n", encoding="utf8")
    out = tmp_path / "a.spacy"
    options = {"label_map": {"PERSON": "PER"}, "annotated_labels": ["PER"]}
    convert(path, out, positives_only=True, **options)
    assert [token.ent_iob for token in as_doc(out)] == [3, 0, 0, 0, 0]
    [record] = read(out)
    assert record.annotated_labels == ("PER",)
    convert(path, out, **options)
    assert [token.ent_iob for token in as_doc(out)] == [3, 2, 2, 2, 2]
    with pytest.raises(ValueError, match=r"a\.jsonl.* of type PERSON, but only PER was looked for"):
        convert(path, out, annotated_labels=["PER"])


def test_rejected_spans_come_to_a_group_of_their_own_and_back(tmp_path: Path) -> None:
    """Those on tokens; others stay beside the Doc, and are counted."""
    rejected = [[5, 13, "LOC"], [9, 13, "PER"], [5, 7, "LOC"]]
    spans = [{"start": s, "end": e, "label": y, "status": "rejected"} for s, e, y in rejected]
    row = {"text": TEXT, "spans": spans, "unknown": [[0, 22]]}
    path, out = tmp_path / "a.jsonl", tmp_path / "a.spacy"
    path.write_text(json.dumps(row) + "\n", encoding="utf8")
    done = convert(path, out)
    assert done.n_rejected == 3
    assert done.lost == {"rejected annotations that are not on tokens": 1}
    doc = as_doc(out)
    group = [(span.start, span.end, span.label_) for span in doc.spans["incorrect_spans"]]
    assert group == [(1, 3, "LOC"), (2, 3, "PER")]
    assert not doc.has_annotation("ENT_IOB")
    [record] = read(out)
    found = {(span.start, span.end, span.label, span.status) for span in record.spans or ()}
    assert found == {(*place, "rejected") for place in [(5, 13, "LOC"), (9, 13, "PER")]} | (
        {(5, 7, "LOC", "rejected")} & found
    )
    with pytest.raises(ValueError, match="is for spans that are known to be wrong"):
        convert(path, out, spans_key="incorrect_spans")


def test_decisions_of_prodigy_come_to_docs(tmp_path: Path) -> None:
    rows = [
        {
            "text": TEXT,
            "spans": [{"start": start, "end": end, "label": "LOC"}],
            "answer": answer,
            "_view_id": "ner",
            "_input_hash": 1,
        }
        for start, end, answer in ((9, 13, "accept"), (0, 4, "reject"), (9, 22, "reject"))
    ]
    path, out = tmp_path / "a.jsonl", tmp_path / "a.spacy"
    path.write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf8")
    convert(path, out)
    doc = as_doc(out)
    assert [(ent.text, ent.label_) for ent in doc.ents] == [("Oslo", "LOC")]
    assert [span.text for span in doc.spans["incorrect_spans"]] == ["Anna", "Oslo and Rome"]
    assert [token.ent_iob for token in doc] == [0, 0, 3, 0, 0]
