"""The samples are made up, in the form that brat writes."""

import json
from dataclasses import replace
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from hypothesis import given, settings

from spacy_ner_plus.data.formats.brat import FORMAT, BratRecords
from spacy_ner_plus.data.formats.brat_folder import DOCUMENTS, LABELS
from spacy_ner_plus.data.formats.brat_writing import GONE, write_brat
from spacy_ner_plus.data.formats.form import Sample
from spacy_ner_plus.records import RelationRecord, SpanRecord, TextRecord

from ...record_strategies import records

TEXT = "Ana Ek joined Acme\nBank in Oslo.\r\nIt paid 😀 left and right arms."
ANN = """\
T1	Person 0 6	Ana Ek
T2	Org 14 18;19 23	Acme Bank
T3	Join 7 13	joined
E1	Join:T3 Who:T1 Where:T2
T4	City 27 31	Oslo
R1	Located Arg1:T2 Arg2:T4\t
A1	Individual T1
A2	Mention T1 Name
A3	Confidence E1 High
N1	Reference T4 Wikipedia:64	Oslo
#1	AnnotatorNotes T4	Which one?
#2	AnnotatorNotes E1	Sure?
#3	AnnotationError T1	odd
*	Alias T1 T2
T5	Arm 44 48;59 63	left arms
"""


def folder_of(tmp_path, ann=ANN, text=TEXT, name="a"):
    (tmp_path / f"{name}.txt").write_bytes(text.encode())
    if ann is not None:
        (tmp_path / f"{name}.ann").write_bytes(ann.encode())
    return tmp_path


def read(path, **options):
    source = BratRecords(path, **options)
    return [record for _, record in source.records()], source


def told(record):
    """With the text of each span, which .ann files have of all."""
    spans = record.spans and tuple(
        replace(span, text=record.text[span.start : span.end]) for span in record.spans
    )
    return replace(record, spans=spans)


def test_brat_reads_entities_and_what_refers_to_them(tmp_path):
    (record,), source = read(folder_of(tmp_path))
    assert (record.id, record.text) == ("a", TEXT)
    assert [(TEXT[s.start : s.end], s.label, s.id) for s in record.spans] == [
        ("Ana Ek", "Person", "T1"),
        ("Acme\nBank", "Org", "T2"),
        ("Oslo", "City", "T4"),
    ]
    ana, _, oslo = record.spans
    assert ana.meta == {"attributes": {"Individual": True, "Mention": "Name"}}
    assert (oslo.kb_id, oslo.meta) == ("Wikipedia:64", {"kb_name": "Oslo", "notes": ["Which one?"]})
    assert record.relations == (RelationRecord("T2", "T4", "Located", id="R1"),)
    assert source.counts == {
        "event triggers passed over": 1,
        "events passed over": 1,
        "attributes passed over": 1,
        "notes passed over": 2,
        "equivalences passed over": 1,
        "discontinuous entities: refuse": 1,
    }
    # what was refused is not outside of entities
    assert record.unknown == ((44, 63),)


@pytest.mark.parametrize(
    ("discontinuous", "covered"), [("cover", ["left and right arms"]), ("split", ["left", "arms"])]
)
def test_brat_takes_discontinuous_entities_as_told(tmp_path, discontinuous, covered):
    (record,), source = read(folder_of(tmp_path), discontinuous=discontinuous)
    assert [s.text for s in record.spans if s.label == "Arm"] == covered
    assert source.counts[f"discontinuous entities: {discontinuous}"] == 1
    assert record.unknown == ()
    with pytest.raises(ValueError, match=r"one of refuse, cover, split, got 'join'"):
        BratRecords(tmp_path, discontinuous="join")


@pytest.mark.parametrize("options", [{}, {"triggers": True}, {"discontinuous": "cover"}])
def test_brat_writes_every_line_again(tmp_path, options):
    written = tmp_path / "written"
    (before,), source = read(folder_of(tmp_path / ".." / tmp_path.name), **options)
    assert write_brat([before], written).lost == {}
    assert sorted((written / "a.ann").read_text().splitlines()) == sorted(ANN.splitlines())
    assert (written / "a.txt").read_bytes() == TEXT.encode()
    (after,), again = read(written, **options)
    assert after == before
    assert again.counts == source.counts


def test_brat_leaves_out_lines_whose_annotations_are_gone(tmp_path):
    (record,), _ = read(folder_of(tmp_path))
    spans = tuple(span for span in record.spans if span.id == "T4")
    written = write_brat([replace(record, spans=spans, relations=())], tmp_path / "written")
    # the event, its attribute and note; the equivalence; the note on T1
    assert written.lost == {GONE: 5}
    (after,), _ = read(tmp_path / "written", triggers=True)
    assert [span.id for span in after.spans] == ["T4", "T3"]


def test_brat_tells_no_annotation_from_no_entities(tmp_path):
    folder_of(folder_of(tmp_path, None, name="b"), "", name="c")
    (nothing_known, none), source = read(tmp_path)
    assert (nothing_known.spans, none.spans) == (None, ())
    assert source.counts == {"texts without .ann, about which nothing is known": 1}
    write_brat([nothing_known, none], tmp_path / "out")
    assert sorted(one.name for one in (tmp_path / "out").glob("*.ann")) == ["c.ann"]


@pytest.mark.parametrize("name", ["a.txt", "a.ann"])
def test_brat_reads_one_file(tmp_path, name):
    folder_of(folder_of(tmp_path), name="b")
    (record,), _ = read(tmp_path / name)
    assert record.id == "a"


def test_brat_reads_subfolders_of_what_was_written(tmp_path):
    texts = [TextRecord("x", id=id, meta={"n": id}) for id in ("z/b", "z/a", "c")]
    write_brat(texts, tmp_path)
    assert read(tmp_path)[0] == texts
    assert [(r.id, r.meta) for r in read(tmp_path / "z")[0]] == [
        ("b", {"n": "z/b"}),
        ("a", {"n": "z/a"}),
    ]
    assert read(tmp_path / "z" / "a.txt")[0][0].meta == {"n": "z/a"}
    (tmp_path / "c.txt").unlink()
    (tmp_path / "c.ann").unlink()
    left, source = read(tmp_path)
    assert len(left) == 2
    assert source.counts == {"texts that are no longer there": 1}


def test_brat_lists_all_lines_that_are_wrong(tmp_path):
    ann = "T1 Person 0 6 Ana Ek\nT2\tOrg 14\tAcme\nT3\tX 3 3\t\nR1\tIn Arg1:T7 Arg2:T2\n"
    folder_of(folder_of(tmp_path, ann), "T1\tX 1 2\tn\nT1\tX 1 2\tn\n", name="b")
    with pytest.raises(ValueError) as caught:
        read(tmp_path)
    message = str(caught.value)
    assert "2 texts can't be read" in message
    for part in (
        "a.ann: 4 lines",
        "line 1, 'T1 Person 0 6 Ana Ek': a line starts with an id, such as T1, and a tab",
        "line 2, ",
        "line 3, ",
        "there is no T7 and no T2",
        "b.ann: line 2, ",
        "there is another T1 before it",
    ):
        assert part in message


@pytest.mark.parametrize(
    ("line", "match"),
    [
        ("T1\tOrg 0 6\tZorn\n", r"its text is 'Zorn', but characters 0-6 of the text are 'Ana Ek'"),
        ("T1\tOrg 60 660\tZorn\n", "are not within the text of 64 characters"),
        ("T1\tArm 44 48;50 52\tleft arm\n", "T1: its text is 'left arm', but its fragments"),
    ],
)
def test_brat_refuses_offsets_that_do_not_fit(tmp_path, line, match):
    with pytest.raises(ValueError, match=match):
        read(folder_of(tmp_path, line), discontinuous="cover")


def test_brat_refuses_annotations_without_a_text_and_texts_in_other_encodings(tmp_path):
    (tmp_path / "a.ann").write_text(ANN)
    with pytest.raises(ValueError, match=r"a.ann: there is no .txt file of the same name"):
        read(tmp_path)
    (tmp_path / "a.txt").write_bytes("Å".encode("latin1"))
    with pytest.raises(ValueError, match=r"a.txt: byte 1, 0xc5, is not UTF-8"):
        read(tmp_path)


def test_brat_reads_offsets_in_utf16_if_told(tmp_path):
    ann = "T1\tArm 46 50;62 66\tleft arms\nT2\tX 44 45\t\U0001f600\n".replace("46 50", "45 49")
    ann = ann.replace("62 66", "60 64").replace("44 45", "42 44")
    (record,), _ = read(folder_of(tmp_path, ann), offsets="utf16", discontinuous="cover")
    assert [span.text for span in record.spans] == ["left and right arms", "😀"]


def test_brat_takes_what_was_changed_in_brat(tmp_path):
    spans = (
        SpanRecord(0, 3, "Full name", probability=0.5, id="x"),
        SpanRecord(4, 6, "Full name", probability=0.25),
        SpanRecord(7, 13, "Verb", status="rejected"),
    )
    write_brat([TextRecord(TEXT, id="a", spans=spans)], tmp_path)
    assert json.loads((tmp_path / LABELS).read_text()) == {"Full_name": "Full name"}
    lines = (tmp_path / "a.ann").read_text().splitlines()
    assert lines == ["T1\tFull_name 0 3\tAna", "T2\tFull_name 4 6\tEk"]
    edited = ["T1\tFull_name 0 6\tAna Ek", "T3\tFull_name 14 18\tAcme", "R1\tIn Arg1:T1 Arg2:T3"]
    (tmp_path / "a.ann").write_text("\n".join(edited))
    (record,), _ = read(tmp_path)
    assert [(s.text, s.label, s.id, s.probability, s.status) for s in record.spans] == [
        ("Ana Ek", "Full name", "T1", None, None),
        (None, "Verb", None, None, "rejected"),
        ("Acme", "Full name", "T3", None, None),
    ]
    assert record.relations == (RelationRecord("T1", "T3", "In", id="R1"),)


@pytest.mark.parametrize(
    "id", [None, 7, "", "../up", "a/../b", ".hidden", "CON", "nul.x", "a b", "é", "x.", "y.txt/z"]
)
def test_brat_gives_ids_back_that_are_no_names_of_files(tmp_path, id):
    texts = [TextRecord("one", id=id), TextRecord("two", id=id), TextRecord("three", id="A")]
    texts += [TextRecord("four", id="a"), TextRecord("five", id="document-000001")]
    write_brat(texts, tmp_path / "in")
    assert read(tmp_path / "in")[0] == texts
    assert [one.name for one in tmp_path.iterdir()] == ["in"]


def test_brat_names_the_line_of_its_own_files_that_is_broken(tmp_path):
    write_brat([TextRecord("one", spans=(SpanRecord(0, 1, "a b"),))], tmp_path)
    (tmp_path / LABELS).write_text("[]")
    with pytest.raises(ValueError, match=r"labels.json should be an object"):
        read(tmp_path)
    (tmp_path / DOCUMENTS).write_text('{"file": "a"}\n\n{}\n')
    with pytest.raises(ValueError, match=r"documents.jsonl, line 3: it should be an object"):
        read(tmp_path)


def test_brat_is_recognised_by_its_files(tmp_path):
    folder_of(tmp_path)
    (tmp_path / "b.txt").touch()
    assert FORMAT.recognises(Sample(tmp_path, ("a.txt", "a.ann")))
    assert FORMAT.recognises(Sample(tmp_path / "a.txt"))
    assert FORMAT.recognises(Sample(tmp_path / "a.ann"))
    assert not FORMAT.recognises(Sample(tmp_path / "b.txt"))
    assert not FORMAT.recognises(Sample(tmp_path, ("b.txt", "c.spacy")))


@settings(max_examples=60, deadline=None)
@given(records(), records())
def test_brat_gives_every_record_back(one, other):
    with TemporaryDirectory() as folder:
        written = write_brat([one, other], Path(folder))
        assert (written.n_records, written.lost) == (2, {})
        found, source = read(Path(folder))
    assert [told(record) for record in found] == [told(one), told(other)]
    assert source.warnings == []
