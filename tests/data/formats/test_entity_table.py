"""Tables with a row an entity, both ways."""

from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from spacy_ner_plus.data.formats.entity_table import FORMAT
from spacy_ner_plus.data.formats.form import Sample
from spacy_ner_plus.data.formats.record_files import open_records, read, write
from spacy_ner_plus.records import RelationRecord, SpanRecord, TextRecord, TokenRecord
from tests.record_strategies import records

# Made up, as people write them.
CSV = (
    'text,start,end,label\n"Anna, och\nBo 😀 bor",0,4,PER\n"Anna, och\nBo 😀 bor",10,12,PER\n'
    "Nej,,,\nLund,0,4.0,LOC\n"
)


def file_of(tmp_path, content, name="a.csv"):
    path = tmp_path / name
    path.write_text(content, encoding="utf8", newline="")
    return path


def entities(record):
    return [(span.label, record.text[span.start : span.end]) for span in record.spans]


@pytest.mark.parametrize("delimiter", [",", "\t", ";", "|"])
def test_rows_of_a_text_are_one(delimiter, tmp_path):
    content = CSV.replace(",", delimiter).replace(f"Anna{delimiter} och", "Anna, och")
    source = open_records(file_of(tmp_path, "\ufeff" + content), "table", quoting="rfc4180")
    found = list(source.records())
    assert [entities(record) for _, record in found] == [
        [("PER", "Anna"), ("PER", "Bo")], [], [("LOC", "Lund")]
    ]  # fmt: skip
    assert [where.rpartition(", ")[2] for where, _ in found] == ["lines 2-4", "line 6", "line 7"]


def test_rows_of_an_id_are_one_wherever_they_are(tmp_path):
    content = (
        "Doc-ID;begin;end;type;span;sentence;source;note;score\n"
        "1;0;4;PER;Anna;Anna bor;web;x;0.5\n2;0;2;PER;Bo;Bo;;;\n1;5;8;VERB;bor;Anna bor;web;;\n"
    )
    first, second = read(file_of(tmp_path, content), "table")
    assert (first.id, entities(first)) == ("1", [("PER", "Anna"), ("VERB", "bor")])
    assert [span.other for span in first.spans] == [{"note": "x", "score": "0.5"}, {}]
    assert (first.other, second.other) == ({"source": "web"}, {})
    with pytest.raises(ValueError, match=r"lines 2-4: .*its text is 'bar', but .* are 'bor'"):
        list(read(file_of(tmp_path, content.replace("bor;Anna", "bar;Anna")), "table"))


def test_columns_are_told(tmp_path):
    content = "t,a,b,c\nAnna,0,4,PER\n"
    options = {"start_field": "a", "end_field": "b", "label_field": "c"}
    [record] = read(file_of(tmp_path, content), "table", text_field="t", **options)
    assert entities(record) == [("PER", "Anna")]
    with pytest.raises(ValueError, match=r"lacks columns: 'z', the text, .* Columns: t, a, b, c"):
        list(read(file_of(tmp_path, content), "table", **{**options, "end_field": "z"}))
    with pytest.raises(ValueError, match=r"lacks columns: the start \(named start, "):
        list(read(file_of(tmp_path, content), "table"))


def test_an_id_may_be_of_the_entity(tmp_path):
    content = "id,text,start,end,label\n7,Anna Ek,0,4,X\n8,Anna Ek,5,7,X\n9,Bo,,,\n"
    source = open_records(file_of(tmp_path, content), "table")
    first, second = (record for _, record in source.records())
    assert (first.id, len(first.spans), second.spans) == (None, 2, ())
    assert [span.meta for span in first.spans] == [{"id": "7"}, {"id": "8"}]
    assert source.notes == ["'id' is of entities, as rows of a text have several"]
    told = list(read(file_of(tmp_path, content), "table", id_field="id"))
    assert [record.id for record in told] == ["7", "8", "9"]


def test_texts_may_be_in_files(tmp_path):
    (tmp_path / "texts").mkdir()
    file_of(tmp_path / "texts", "Anna bor\r\ni Lund 😀", "d1.txt")
    jsonl = file_of(tmp_path, '{"id": "d1", "text": "Anna bor\\r\\ni Lund 😀"}\n', "t.jsonl")
    content = "doc_id,start,end,label,text\nd1,0,4,PER,Anna\nd1,12,16,LOC,Lund\n"
    path = file_of(tmp_path, content)
    for texts in (tmp_path / "texts", jsonl):
        [record] = read(path, "table", texts=texts)
        assert (record.id, entities(record)) == ("d1", [("PER", "Anna"), ("LOC", "Lund")])
    with pytest.raises(ValueError, match=r"column 'text' has the texts of entities.* --texts"):
        list(read(path, "table"))
    with pytest.raises(ValueError, match="no column with the texts: name it with --text-field"):
        list(read(file_of(tmp_path, content.replace(",text", ",x")), "table"))
    with pytest.raises(ValueError, match=r"lines 2-3: .*jsonl has no text with the id 'd2'"):
        list(read(file_of(tmp_path, content.replace("d1", "d2")), "table", texts=jsonl))


@pytest.mark.parametrize(
    ("row", "message"),
    [
        ("Anna,0,,PER", r"line 2: in line 2, 'end' is empty, and the row has more"),
        ("Anna,0,4,", "'label' is empty"),
        ("Anna,0,x,PER", "'end' must be a whole number of characters, got 'x'"),
        ("Anna,0,5,PER", "characters 0-5 are not within the text"),
        ("Anna,0,4", "line 2: the row has 3 columns, the header has 4"),
        ('"Anna,0,4,PER', "line 2: the row can't be split"),
        ("Anna,0,4, PER", "the label of .* with white space"),
    ],
)
def test_rows_that_can_not_be_read_are_told(row, message, tmp_path):
    with pytest.raises(ValueError, match=message):
        list(read(file_of(tmp_path, f"text,start,end,label\n{row}\n"), "table"))


def test_the_same_text_without_ids_is_counted(tmp_path):
    source = open_records(file_of(tmp_path, CSV + "Nej,0,3,X\n"), "table")
    assert [entities(record) for _, record in source.records()][-1] == [("X", "Nej")]
    assert source.counts == {"texts that are there before, taken for texts of their own": 1}


def test_what_is_recognised(tmp_path):
    def recognises(line):
        return FORMAT.recognises(Sample(tmp_path / "a.csv", lines=(line,)))

    assert all(map(recognises, ["text,start,end,label", '"doc"\t"begin"\t"end"\t"type"']))
    assert not any(map(recognises, ["", "Anna\tO", "text,label", "Sentence #,Word,POS,Tag"]))
    assert not FORMAT.recognises(Sample(tmp_path))


HELD = ("id", "kb_id", "probability", "status", "grounding")


def held(record):
    """What a table has of a record, with values that are strings."""
    spans = record.spans and tuple(
        SpanRecord(
            span.start,
            span.end,
            span.label,
            text=record.text[span.start : span.end],
            **{name: getattr(span, name) for name in HELD if getattr(span, name) != ""},
        )
        for span in record.spans
    )
    strings = {key: value for key, value in record.other.items() if isinstance(value, str)}
    id = record.id or None
    spans = spans and tuple(
        replace(one, id=None if one.id is None else str(one.id)) for one in spans
    )
    return TextRecord(
        record.text, id=id, meta=record.meta, spans=spans,
        other={key: value for key, value in strings.items() if value},
    )  # fmt: skip


@st.composite
def table_records(draw):
    record = draw(records())
    id = draw(st.sampled_from([None, "a", 'é, "b"\n']))
    other = {key: draw(st.sampled_from(["x", "é\r\n", ""])) for key in draw(st.sampled_from(
        [(), ("ä b",), ("document", "type", "Text")]))}  # fmt: skip
    return replace(record, id=id, other=other, unknown=(), annotated_labels=None)


@pytest.mark.parametrize("name", ["a.csv", "a.tsv"])
@settings(deadline=None, max_examples=40)
@given(documents=st.lists(table_records(), min_size=1, max_size=4))
def test_what_is_written_is_read_again(name, tmp_path_factory, documents):
    path = tmp_path_factory.mktemp("table") / name
    assert write(documents, path, "table") == len(documents)
    assert list(read(path, "table", quoting="rfc4180")) == list(map(held, documents))


def test_what_is_lost_is_counted_or_refused(tmp_path, caplog):
    span = SpanRecord(0, 1, "X", id=1, meta={"a": 1}, other={"b": 2})
    record = TextRecord(
        "a", id=3, spans=(span,), tokens=(TokenRecord(0, 1),), blocked=((0, 1),),
        relations=(RelationRecord(1, 1, "r"),), other={"start": "x", "n": 1},
    )  # fmt: skip
    path = tmp_path / "a.csv"
    write([record, replace(record, spans=None, relations=())], path)
    assert caplog.messages[-1].partition("Left out: ")[2] == (
        "b of spans (1), blocked (2), meta of spans (1), relations (1), start (2), tokens (2), "
        "type of id (2), type of id of spans (1), type of n (2)"
    )
    assert path.read_bytes().decode() == (
        "record,doc_id,text,start,end,label,entity,span_id,annotated,n\r\n"
        "1,3,a,0,1,X,a,1,,1\r\n2,3,a,,,,,,no,1\r\n"
    )
    assert [record.spans is None for record in read(path)] == [False, True]
    with pytest.raises(ValueError, match=r"line 3: 'annotated' says that it is not annotated, but"):
        list(read(file_of(tmp_path, path.read_text().replace(",,,,,,no", ",0,1,X,a,,no")), "table"))
    for change in ({"unknown": ((0, 1),)}, {"annotated_labels": ("X",)}):
        with pytest.raises(ValueError, match=r"Record 1, 'a': its annotation is not complete"):
            write([replace(record, **change)], path)
