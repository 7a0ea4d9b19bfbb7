"""The samples are made up, in the form of PubTator's files."""

from dataclasses import replace
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from hypothesis import given, settings

from spacy_ner_plus.data.formats.form import Sample
from spacy_ner_plus.data.formats.pubtator import (
    COLUMNS,
    FORMAT,
    NO_ID,
    PARTS,
    PASSAGES,
    RELATIONS,
    PubTatorRecords,
    write_pubtator,
)
from spacy_ner_plus.records import SpanRecord, TextRecord

from ...record_strategies import records

CONTENT = """\
12|t|Lithium 😀 toxicity.
12|a|Head and neck cancer.
12\t0\t7\tLithium\tChemical\tD016651
12\t10\t18\ttoxicity\tDisease\t-1
12\t20\t40\tHead and neck cancer\tDisease\tD1|D2\tHead cancer|neck cancer
12\t29\t33\tneck\tPart
12\tCID\tD016651\tD1
12\tBind\tD016651\tD2\tNovel

13|t|Nothing here
13|a|
"""


def read(tmp_path, content=CONTENT, **options):
    path = tmp_path / "file.pubtator"
    path.write_bytes(content.encode())
    source = PubTatorRecords(path, **options)
    return [record for _, record in source.records()], source


def test_pubtator_reads_mentions_ids_and_relations(tmp_path):
    (record, empty), source = read(tmp_path)
    assert (record.id, record.text) == ("12", "Lithium 😀 toxicity. Head and neck cancer.")
    assert [(s.text, s.label, s.kb_id, s.meta, s.other) for s in record.spans] == [
        ("Lithium", "Chemical", "D016651", {}, {}),
        ("toxicity", "Disease", None, {}, {NO_ID: "-1"}),
        ("Head and neck cancer", "Disease", "D1|D2", {PARTS: "Head cancer|neck cancer"}, {}),
        ("neck", "Part", None, {}, {}),
    ]
    assert record.meta == {
        PASSAGES: [["t", 0, 19], ["a", 20, 41]],
        RELATIONS: [["CID", "D016651", "D1"], ["Bind", "D016651", "D2", "Novel"]],
    }
    assert (empty.spans, empty.meta) == ((), {})
    assert source.counts == {}


@pytest.mark.parametrize(
    "content",
    [
        CONTENT,
        "\n12|t|T\n12|a|\n12|b|Body\n12\t3\t4\tB\tX\t\n".lstrip("\n"),
        "12|t|Title\n12\t0\t5\tTitle\tX\tD1\tone\ttwo\tthree\n",
        "12|t|\n12|a|A\n12\t1\t2\tA\tX\t-\n",
    ],
)
def test_pubtator_writes_what_it_read(tmp_path, content):
    found, _ = read(tmp_path, content)
    again = tmp_path / "again.pubtator"
    assert write_pubtator(found, again).lost == {}
    assert again.read_bytes().decode() == content


def test_pubtator_reads_windows_line_ends_and_a_mark_alike(tmp_path):
    plain, _ = read(tmp_path)
    assert read(tmp_path, "\ufeff" + CONTENT.replace("\n", "\r\n"))[0] == plain
    # documents that follow each other without a blank line
    assert read(tmp_path, CONTENT.replace("\n\n", "\n"))[0] == plain


def test_pubtator_knows_nothing_of_texts_in_a_file_without_mentions(tmp_path):
    found, source = read(tmp_path, "1|t|One\n1|a|\n\n2|t|Two\n2|a|\n")
    assert [record.spans for record in found] == [None, None]
    assert list(source.counts.values()) == [2]
    path = tmp_path / "out.pubtator"
    write_pubtator(found, path)
    assert [record for _, record in PubTatorRecords(path).records()] == found
    with pytest.raises(ValueError, match=r"no text has an entity, and a PubTator file without"):
        write_pubtator([TextRecord("One")], path)
    mixed = [TextRecord("One", spans=(SpanRecord(0, 1, "X"),)), TextRecord("Two", spans=None)]
    with pytest.raises(ValueError, match=r"record 2: PubTator can't tell texts about which"):
        write_pubtator(mixed, path)


def test_pubtator_lists_all_lines_that_are_wrong(tmp_path):
    content = "12|t|Title\n13\t0\t5\tTitle\tX\n12\t0\t5\n12\n\n14\t0\t5\tTitle\tX\n"
    with pytest.raises(ValueError) as caught:
        read(tmp_path, content)
    message = str(caught.value)
    for part in (
        "2 texts can't be read",
        "3 lines can't be read",
        "line 2, ",
        "line 3, ",
        "line 4",
    ):
        assert part in message
    assert "it should begin with '12' and a tab" in message
    assert "a mention has an id of the text, start, end, text and type" in message
    assert "a document begins with a title, 14|t|Title." in message


def test_pubtator_refuses_offsets_that_do_not_fit_and_finds_their_unit(tmp_path):
    content = "1|t|😀 Lithium is\n1\t3\t10\tLithium\tX\n"
    for options in ({}, {"offsets": "utf16"}):
        (record,), _ = read(tmp_path, content, **options)
        assert (record.spans[0].start, record.spans[0].end) == (2, 9)
    with pytest.raises(ValueError, match=r"line 1: spans\[0\]: its text is 'Sodium', but"):
        read(tmp_path, content.replace("\tLithium", "\tSodium"))


@pytest.mark.parametrize(
    ("fields", "match"),
    [
        ({"annotated_labels": ("X",)}, r"record 1 \('a'\): .*annotated for X only"),
        ({"unknown": ((0, 1),)}, "characters 0-1 are unknown"),
        ({"spans": (SpanRecord(0, 1, "X", status="ignored"),)}, "X at characters 0-1 is ignored"),
        ({"spans": (SpanRecord(0, 1, "a\tb"),)}, "label is 'a\\\\tb', with tabs"),
        ({"spans": (SpanRecord(0, 1, "X", kb_id="a\nb"),)}, "kb_id is 'a\\\\nb', with tabs"),
    ],
)
def test_pubtator_refuses_what_it_would_say_otherwise(tmp_path, fields, match):
    with pytest.raises(ValueError, match=match):
        write_pubtator([TextRecord("text", id="a", **fields)], tmp_path / "out.pubtator")


def test_pubtator_counts_what_it_has_no_place_for(tmp_path):
    span = SpanRecord(
        0, 1, "X", kb_id="-1", probability=0.5, meta={PARTS: "a", "n": 1}, other={COLUMNS: ["b"]}
    )
    rejected = SpanRecord(0, 1, "X", status="rejected")
    meta = {RELATIONS: [["0", "1"]], PASSAGES: [["t", 0, 3]]}
    record = TextRecord("a\nb\t", id=7, meta=meta, spans=(span, rejected), blocked=((0, 1),))
    assert write_pubtator([record], tmp_path / "out").lost == {
        "ids": 1,
        "texts' line breaks and tabs": 2,
        "kb_id of spans": 1,
        "probability of spans": 1,
        f"{COLUMNS} of spans": 1,
        "meta of spans": 1,
        "rejected spans": 1,
        "meta": 1,
        "blocked": 1,
    }
    ((_, found),) = PubTatorRecords(tmp_path / "out").records()
    assert found == TextRecord("a b ", id="7", spans=(SpanRecord(0, 1, "X", "a"),))


def test_pubtator_is_recognised_by_its_first_line():
    assert FORMAT.recognises(Sample(Path("x.txt"), lines=("12|t|Title", "12|a|")))
    assert not FORMAT.recognises(Sample(Path("x.txt"), lines=("a\tB-X",)))
    assert not FORMAT.recognises(Sample(Path("x.txt")))


def held(record):
    """What PubTator holds of a record."""
    text = record.text.translate(dict.fromkeys(map(ord, "\r\n\t"), " "))
    spans = tuple(
        SpanRecord(span.start, span.end, span.label, text[span.start : span.end], kb_id=span.kb_id)
        for span in record.spans
        if span.is_accepted
    )
    return TextRecord(text, id=record.id, spans=spans)


@settings(max_examples=60, deadline=None)
@given(records())
def test_pubtator_holds_texts_and_mentions_of_every_record(record):
    last = TextRecord("x", id="last", spans=(SpanRecord(0, 1, "X", "x"),))
    record = replace(record, id="first", annotated_labels=None, unknown=())
    spans = tuple(replace(s, status=None) for s in record.spans or () if s.status != "ignored")
    record = replace(record, spans=spans, relations=())
    with TemporaryDirectory() as folder:
        path = Path(folder) / "file"
        written = write_pubtator([record, last], path)
        found = [one for _, one in PubTatorRecords(path).records()]
        assert found == [held(record), last]
        # what is held is given back without loss
        assert write_pubtator(found, path).lost == {}
        assert [one for _, one in PubTatorRecords(path).records()] == found
    if not written.lost:
        told = [replace(s, text=record.text[s.start : s.end], status=None) for s in record.spans]
        assert found[0] == replace(record, spans=tuple(told))
