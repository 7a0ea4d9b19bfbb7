""".spacy files as records and back."""

from dataclasses import replace

import pytest
import spacy
from hypothesis import given, settings
from hypothesis import strategies as st
from spacy.tokens import Doc, DocBin, Span

from spacy_ner_plus.annotation.doc_records import to_doc
from spacy_ner_plus.annotation.unknown_group import unknown_tokens
from spacy_ner_plus.data.doc_files import RECORD
from spacy_ner_plus.data.formats.record_files import read, write
from spacy_ner_plus.records import SpanRecord, TextRecord, TokenRecord
from tests.annotation.test_doc_records import flat_docs
from tests.data.formats.test_record_files import ANNA, NLP, RICH, bare
from tests.record_strategies import JSON, NAMES, OBJECTS, optional


@pytest.mark.slow
@settings(deadline=None)
@given(st.data())
def test_spacy_files_keep_docs_and_what_docs_have_no_place_for(tmp_path_factory, data):
    path = tmp_path_factory.mktemp("docs") / "a.spacy"
    docs = data.draw(st.lists(flat_docs(), max_size=3))
    DocBin(docs=docs, store_user_data=True).to_disk(path)
    found = [
        replace(record, id=data.draw(JSON), meta=data.draw(OBJECTS), other=data.draw(OBJECTS))
        for record in read(path)
    ]
    if data.draw(st.booleans()):
        found = [richer(record, data.draw) for record in found]
    write(found, path)
    assert list(map(bare, read(path))) == list(map(bare, found))


def richer(record, draw):
    spans = record.spans and tuple(
        replace(span, grounding=draw(optional(NAMES)), meta=draw(OBJECTS), other=draw(OBJECTS))
        for span in draw(st.permutations(record.spans))
    )
    return replace(record, spans=spans)


def test_spacy_files_hold_nested_spans_under_a_key(tmp_path):
    spans = (SpanRecord(0, 4, "PER", probability=0.25), SpanRecord(0, 8, "X"))
    record = replace(ANNA, spans=spans)
    path = tmp_path / "a.spacy"
    with pytest.raises(ValueError, match=r"Record 1, 'Anna bor\.': X 'Anna bor' .* overlaps"):
        write([record], path)
    assert write([record], path, spans_key="sc") == 1
    assert [bare(one) for one in read(path, spans_key="sc")] == [record]
    assert [span.label for span in next(read(path)).spans] == ["X"]


@st.composite
def nested_records(draw):
    """Sentences with any spans on them, some of which are rejected, ignored, in layers, unknown."""
    words = draw(st.lists(st.sampled_from(["a", "bc"]), min_size=1, max_size=6))
    text = " ".join(words)
    starts = [len(" ".join(words[:i])) + (i > 0) for i in range(len(words))]
    tokens = [
        TokenRecord(start, start + len(word), not start)
        for start, word in zip(starts, words, strict=True)
    ]

    def stretch():
        first, last = sorted(draw(st.tuples(*[st.integers(0, len(words) - 1)] * 2)))
        return tokens[first].start, tokens[last].end

    spans = {}
    for _ in range(draw(st.integers(0, 5))):
        place = (*stretch(), draw(st.sampled_from(["X", "Y"])))
        spans[place] = SpanRecord(
            *place,
            probability=draw(st.sampled_from([None, 0.5])),
            status=draw(st.sampled_from([None, "rejected", "ignored"])),
            meta=draw(st.sampled_from([{}, {"layer": 2}, {"layer": 1, "by": "me"}])),
        )
    unknown = (stretch(),) if draw(st.booleans()) else ()
    return TextRecord(
        text, meta={"n": 1}, spans=tuple(spans.values()), tokens=tuple(tokens), unknown=unknown
    )


def unknown_places(record):
    """The characters about which nothing is known, but for the spans that are there."""
    ignored = [(span.start, span.end) for span in record.spans if span.status == "ignored"]
    return {at for stretch in (*record.unknown, *ignored) for at in range(*stretch)}


@settings(deadline=None, max_examples=60)
@given(st.lists(nested_records(), min_size=1, max_size=3))
def test_nested_spans_and_what_is_unknown_among_them_come_back(tmp_path_factory, records):
    path = tmp_path_factory.mktemp("nested") / "a.spacy"
    write(records, path, spans_key="sc")
    for record, again in zip(records, read(path, spans_key="sc"), strict=True):
        assert bare(replace(again, unknown=())) == replace(record, unknown=())
        spaces = {at for at, char in enumerate(record.text) if char == " "}
        assert unknown_places(again) - spaces == unknown_places(record) - spaces
    # and the outermost alone; where others cross their edges, tokens are missing
    for record, again in zip(records, read(path), strict=True):
        accepted = [span for span in record.spans if span.is_accepted]
        if again.spans is None:  # all tokens are missing
            assert not accepted
            continue
        flat = [span for span in again.spans if span.is_accepted]
        known = {(span.start, span.end, span.label, span.probability) for span in accepted}
        assert known.issuperset((s.start, s.end, s.label, s.probability) for s in flat)
        taken = [at for span in flat for at in range(span.start, span.end)]
        assert len(taken) == len(set(taken))
        if accepted:
            longest = max(span.end - span.start for span in accepted)
            assert longest == max(span.end - span.start for span in flat)
        open_places = unknown_places(again) | set(taken)
        inside = {at for span in accepted for at in range(span.start, span.end)}
        assert all(at in open_places or record.text[at] == " " for at in inside)


def test_groups_say_which_stretches_are_unknown_and_which_layers_spans_have(tmp_path):
    spans = (
        SpanRecord(0, 8, "X", meta={"layer": 1}),
        SpanRecord(0, 4, "PER", meta={"layer": 2}),
        SpanRecord(5, 8, "Y", status="ignored"),
    )
    path = tmp_path / "a.spacy"
    write([replace(ANNA, spans=spans)], path, spans_key="sc")
    [doc] = DocBin(store_user_data=True).from_disk(path).get_docs(NLP.vocab)
    assert [span.text for span in doc.spans["sc_unknown"]] == ["bor"]
    assert unknown_tokens(doc, "sc").tolist() == [False, True, False]
    assert doc.spans["sc"].attrs["layers"] == [1, 2]
    assert [token.ent_iob_ for token in doc] == ["B", "I", "O"]


def test_a_key_that_no_document_has_is_an_error_that_names_the_others(tmp_path):
    path = tmp_path / "a.spacy"
    nested = replace(ANNA, spans=(*ANNA.spans, SpanRecord(0, 8, "X")))
    write([nested, replace(ANNA, spans=None)], path, spans_key="sc")
    message = r"a\.spacy: none of its 2 documents has doc.spans\['x'\]. Their keys: 'sc'. Give"
    with pytest.raises(ValueError, match=message):
        list(read(path, spans_key="x"))
    assert [record.spans is None for record in read(path, spans_key="sc")] == [False, True]
    with pytest.raises(ValueError, match=message):
        write(read(path, spans_key="x"), tmp_path / "b.jsonl")
    assert not (tmp_path / "b.jsonl").exists()
    write([ANNA], path)
    with pytest.raises(ValueError, match="Their keys: none"):
        list(read(path, spans_key="x"))


def test_blocked_characters_stay_where_nothing_else_is_known(tmp_path):
    record = replace(ANNA, spans=None, blocked=((5, 8),))
    write([record], tmp_path / "a.spacy")
    said = replace(record, spans=(), unknown=((0, 4), (8, 9)))
    assert list(read(tmp_path / "a.spacy")) == [said]
    write([said], tmp_path / "b.spacy")
    assert list(read(tmp_path / "b.spacy")) == [said]


def test_what_a_doc_no_longer_says_is_counted(tmp_path, caplog):
    path = tmp_path / "a.spacy"
    write([RICH], path)
    [doc] = DocBin(store_user_data=True).from_disk(path).get_docs(NLP.vocab)
    doc.ents = [Span(doc, 0, 1, "X", span_id="T1")]
    doc.user_data |= {"schema_version": 2, "text": "x", 3: 4}
    DocBin(docs=[doc], store_user_data=True).to_disk(path)
    caplog.clear()
    [record] = read(path)
    entity, rejected = record.spans
    assert (entity.label, entity.id) == ("X", "T1")
    assert (rejected.label, rejected.status) == ("PER", "rejected")  # has a place on the Doc
    assert not record.relations
    assert record.other == RICH.other
    left_out = [message.removeprefix(f"{path}: ") for message in caplog.messages]
    assert sorted(left_out) == [
        f"{what} of 1 documents left out"
        for what in (
            "details of changed entities", "doc.user_data['schema_version']",
            "doc.user_data['text']", "doc.user_data[3]", "relations of other entities",
        )
    ]  # fmt: skip


def test_spacy_files_say_what_they_lose_and_refuse_what_they_would_change(tmp_path, caplog):
    path = tmp_path / "a.spacy"
    first, *others = ANNA.tokens
    write([replace(ANNA, tokens=(replace(first, other={"ws": 1, "pos": "X"}), *others))], path)
    lost = "pos of tokens (1), ws of tokens (1)"
    assert caplog.messages == [f"{path} has no place for all of the records. Left out: {lost}"]
    message = r"Record 2, 'Anna bor\.': (id|meta|n) holds .* than 64 bits"
    for values in ({"id": 2**70}, {"meta": {"n": [-(2**70)]}}, {"other": {"n": 2**70}}):
        with pytest.raises(ValueError, match=message):
            write([ANNA, replace(ANNA, **values)], path)


def test_spacy_files_of_others_are_read(tmp_path):
    doc = NLP.make_doc("Anna bor.")
    doc.ents = [Span(doc, 0, 1, "PER")]
    doc.user_data |= {"id": 3, "text": "x", "meta": "x", "spans": 4, "source": ("a", "b"), 5: 6}
    DocBin(docs=[doc, NLP.make_doc("Nej")], store_user_data=True).to_disk(tmp_path / "a.spacy")
    first, second = read(tmp_path)
    assert (first.text, first.id, first.meta) == ("Anna bor.", 3, {})
    assert first.other == {"source": ["a", "b"]}
    assert [(span.start, span.end, span.text) for span in first.spans] == [(0, 4, "Anna")]
    assert second.spans is None


def test_what_records_lack_of_a_doc_is_said(tmp_path, caplog):
    doc = NLP.make_doc("Anna bor.")
    doc.ents = [Span(doc, 0, 1, "PER")]
    doc.spans["sc"] = [Span(doc, 0, 2, "X")]
    doc[0].lemma_ = "anna"
    doc.cats = {"A": 1.0}
    DocBin(docs=[doc, NLP.make_doc("Nej")]).to_disk(tmp_path / "a.spacy")
    for options, lacks in (
        ({}, ["doc.spans['sc']", "doc.cats", "LEMMA"]),
        ({"spans_key": "sc"}, ["doc.ents", "doc.cats", "LEMMA"]),
    ):
        caplog.clear()
        assert len(list(read(tmp_path / "a.spacy", **options))) == 2
        said = [f"{tmp_path / 'a.spacy'}: {what} of 1 documents left out" for what in lacks]
        assert caplog.messages == said


def test_texts_without_tokens_need_a_tokenizer_in_a_spacy_file(tmp_path):
    path = tmp_path / "a.spacy"
    record = replace(ANNA, tokens=None)
    with pytest.raises(ValueError, match=r"Record 1, 'Anna bor\.', has no tokens: give nlp"):
        write([record], path)
    assert write([record], path, nlp=NLP) == 1
    [again] = read(path)
    assert [(token.start, token.end) for token in again.tokens] == [(0, 4), (5, 8), (8, 9)]
    with pytest.raises(ValueError, match=r"Record 1, 'Anna bor.': 1 annotations are not on token"):
        write([replace(record, spans=(SpanRecord(0, 2, "X"),))], path, nlp=NLP)
    assert list(read(path)) == [again]


def test_spacy_files_are_the_same_bytes_as_those_of_docs(tmp_path):
    """As long as there is nothing else to keep."""
    record = replace(ANNA, id=None)
    doc, _ = to_doc(record, spacy.blank("xx"))
    attrs = ("ORTH", "SPACY", "SENT_START", "ENT_IOB", "ENT_TYPE")
    DocBin(attrs=attrs, docs=[doc]).to_disk(tmp_path / "docs.spacy")
    write([record], tmp_path / "records.spacy", nlp=spacy.blank("xx"))
    found = (tmp_path / "records.spacy").read_bytes()
    assert found == (tmp_path / "docs.spacy").read_bytes()


@pytest.mark.parametrize(
    ("kept", "message"),
    [
        ({"spans": [{"start": 0, "end": 4}]}, "label must be given"),
        ({"relations": [{"head": "T1", "tail": "T2"}]}, "label must be given"),
        ({"spans": 3}, r"user_data\['spacy_ner_plus.record'\] is .*: convert the texts again"),
        ([{"spans": []}], r"user_data\['spacy_ner_plus.record'\] is .*: convert the texts again"),
    ],
)
def test_damaged_records_in_user_data_are_named_with_file_and_document(tmp_path, kept, message):
    doc = NLP.make_doc("Anna bor.")
    doc.ents = [Span(doc, 0, 1, "PER")]
    doc.user_data[RECORD] = kept
    DocBin(docs=[NLP.make_doc("Nej"), doc], store_user_data=True).to_disk(tmp_path / "a.spacy")
    with pytest.raises(ValueError, match=rf"a\.spacy, document 2: .*{message}"):
        list(read(tmp_path))


def test_extensions_of_other_packages_are_left_out_and_counted(tmp_path, caplog):
    Doc.set_extension("test_mood", default=None)
    doc = NLP.make_doc("Anna bor.")
    doc._.test_mood = "good"
    DocBin(docs=[doc], store_user_data=True).to_disk(tmp_path / "a.spacy")
    Doc.remove_extension("test_mood")
    [record] = read(tmp_path / "a.spacy")
    assert record.other == {}
    assert caplog.messages == [f"{tmp_path / 'a.spacy'}: ._.test_mood of 1 documents left out"]
