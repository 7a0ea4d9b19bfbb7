"""The samples are made up, in the forms of BioC JSON and of PubTator's export."""

import json
from dataclasses import replace
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from hypothesis import given, settings

from spacy_ner_plus.data.formats.bioc_json import FORMAT, BioCRecords
from spacy_ner_plus.data.formats.bioc_passages import BIOC, length
from spacy_ner_plus.data.formats.bioc_writing import write_bioc
from spacy_ner_plus.data.formats.form import Sample
from spacy_ner_plus.records import RelationRecord, SpanRecord, TextRecord

from ...record_strategies import records

TITLE, ABSTRACT = "Lithium 😀 is toxic.", "It caused left and right arm pain."


def annotation(id, label, text, *places, **infons):
    locations = [{"offset": start, "length": end - start} for start, end in places]
    infons = {"type": label, **infons}
    return {"id": id, "infons": infons, "text": text, "locations": locations}


def document(unit="characters"):
    """Offsets are those of the file; the abstract begins 3 behind the title."""
    first = 100 + length(TITLE, unit) + 3
    toxic = 100 + length(TITLE[:13], unit)
    return {
        "_id": "12|None",
        "id": "12",
        "infons": {"license": "none"},
        "passages": [
            {
                "infons": {"type": "title", "section": "Title"},
                "offset": 100,
                "text": TITLE,
                "sentences": [],
                "annotations": [
                    annotation("2", "Chemical", "Lithium", (100, 107), identifier="D1", valid=True),
                    annotation("3", "Disease", "toxic", (toxic, toxic + 5), identifier=None),
                ],
                "relations": [],
            },
            {
                "infons": {"type": "abstract"},
                "offset": first,
                "text": ABSTRACT,
                "annotations": [
                    annotation(
                        "4", "Pain", "left arm", (first + 10, first + 14), (first + 25, first + 28)
                    ),
                    annotation("5", "Topic", None) | {"text": ""},
                ],
            },
        ],
        "relations": [
            {
                "id": "R1",
                "infons": {"type": "Cause", "score": "1"},
                "nodes": [{"refid": "2", "role": "agent"}, {"refid": "3", "role": ""}],
            },
            {
                "id": "R2",
                "infons": {"type": "Association", "role1": {"identifier": "D1"}},
                "nodes": [{"refid": "2", "role": "0,1"}, {"refid": "3", "role": ""}],
            },
        ],
        "journal": "J",
    }


def read(tmp_path, content, **options):
    path = tmp_path / "file.json"
    path.write_text(content if isinstance(content, str) else json.dumps(content), encoding="utf8")
    source = BioCRecords(path, **options)
    return [record for _, record in source.records()], source


@pytest.mark.parametrize("unit", ["characters", "utf16", "bytes"])
def test_bioc_reads_passages_at_their_offsets_in_any_unit(tmp_path, unit):
    (record,), source = read(tmp_path, {"source": "PubTator", "documents": [document(unit)]})
    assert (record.id, record.text) == ("12", f"{TITLE}   {ABSTRACT}")
    chemical, disease = record.spans
    assert (chemical.text, chemical.label, chemical.kb_id, chemical.id) == (
        "Lithium",
        "Chemical",
        "D1",
        "2",
    )
    assert chemical.other == {"infons": {"valid": True}}
    assert (disease.text, disease.kb_id, disease.other) == (
        "toxic",
        None,
        {"infons": {"identifier": None}},
    )
    relation = RelationRecord(
        "2", "3", "Cause", id="R1", other={"infons": {"score": "1"}, "roles": ["agent", ""]}
    )
    assert record.relations == (relation,)
    assert record.meta[BIOC]["collection"] == {"source": "PubTator"}
    arm = record.text.index("left")
    assert record.unknown == ((arm, arm + 18),)
    found = {key: n for key, n in source.counts.items() if unit not in key}
    assert found == {
        "discontinuous entities: refuse": 1,
        "annotations without a location passed over": 1,
        "relations passed over": 1,
    }
    assert len(source.counts) == 3 + (unit != "characters")


@pytest.mark.parametrize("options", [{}, {"discontinuous": "cover"}])
def test_bioc_writes_what_it_read(tmp_path, options):
    collection = {"source": "PubTator", "date": "2020", "key": "k.txt", "documents": [document()]}
    found, source = read(tmp_path, collection, **options)
    path = tmp_path / "again.json"
    assert write_bioc(found, path).lost == {}
    again = BioCRecords(path, **options)
    assert [record for _, record in again.records()] == found
    assert again.counts == source.counts
    written = json.loads(path.read_text())
    (one,) = written.pop("documents")
    assert written == {"source": "PubTator", "date": "2020", "key": "k.txt", "infons": {}}
    assert (one["journal"], one["_id"], one["infons"]["license"]) == ("J", "12|None", "none")
    passages = document()["passages"]
    for passage, before in zip(one["passages"], passages, strict=True):
        assert passage["offset"] == before["offset"]
        assert passage["infons"] == before["infons"]
        assert sorted(a["id"] for a in passage["annotations"]) == [
            a["id"] for a in before["annotations"]
        ]
    assert one["passages"][0]["annotations"] == passages[0]["annotations"]
    assert {relation["id"] for relation in one["relations"]} == {"R1", "R2"}


def test_bioc_splits_discontinuous_entities_if_told(tmp_path):
    (record,), _ = read(tmp_path, [document()], discontinuous="split")
    assert [(s.text, s.id) for s in record.spans if s.label == "Pain"] == [
        ("left", "4"),
        ("arm", None),
    ]
    with pytest.raises(ValueError, match=r"one of refuse, cover, split, got 'x'"):
        BioCRecords(tmp_path, discontinuous="x")


def test_bioc_reads_all_forms_alike(tmp_path):
    (plain,), _ = read(tmp_path, [document()])
    for content in (
        {"PubTator3": [document()]},
        document(),
        json.dumps(document()) + "\n",
        json.dumps({"documents": [document()]}, indent=1),
        [{"documents": [document()]}],
    ):
        assert read(tmp_path, content)[0] == [plain]
    lines = json.dumps(document()) + "\n\n" + json.dumps(document()) + "\n"
    assert read(tmp_path, lines)[0] == [plain, plain]


def test_bioc_reads_passages_that_each_count_from_0_and_sentences(tmp_path):
    passages = [
        {"offset": 0, "text": "One 😀", "annotations": [annotation("1", "X", "One", (0, 3))]},
        {
            "offset": 0,
            "sentences": [
                {"offset": 0, "text": "Two.", "annotations": [annotation("2", "X", "Two", (0, 3))]},
                {
                    "offset": 6,
                    "text": "Three",
                    "annotations": [annotation("3", "X", "ee", (9, 11))],
                },
            ],
        },
    ]
    (record,), _ = read(tmp_path, {"id": "1", "passages": passages})
    assert record.text == "One 😀 Two.  Three"
    assert [(s.id, record.text[s.start : s.end]) for s in record.spans] == [
        ("1", "One"),
        ("2", "Two"),
        ("3", "ee"),
    ]
    write_bioc([record], tmp_path / "again")
    assert [one for _, one in BioCRecords(tmp_path / "again").records()] == [record]


def test_bioc_keeps_the_order_of_spans_that_were_sorted(tmp_path):
    (record,), _ = read(tmp_path, [document()], discontinuous="cover")
    record = replace(record, spans=tuple(sorted(record.spans, key=lambda span: -span.start)))
    write_bioc([record], tmp_path / "again")
    source = BioCRecords(tmp_path / "again", discontinuous="cover")
    assert [one for _, one in source.records()] == [record]


def test_bioc_knows_nothing_of_documents_in_a_file_without_annotations(tmp_path):
    bare = {"id": "1", "passages": [{"offset": 0, "text": "One", "annotations": []}]}
    found, source = read(tmp_path, {"documents": [bare, bare]})
    assert [record.spans for record in found] == [None, None]
    assert list(source.counts.values()) == [2]
    found, source = read(tmp_path, {"documents": [bare, document()]})
    assert found[0].spans == ()
    # but our own say it
    write_bioc([TextRecord("One", id="a"), TextRecord("Two", id="b", spans=None)], tmp_path / "own")
    own = [record for _, record in BioCRecords(tmp_path / "own").records()]
    assert [record.spans for record in own] == [(), None]


def test_bioc_wants_the_unit_where_it_can_not_be_found(tmp_path):
    one = annotation("1", "X", "b", (3, 4))
    del one["text"]
    content = {"id": "1", "passages": [{"offset": 0, "text": "😀 ab", "annotations": [one]}]}
    with pytest.raises(ValueError, match=r"line 1: its annotations have no text.*--offsets"):
        read(tmp_path, content)
    assert read(tmp_path, content, offsets="utf16")[0][0].spans[0].text == "a"
    assert read(tmp_path, content, offsets="characters")[0][0].spans[0].text == "b"


def test_bioc_lists_documents_that_are_wrong(tmp_path):
    bad = [
        {"id": "1"},
        {"passages": [{"offset": -1, "text": "x"}]},
        {"passages": [{"text": 1}]},
        {"passages": [{"text": "x", "annotations": [{"id": "a"}]}]},
        {"passages": [{"text": "x", "annotations": [{"infons": {}, "locations": [[0, 1]]}]}]},
        {"passages": [{"text": "xyz", "annotations": [annotation("1", None, "x", (0, 1))]}]},
        {"passages": [{"text": "xyz", "annotations": [annotation("1", "X", "y", (0, 1))]}]},
        {"passages": [{"text": "xyz", "annotations": [annotation("1", "X", "y", (0, 9))]}]},
    ]
    with pytest.raises(ValueError) as caught:
        read(tmp_path, bad)
    message = str(caught.value)
    for part in (
        "8 texts can't be read",
        "element 1: passages must be a list",
        "element 2: passages[0].offset must be a number from 0",
        "element 3: passages[0].text must be a string",
        "element 4: an annotation of passages[0], 'a': locations must be a list",
        "a location must be an object with offset and length",
        "annotation '1': it has no infon 'type'",
        "element 7: spans[0]: its text is 'y', but characters 0-1 of the text are 'x'",
        "element 8: spans[0]: characters 0-9 are not within the text",
    ):
        assert part in message
    with pytest.raises(ValueError, match=r"file.json: invalid JSON"):
        read(tmp_path, '{\n"id": "1",\n}')


def test_bioc_takes_type_and_id_from_other_infons(tmp_path):
    one = annotation("1", "ignored", "ab", (0, 2), ner="X", MESH="D1")
    content = {"id": "1", "passages": [{"offset": 0, "text": "ab", "annotations": [one]}]}
    options = {"label_key": "ner", "kb_key": "MESH"}
    found, _ = read(tmp_path, content, **options)
    assert (found[0].spans[0].label, found[0].spans[0].kb_id) == ("X", "D1")
    write_bioc(found, tmp_path / "again", **options)
    source = BioCRecords(tmp_path / "again", **options)
    assert [record for _, record in source.records()] == found
    (again,) = json.loads((tmp_path / "again").read_text())["documents"]
    assert again["passages"][0]["annotations"] == [one]


def test_bioc_is_recognised_by_its_first_value():
    for value in (document(), {"documents": [document()]}, {"PubTator3": []}):
        assert FORMAT.recognises(Sample(Path("x.json"), value=value))
    for value in (None, [], {"text": "x"}, {"documents": [{"text": "x"}]}, {"documents": "x"}):
        assert not FORMAT.recognises(Sample(Path("x.json"), value=value))


def told(record):
    """With the text of each entity, which the file has of all."""
    spans = record.spans and tuple(
        replace(span, text=record.text[span.start : span.end]) if span.is_accepted else span
        for span in record.spans
    )
    return replace(record, spans=spans)


@settings(max_examples=60, deadline=None)
@given(records(), records())
def test_bioc_gives_every_record_back(one, other):
    with TemporaryDirectory() as folder:
        path = Path(folder) / "file"
        assert write_bioc([one, other], path) == (2, {})
        found = [record for _, record in BioCRecords(path).records()]
    assert found == [told(one), told(other)]


def test_bioc_gives_nothing_back_of_no_records(tmp_path):
    assert write_bioc([], tmp_path / "file") == (0, {})
    assert list(BioCRecords(tmp_path / "file").records()) == []


def test_bioc_keeps_an_empty_id_and_relations_to_it(tmp_path):
    spans = (SpanRecord(0, 1, "X", "a", id=""), SpanRecord(1, 2, "X", "b", id=2))
    record = TextRecord("ab", spans=spans, relations=(RelationRecord("", 2, "r"),))
    write_bioc([record], tmp_path / "file")
    assert [one for _, one in BioCRecords(tmp_path / "file").records()] == [record]
