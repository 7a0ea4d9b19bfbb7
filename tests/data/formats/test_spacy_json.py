"""spaCy 2's training data, in the shape that spaCy itself writes it."""

import json
from dataclasses import replace

import pytest
import spacy
from hypothesis import given, settings
from hypothesis import strategies as st
from spacy.tokens import Span
from spacy.training import docs_to_json
from spacy.training.converters import json_to_docs

from spacy_ner_plus.data.formats.biluo import read_biluo, write_biluo
from spacy_ner_plus.data.formats.spacy_json import FORMAT, SpacyJsonRecords
from spacy_ner_plus.records import SpanRecord, TextRecord, TokenRecord
from tests.data.formats.test_gliner import held
from tests.data.formats.tool_files import HARD, bare, read_again, sample, written

NLP = spacy.blank("en")


def read(path, value):
    path.write_text(json.dumps(value), encoding="utf8")
    source = SpacyJsonRecords(path)
    return [record for _, record in source.records()], source


def make_docs():
    nlp = spacy.blank("en")
    nlp.add_pipe("sentencizer")
    docs = list(nlp.pipe(["Anna Berg bor i Lund. Hon bor där.", "Ja."]))
    docs[0].ents = [Span(docs[0], 0, 2, "PER"), Span(docs[0], 4, 5, "LOC")]
    docs[1].ents = []
    return docs


def test_what_spacy_writes_is_read(tmp_path):
    docs = make_docs()
    [first, second], source = read(tmp_path / "a.json", [docs_to_json(docs, 3)])
    assert first == TextRecord(
        docs[0].text,
        id=3,
        spans=(SpanRecord(0, 9, "PER"), SpanRecord(16, 20, "LOC")),
        tokens=tuple(
            TokenRecord(token.idx, token.idx + len(token), token.is_sent_start) for token in docs[0]
        ),
        other={"paragraph": 0},
    )
    assert second.other == {"paragraph": 1}
    assert source.counts == {}
    [document] = written(FORMAT, [first, second], tmp_path)
    assert [one["raw"] for one in document["paragraphs"]] == [doc.text for doc in docs]
    assert read(tmp_path / "a.json", [document])[0] == [first, second]


def test_spacy_reads_what_is_written(tmp_path):
    records, _ = read(tmp_path / "a.json", [docs_to_json(make_docs(), 3)])
    FORMAT.write(records, tmp_path / "b.json")
    for doc, expected in zip(
        json_to_docs((tmp_path / "b.json").read_bytes()), make_docs(), strict=True
    ):
        assert doc.text == expected.text
        assert [ent.label_ for ent in doc.ents] == [ent.label_ for ent in expected.ents]
        assert [t.is_sent_start for t in doc] == [t.is_sent_start for t in expected]


def test_missing_annotation_is_not_outside(tmp_path):
    words = ["Anna", "Berg", "bor", "här"]

    def paragraph(*tags):
        tokens = [{"orth": word, "ner": tag} for word, tag in zip(words, tags, strict=True)]
        return {"paragraphs": [{"raw": None, "sentences": [{"tokens": tokens}]}]}

    values = [paragraph(None, "-", "O", "-"), paragraph(*"----"), paragraph("B-X", "L-X", "O", "O")]
    found, _ = read(tmp_path / "a.json", values)
    assert [record.unknown for record in found] == [((0, 9), (14, 17)), (), ()]
    assert [record.spans for record in found] == [(), None, (SpanRecord(0, 9, "X"),)]
    assert read_again(FORMAT, found, tmp_path) == found


def test_other_keys_are_kept(tmp_path):
    token = {"id": 7, "orth": "Ja", "tag": "UH", "head": 0, "dep": "ROOT", "ner": "O", "space": " "}
    cats = [{"label": "A", "value": 1.0}]
    paragraph = {"sentences": [{"tokens": [token], "brackets": [{"first": 0}]}], "cats": cats}
    [record], source = read(tmp_path / "a.json", [{"id": "x", "paragraphs": [paragraph]}])
    kept = {"id": 7, "tag": "UH", "head": 0, "dep": "ROOT"}
    assert record.tokens == (TokenRecord(0, 2, True, kept),)
    assert (record.text, record.id, record.other) == ("Ja ", "x", {"cats": cats})
    assert source.counts == {"brackets passed over": 1}
    assert written(FORMAT, [record], tmp_path)[0]["paragraphs"][0]["cats"] == cats


def test_details_of_entities_are_kept(tmp_path):
    tokens = (TokenRecord(0, 4, True), TokenRecord(5, 8, False))
    spans = (SpanRecord(0, 4, "X", kb_id="Q1"), SpanRecord(5, 8, "X", status="ignored"))
    record = TextRecord("Anna bor", spans=spans, tokens=tokens)
    [document] = written(FORMAT, [record], tmp_path)
    tags = [one["ner"] for one in document["paragraphs"][0]["sentences"][0]["tokens"]]
    assert tags == ["U-X", "-"]
    assert read_again(FORMAT, [record], tmp_path) == [record]


@pytest.mark.parametrize(
    ("tags", "message"),
    [
        (["I-X"], "token 0, 'I-X' is not BILUO"),
        (["B-X", "O"], "token 1, 'O', after 'B-X', is not"),
        (["B-X", "L-Y"], "token 1, 'L-Y', after 'B-X', is not"),
        (["B-X"], "token 1, None, after 'B-X', is not"),
        (["X"], "token 0, 'X' is not"),
        (["U-"], "token 0, 'U-' is not"),
        (["B-X", None, "L-X"], "token 1, None, after 'B-X', is not"),
    ],
)
def test_tags_that_are_not_biluo_are_refused(tags, message):
    with pytest.raises(ValueError, match=message):
        read_biluo(tags)


@given(st.lists(st.tuples(st.integers(1, 3), st.sampled_from([None, "X", "Y-Z"])), max_size=6))
def test_tags_are_read_as_they_were_written(runs):
    spans, missing, n = [], [False] * sum(length for length, _ in runs), 0
    for length, label in runs:
        if label:
            spans.append((n, n + length, label))
        else:
            missing[n : n + length] = [True] * length
        n += length
    tags = write_biluo(n, spans, [i for i, one in enumerate(missing) if one])
    assert read_biluo(tags) == (spans, missing)


@pytest.mark.parametrize(
    ("value", "message"),
    [
        ([{"text": "a"}], "there are no paragraphs with sentences in {'text'"),
        ([{"paragraphs": [{"raw": "a"}]}], "there are no paragraphs with sentences"),
        (
            [{"paragraphs": [{"sentences": [{"tokens": [{"ner": "O"}]}]}]}],
            r"sentences\[0\].tokens\[0\] must have orth",
        ),
        (
            [{"paragraphs": [{"raw": "b", "sentences": [{"tokens": [{"orth": "a"}]}]}]}],
            "token 0, 'a', is not in the text",
        ),
    ],
)
def test_bad_files_are_refused(value, message, tmp_path):
    with pytest.raises(ValueError, match=f"element 1: {message}"):
        read(tmp_path / "a.json", value)


def test_files_are_recognised():
    assert FORMAT.recognises(sample({"id": 0, "paragraphs": []}))
    assert not FORMAT.recognises(sample({"text": "a"}))


@pytest.mark.parametrize("record", HARD)
def test_hard_texts(record, tmp_path):
    assert read_again(FORMAT, [record], tmp_path) == [record]


@st.composite
def flat(draw):
    """Records whose entities don't overlap; what is unknown is anywhere."""
    record = draw(held())
    spans, taken = [], set()
    for span in record.spans or ():
        status = draw(st.sampled_from([span.status, "ignored"]))
        span = replace(span, status=status)
        if not span.is_accepted or taken.isdisjoint(range(span.start, span.end)):
            spans.append(span)
            taken |= set(range(span.start, span.end)) if span.is_accepted else set()
    n = len(record.text)
    stretch = draw(st.tuples(st.integers(0, n), st.integers(0, n)).map(sorted))
    unknown = (tuple(stretch),) if stretch[0] < stretch[1] else ()
    return replace(record, spans=tuple(spans), unknown=unknown)


@settings(deadline=None, max_examples=40)
@given(st.lists(flat(), max_size=2))
def test_records_are_the_same_again(tmp_path_factory, drawn):
    path = tmp_path_factory.mktemp("rows")
    assert FORMAT.write(drawn, path / "a.json").lost == {}
    assert list(map(bare, read_again(FORMAT, drawn, path))) == list(map(bare, drawn))
