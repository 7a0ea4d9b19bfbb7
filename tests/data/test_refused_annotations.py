"""Annotations that are not on tokens, noted in a Doc and known again."""

from pathlib import Path

import pytest
import spacy
from hypothesis import given, settings
from hypothesis import strategies as st
from spacy.tokens import Doc

from spacy_ner_plus.annotation.doc_records import to_doc
from spacy_ner_plus.annotation.entity_source import EntitySource
from spacy_ner_plus.annotation.gold import register_annotated_labels
from spacy_ner_plus.annotation.token_states import MISSING
from spacy_ner_plus.data.conversion import convert
from spacy_ner_plus.data.doc_files import RECORD, read_file
from spacy_ner_plus.data.formats.record_files import open_records, read
from spacy_ner_plus.data.refused_annotations import REFUSED, refused_annotations, with_refused
from spacy_ner_plus.records import SpanRecord, TextRecord
from tests.annotated_texts import write_rows

NLP = spacy.blank("en")
PIECES = ("PAN)-induced", "Na+", "aspirin", " ", "  ", "(", "5-HT6", ".", "pain", "can't")


@st.composite
def annotated(draw: st.DrawFn) -> TextRecord:
    """A text with annotations anywhere that do not overlap, and perhaps a stretch that is open."""
    text = "".join(draw(st.lists(st.sampled_from(PIECES), min_size=1, max_size=8)))
    edges = sorted(draw(st.sets(st.integers(0, len(text)), max_size=8)))
    pairs = list(zip(edges[::2], edges[1::2], strict=False))
    spans = tuple(SpanRecord(start, end, draw(st.sampled_from("XY"))) for start, end in pairs)
    at = draw(st.integers(0, len(text) - 1))
    unknown = ((at, at + 1),) if draw(st.booleans()) else ()
    return TextRecord(text, spans=spans, unknown=unknown)


def noted(record: TextRecord) -> Doc:
    doc, misaligned = to_doc(record, NLP)
    refused = [{"start": m.start, "end": m.end, "label": m.label} for m in misaligned]
    doc.user_data[RECORD] = {REFUSED: refused}
    return doc


@settings(max_examples=100, deadline=None)
@given(annotated())
def test_all_annotations_are_entities_again(record: TextRecord) -> None:
    doc = noted(record)
    found, places = with_refused(doc)
    assert found.text == doc.text
    stripped = set()
    for span in record.spans or ():
        covered = record.text[span.start : span.end]
        start = span.start + len(covered) - len(covered.lstrip())
        if covered.strip():
            stripped.add((start, start + len(covered.strip()), span.label))
    entities = {(ent.start_char, ent.end_char, ent.label_) for ent in found.ents}
    assert entities == stripped
    assert places == stripped - {(ent.start_char, ent.end_char, ent.label_) for ent in doc.ents}
    old_edges = {at for token in doc for at in (token.idx, token.idx + len(token))}
    new_edges = {at for token in found for at in (token.idx, token.idx + len(token))}
    assert new_edges - old_edges <= {at for start, end, _ in places for at in (start, end)}
    refused = [(s.start, s.end) for s in refused_annotations(doc)]
    for token in doc:  # what is unknown for another reason stays so
        touched = any(token.idx < end and start < token.idx + len(token) for start, end in refused)
        if token.ent_iob == MISSING and not touched:
            pieces = [t for t in found if token.idx <= t.idx < token.idx + len(token)]
            assert [piece.ent_iob for piece in pieces] == [MISSING]


def test_a_doc_of_which_none_is_refused_stays_itself() -> None:
    doc = NLP.make_doc("aspirin")
    assert with_refused(doc) == (doc, set())


def test_of_annotations_that_overlap_one_is_an_entity() -> None:
    spans = (SpanRecord(0, 3, "X"), SpanRecord(1, 4, "Z"))
    doc = noted(TextRecord("PAN)-induced", spans=spans))
    found, places = with_refused(doc)
    assert [(ent.text, ent.label_) for ent in found.ents] == [("PAN", "X")]
    assert places == {(0, 3, "X")}


def test_sentences_and_what_is_known_of_the_text_stay() -> None:
    doc = noted(TextRecord("It is PAN)-induced. Yes.", spans=(SpanRecord(6, 9, "X"),)))
    register_annotated_labels()
    doc._.annotated_labels = ["X"]
    for token in doc:
        token.is_sent_start = token.i in (0, len(doc) - 2)
    found, _ = with_refused(doc)
    assert [sent.text for sent in found.sents] == [sent.text for sent in doc.sents]
    assert found._.annotated_labels == ["X"]


@pytest.mark.parametrize("policy", ["missing", "contract"])
def test_convert_notes_what_it_refuses(tmp_path: Path, policy: str) -> None:
    row = {"id": "a", "text": "PAN)-induced pain", "entities": [[0, 3, "X"], [13, 17, "Y"]]}
    source, path = write_rows(tmp_path / "in.jsonl", [row]), tmp_path / "out.spacy"
    convert(source, path, misaligned=policy, max_refused=1)
    [doc] = read_file(path).get_docs(NLP.vocab)
    assert refused_annotations(doc) == [SpanRecord(0, 3, "X")]
    assert [ent.text for ent in with_refused(doc)[0].ents] == ["PAN", "pain"]
    opened = open_records(path)
    [(_, record)] = opened.records()
    assert record.unknown == ((0, 12),)
    assert opened.warnings == ["annotations that are not on tokens of 1 documents left out"]


def test_a_converted_text_without_such_has_no_note(tmp_path: Path) -> None:
    source = write_rows(tmp_path / "in.jsonl", [{"text": "pain", "entities": [[0, 4, "Y"]]}])
    convert(source, tmp_path / "out.spacy", misaligned="missing")
    [doc] = read_file(tmp_path / "out.spacy").get_docs(NLP.vocab)
    assert doc.user_data == {}
    assert [len(record.spans or ()) for record in read(tmp_path / "out.spacy")] == [1]


def test_in_a_group_all_are_gold_and_what_is_left_of_their_tokens_is_outside() -> None:
    whole, *refused = spans = (
        SpanRecord(0, 12, "W"),
        SpanRecord(0, 3, "X"),
        SpanRecord(1, 4, "Z"),
    )
    source = EntitySource("sc")
    doc, misaligned = to_doc(TextRecord("PAN)-induced", spans=spans), NLP, "sc")
    assert len(misaligned) == 2 and source.missing(doc).all()
    doc.user_data[RECORD] = {REFUSED: [span.to_json() for span in refused]}
    found, places = with_refused(doc, source)
    group = {(span.start_char, span.end_char, span.label_) for span, _ in source.scored(found)}
    assert group == {(span.start, span.end, span.label) for span in spans}
    assert places == group - {(whole.start, whole.end, whole.label)}
    assert not source.missing(found).any()
