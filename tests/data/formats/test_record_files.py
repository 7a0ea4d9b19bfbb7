"""Every format through one door."""

import logging
import re
from dataclasses import replace

import pytest
import spacy
from hypothesis import given, settings
from hypothesis import strategies as st
from spacy.tokens import DocBin, Span

from spacy_ner_plus.annotation.doc_records import to_doc
from spacy_ner_plus.data.formats.record_files import FORMATS, find_format, read, write
from spacy_ner_plus.records import RelationRecord, SpanRecord, TextRecord, TokenRecord
from tests.annotation.test_doc_records import flat_docs
from tests.record_schema import DOCS
from tests.record_strategies import JSON, NAMES, OBJECTS, optional

NLP = spacy.blank("en")
ANNA = TextRecord(
    "Anna bor.",
    id="a",
    spans=(SpanRecord(0, 4, "PER"),),
    tokens=(TokenRecord(0, 4, True), TokenRecord(5, 8, False), TokenRecord(8, 9, False)),
)
RICH = TextRecord(
    "Anna bor i Lund.",
    id=7,
    meta={"n": 1, "tags": ["x"]},
    annotated_labels=("LOC", "PER"),
    spans=(
        SpanRecord(11, 15, "LOC", probability=0.5, id=2, kb_id="Q2", meta={"by": "Ann"}),
        SpanRecord(0, 4, "PER", id="T1", status="accepted", grounding="exact", other={"x": 1}),
        SpanRecord(5, 8, "PER", status="rejected"),
    ),
    tokens=tuple(TokenRecord(*place) for place in [(0, 4), (5, 8), (9, 10), (11, 15), (15, 16)]),
    unknown=((9, 10),),
    blocked=((15, 16),),
    relations=(RelationRecord("T1", 2, "in", 0.25, meta={"a": [1]}, other={"y": None}),),
    other={"row": 3, "fields": {"a": "b"}},
)


def bare(record):
    """Without the texts of spans, which their places tell."""
    spans = record.spans and tuple(replace(span, text=None) for span in record.spans)
    return replace(record, spans=spans)


@pytest.mark.parametrize("suffix", [".jsonl", ".ndjson", ".spacy"])
def test_what_is_written_is_read_again(suffix, tmp_path):
    path = tmp_path / "new" / f"a{suffix}"
    written = [ANNA, RICH, TextRecord("", tokens=()), replace(ANNA, spans=None)]
    assert write(iter(written), path) == 4
    assert [bare(record) for record in read(path)] == written
    assert [bare(record) for record in read(str(path))] == written
    assert [p.name for p in path.parent.iterdir()] == [path.name]


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
    assert next(read(path)).spans is None


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


def test_what_a_doc_no_longer_says_is_counted(tmp_path, caplog):
    path = tmp_path / "a.spacy"
    write([RICH], path)
    [doc] = DocBin(store_user_data=True).from_disk(path).get_docs(NLP.vocab)
    doc.ents = [Span(doc, 0, 1, "X", span_id="T1")]
    doc.user_data |= {"schema_version": 2, "text": "x", 3: 4}
    DocBin(docs=[doc], store_user_data=True).to_disk(path)
    caplog.clear()
    [record] = read(path)
    assert [(span.label, span.id) for span in record.spans] == [("X", "T1")]
    assert not record.relations
    assert record.other == RICH.other
    left_out = [message.removeprefix(f"{path}: ") for message in caplog.messages]
    assert sorted(left_out) == [
        f"{what} of 1 documents left out"
        for what in (
            "details of changed entities", "doc.user_data['schema_version']",
            "doc.user_data['text']", "doc.user_data[3]", "relations of changed entities",
        )
    ]  # fmt: skip


def test_spacy_files_say_what_they_lose_and_refuse_what_they_would_change(tmp_path, caplog):
    path = tmp_path / "a.spacy"
    first, *others = ANNA.tokens
    write([replace(ANNA, tokens=(replace(first, other={"ws": 1, "pos": "X"}), *others))], path)
    lost = "pos of tokens (1), ws of tokens (1)"
    assert caplog.messages == [f"{path} has no place for all of the records. Left out: {lost}"]
    for values in ({"id": 2**70}, {"meta": {"n": [-(2**70)]}}, {"other": {"n": 2**70}}):
        with pytest.raises(ValueError, match=r"Record 2, 'Anna bor\.': .* more than 64 bits"):
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


WORDS = st.text(st.sampled_from("ab#é-1😀.O"), min_size=1, max_size=3)


@st.composite
def column_documents(draw):
    """Documents whose text columns hold: sentences with one space between, and spans in them."""
    text, tokens, spans = "", [], []
    for _ in range(draw(st.integers(1, 3))):
        sentence = draw(st.lists(WORDS, min_size=1, max_size=4))
        text += " " if text else ""
        for i, word in enumerate(sentence):
            gap = draw(st.sampled_from(["", " "])) if i else ""
            start = len(text) + len(gap)
            text += gap + word
            tokens.append(TokenRecord(start, len(text), not i))
            if draw(st.booleans()):
                spans.append(SpanRecord(start, len(text), draw(st.sampled_from(["X", "Y-Z"]))))
            elif i and spans and spans[-1].end == tokens[-2].end and draw(st.booleans()):
                spans[-1] = replace(spans[-1], end=len(text))
    return TextRecord(text, spans=tuple(spans), tokens=tuple(tokens))


@settings(deadline=None)
@given(st.lists(column_documents(), min_size=1, max_size=3))
def test_columns_are_read_again(tmp_path_factory, documents):
    path = tmp_path_factory.mktemp("columns") / "a.conll"
    assert write(documents, path, layout="uner") == len(documents)
    assert list(read(path, layout="uner", scheme="BIO")) == documents
    spaced = [bare_of_spaces(document) for document in documents]
    assert write(documents, path) == len(documents)
    found = list(read(path, layout="tsv", scheme="BIO"))
    assert list(map(bare_of_spaces, found)) == spaced
    assert all(
        " ".join(words) == record.text for record, (words, *_) in zip(found, spaced, strict=True)
    )


def bare_of_spaces(record):
    """Tokens, sentence starts and spans by token."""
    starts = [token.start for token in record.tokens]
    ends = [token.end for token in record.tokens]
    return (
        [record.text[token.start : token.end] for token in record.tokens],
        [token.sentence_start for token in record.tokens],
        [(starts.index(s.start), ends.index(s.end), s.label) for s in record.spans],
    )


def test_columns_say_what_they_lose(tmp_path, caplog):
    text = "Anna  bor\ni Lund."
    spans = (
        SpanRecord(0, 4, "PER", id="T1", probability=0.5),
        SpanRecord(5, 9, "X", status="rejected"),
    )
    doc = NLP.make_doc(text)
    first, *others = [TokenRecord(t.idx, t.idx + len(t)) for t in doc]
    tokens = (replace(first, other={"ws": True}), *others)
    record = TextRecord(text, id=1, spans=spans, tokens=tokens, other={"row": 2})
    empty = TextRecord(" ", tokens=(TokenRecord(0, 1),))
    with caplog.at_level(logging.WARNING, "spacy_ner_plus"):
        assert write([record, empty], tmp_path / "a.tsv") == 1
    [message] = caplog.messages
    assert message.startswith(f"{tmp_path / 'a.tsv'} has no place for all of the records. Left")
    for what in (
        "id (1)", "unknown sentence starts (4)", "ws of tokens (1)", "row (1)", "white space (2)", "records without tokens (1)", "rejected spans (1)",
        "id of spans (1)", "probability of spans (1)",
    ):  # fmt: skip
        assert what in message
    content = (tmp_path / "a.tsv").read_text()
    assert content == "-DOCSTART-\tO\n\nAnna\tB-PER\nbor\tO\ni\tO\nLund\tO\n.\tO\n\n"


def test_sentences_that_start_with_white_space_are_kept_apart(tmp_path):
    places = [(0, 1, True), (1, 2, True), (2, 3, False)]
    record = TextRecord("a\nb", tokens=tuple(TokenRecord(*place) for place in places))
    write([record], tmp_path / "a.tsv")
    assert (tmp_path / "a.tsv").read_text() == "-DOCSTART-\tO\n\na\tO\n\nb\tO\n\n"


@pytest.mark.parametrize(
    ("record", "message"),
    [
        (replace(ANNA, tokens=None), "it has no tokens"),
        (replace(ANNA, spans=None), "not complete, .*: nothing is known about its entities. Comp"),
        (replace(ANNA, unknown=((5, 8),)), "not complete, .*: characters 5-8 are unknown"),
        (replace(ANNA, annotated_labels=("PER",)), "not complete, .*: it is annotated for PER only"),
        (
            replace(ANNA, spans=(SpanRecord(0, 4, "PER", status="ignored"),)),
            "not complete, .*: PER at characters 0-4 is ignored. Complete it, leave the record out",
        ),
        (replace(ANNA, spans=(SpanRecord(0, 2, "X"),)), "X at characters 0-2 is not on token b"),
        (
            replace(ANNA, spans=(SpanRecord(0, 8, "X"), SpanRecord(5, 8, "Y"))),
            "Y at characters 5-8 overlaps another",
        ),
        (
            replace(ANNA, spans=(SpanRecord(0, 4, "X\tY"),)),
            r"can't hold 'X\\tY', for its tabs or line breaks",
        ),
        (
            TextRecord(
                "a b",
                spans=(SpanRecord(0, 3, "X"),),
                tokens=(TokenRecord(0, 1), TokenRecord(2, 3, True)),
            ),
            "X at characters 0-3 runs over the start of a sentence",
        ),
        (
            TextRecord(
                "a\nb",
                spans=(SpanRecord(0, 2, "X"),),
                tokens=tuple(TokenRecord(i, i + 1) for i in range(3)),
            ),
            "X at characters 0-2 starts or ends on a white space token",
        ),
        (TextRecord("-DOCSTART-", tokens=(TokenRecord(0, 10),)), "can't hold the token '-DOCS"),
        (TextRecord(" a", tokens=(TokenRecord(0, 2),)), "can't hold the token ' a'"),
    ],
)
def test_columns_refuse_what_they_would_say_otherwise(record, message, tmp_path):
    path = tmp_path / "a.tsv"
    path.write_text("before")
    with pytest.raises(ValueError, match=f"Record 2, .*: .*{message}"):
        write([ANNA, record], path)
    assert path.read_text() == "before"
    assert [p.name for p in tmp_path.iterdir()] == ["a.tsv"]


def test_layouts_of_columns_are_known(tmp_path):
    with pytest.raises(ValueError, match="Layout 'conll2003' can't be written"):
        write([ANNA], tmp_path / "a.tsv", layout="conll2003")
    multi = replace(ANNA, text="Anna\nbor.")
    with pytest.raises(ValueError, match=r"can't hold 'Anna\\nbor.', for its tabs or line breaks"):
        write([multi], tmp_path / "a.tsv", layout="uner")


@pytest.mark.parametrize(
    ("name", "content", "format"),
    [
        ("a.jsonl", "x", "jsonl"),
        ("a.SPACY", "x", "spacy"),
        ("a.tsv", "a\tO\n", "columns"),
        ("a.txt", '\n{"text": "a"}\n', "jsonl"),
        ("a", '["a", {"entities": []}]', "jsonl"),
        ("eng.train", "-DOCSTART- -X- O O\n", "columns"),
        ("a.txt", "[\tO\n", "columns"),
        ("a.txt", "1\tO\n", "columns"),
        ("a.txt", "1\n", "columns"),
        ("a.txt", "", "columns"),
    ],
)
def test_formats_are_found(name, content, format, tmp_path):
    (tmp_path / name).write_text(content)
    assert find_format(tmp_path / name) == format
    assert find_format(tmp_path) == "spacy"


def test_unknown_formats_and_options_are_refused(tmp_path):
    (tmp_path / "a.jsonl").write_text('{"text": "a"}')
    with pytest.raises(ValueError, match="no format 'brat': name one of jsonl, spacy, columns"):
        read(tmp_path / "a.jsonl", "brat")
    with pytest.raises(ValueError, match=r"a\.xml has a format that its name does not tell: name"):
        write([ANNA], tmp_path / "a.xml")
    with pytest.raises(ValueError, match=r"group says nothing to .*'jsonl', .* no options"):
        read(tmp_path / "a.jsonl", group=3)
    with pytest.raises(ValueError, match=r"group says nothing to the format 'columns', .* layout"):
        write([ANNA], tmp_path / "a.tsv", group=3)
    for name in ("none", "none.jsonl", "none.spacy"):
        with pytest.raises(ValueError, match=f"There is no file .*{name}: correct its name"):
            read(tmp_path / name)
    with pytest.raises(ValueError, match="is a folder: name a file of the format 'jsonl'"):
        read(tmp_path, "jsonl")
    with pytest.raises(ValueError, match="There is no corpus at"):
        read(tmp_path)
    assert write([ANNA], tmp_path / "a.xml", "jsonl") == 1
    assert list(read(tmp_path / "a.xml")) == [ANNA]


def test_each_suffix_is_of_one_format():
    suffixes = [suffix for format in FORMATS.values() for suffix in format.suffixes]
    assert len(suffixes) == len(set(suffixes))


def test_what_the_docs_show(tmp_path, monkeypatch):
    page = (DOCS / "records.md").read_text(encoding="utf8")
    rows = re.findall(r"^    ([\[{].*)$", page, flags=re.MULTILINE)
    (tmp_path / "a.jsonl").write_text("\n".join(rows), encoding="utf8")
    aspirin = TextRecord("Aspirin helps.", spans=(SpanRecord(0, 7, "Chemical"),))
    assert list(read(tmp_path / "a.jsonl")) == [aspirin] * 3
    [code] = re.findall(r"```python\n(.*?)```", page, flags=re.DOTALL)
    (tmp_path / "train.tsv").write_text("Anna\tB-PER\n\nbor\tO\n", encoding="utf8")
    monkeypatch.chdir(tmp_path)
    exec(code, {})
    [record] = read("train.jsonl")
    assert record.text == "Anna bor"
