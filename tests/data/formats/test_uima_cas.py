"""The samples are made up, in the form of INCEpTION's export."""

import sys
from dataclasses import replace
from io import BytesIO
from pathlib import Path
from tempfile import TemporaryDirectory
from zipfile import ZipFile

import pytest
from hypothesis import given, settings

from spacy_ner_plus.data.formats.form import Sample
from spacy_ner_plus.data.formats.uima_cas import FORMAT, UimaRecords
from spacy_ner_plus.data.formats.uima_layers import FEATURES
from spacy_ner_plus.data.formats.uima_writing import write_uima
from spacy_ner_plus.records import RelationRecord, SpanRecord, TextRecord, TokenRecord

from ...record_strategies import records

TYPES = """\
<?xml version="1.0" encoding="UTF-8"?>
<typeSystemDescription xmlns="http://uima.apache.org/resourceSpecifier"><types>
<typeDescription><name>de.tudarmstadt.ukp.dkpro.core.api.ner.type.NamedEntity</name>
<supertypeName>uima.tcas.Annotation</supertypeName><features>
<featureDescription><name>value</name><rangeTypeName>uima.cas.String</rangeTypeName></featureDescription>
<featureDescription><name>identifier</name><rangeTypeName>uima.cas.String</rangeTypeName></featureDescription>
<featureDescription><name>sure</name><rangeTypeName>uima.cas.Boolean</rangeTypeName></featureDescription>
</features></typeDescription>
<typeDescription><name>webanno.custom.Drug</name>
<supertypeName>uima.tcas.Annotation</supertypeName><features>
<featureDescription><name>kind</name><rangeTypeName>uima.cas.String</rangeTypeName></featureDescription>
</features></typeDescription>
<typeDescription><name>webanno.custom.Rel</name>
<supertypeName>uima.tcas.Annotation</supertypeName><features>
<featureDescription><name>Governor</name><rangeTypeName>uima.tcas.Annotation</rangeTypeName></featureDescription>
<featureDescription><name>Dependent</name><rangeTypeName>uima.tcas.Annotation</rangeTypeName></featureDescription>
<featureDescription><name>role</name><rangeTypeName>uima.cas.String</rangeTypeName></featureDescription>
</features></typeDescription>
<typeDescription><name>de.tudarmstadt.ukp.dkpro.core.api.segmentation.type.Token</name>
<supertypeName>uima.tcas.Annotation</supertypeName></typeDescription>
<typeDescription><name>de.tudarmstadt.ukp.dkpro.core.api.segmentation.type.Sentence</name>
<supertypeName>uima.tcas.Annotation</supertypeName></typeDescription>
</types></typeSystemDescription>
"""
XMI = """\
<?xml version="1.0" encoding="UTF-8"?>
<xmi:XMI xmlns:xmi="http://www.omg.org/XMI" xmlns:cas="http:///uima/cas.ecore"
 xmlns:ner="http:///de/tudarmstadt/ukp/dkpro/core/api/ner/type.ecore"
 xmlns:seg="http:///de/tudarmstadt/ukp/dkpro/core/api/segmentation/type.ecore"
 xmlns:custom="http:///webanno/custom.ecore" xmi:version="2.0"><cas:NULL xmi:id="0"/>
<ner:NamedEntity xmi:id="11" sofa="1" begin="3" end="6" value="Per" identifier="Q1" sure="true"/>
<ner:NamedEntity xmi:id="12" sofa="1" begin="7" end="10" value="Per"/>
<ner:NamedEntity xmi:id="13" sofa="1" begin="0" end="2"/>
<custom:Drug xmi:id="14" sofa="1" begin="0" end="2" kind="Smile"/>
<custom:Rel xmi:id="15" sofa="1" begin="7" end="10" Governor="11" Dependent="12" role="knows"/>
<custom:Rel xmi:id="16" sofa="1" begin="7" end="10" Governor="14" Dependent="12" role="knows"/>
<seg:Token xmi:id="17" sofa="1" begin="0" end="2"/>
<seg:Token xmi:id="18" sofa="1" begin="3" end="6"/>
<seg:Token xmi:id="19" sofa="1" begin="7" end="10"/>
<seg:Sentence xmi:id="20" sofa="1" begin="0" end="6"/>
<seg:Sentence xmi:id="21" sofa="1" begin="7" end="10"/>
<cas:Sofa xmi:id="1" sofaNum="1" sofaID="_InitialView" mimeType="text" sofaString="😀 Ana&#10;Bob"/>
<cas:View sofa="1" members="11 12 13 14 15 16 17 18 19 20 21"/></xmi:XMI>
"""


def archive(**files):
    content = BytesIO()
    with ZipFile(content, "w") as file:
        for name, value in {"TypeSystem.xml": TYPES, **files}.items():
            file.writestr(name, value)
    return content.getvalue()


def read(path, **options):
    source = UimaRecords(path, **options)
    return [record for _, record in source.records()], source


@pytest.fixture
def zipped(tmp_path):
    path = tmp_path / "doc.zip"
    path.write_bytes(archive(**{"doc.xmi": XMI}))
    return path


def test_uima_reads_entities_tokens_and_relations(zipped):
    (record,), source = read(zipped)
    assert (record.id, record.text) == ("doc", "😀 Ana\nBob")
    assert record.spans == (
        SpanRecord(2, 5, "Per", id=11, kb_id="Q1", meta={FEATURES: {"sure": True}}),
        SpanRecord(6, 9, "Per", id=12),
    )
    assert record.tokens == (
        TokenRecord(0, 1, True),
        TokenRecord(2, 5, False),
        TokenRecord(6, 9, True),
    )
    assert record.relations == (RelationRecord(11, 12, "knows"),)
    # whoever has looked there has not said what it is
    assert record.unknown == ((0, 1),)
    assert source.counts == {
        "annotations without a label passed over": 1,
        "annotations of webanno.custom.Drug passed over": 1,
        "relations of webanno.custom.Rel passed over": 1,
    }


def test_uima_reads_layers_as_told(zipped):
    (record,), _ = read(zipped, layer="webanno.custom.Drug", feature="kind")
    assert [(span.start, span.end, span.label) for span in record.spans] == [(0, 1, "Smile")]
    with pytest.raises(ValueError, match=r"Drug has no feature 'value', but kind: name the one"):
        read(zipped, layer="webanno.custom.Drug")


def test_uima_names_the_layers_that_are_there(zipped):
    write_uima([TextRecord("x", spans=(SpanRecord(0, 1, "X"),))], zipped, layer="a.B")
    with pytest.raises(ValueError, match=r"NamedEntity, but a.B: name one, layer"):
        read(zipped)
    assert read(zipped, layer="a.B")[0][0].spans[0].label == "X"


def test_uima_reads_folders_nested_archives_and_files_alike(zipped, tmp_path):
    ((record,), _), folder = read(zipped), tmp_path / "folder"
    (folder / "a").mkdir(parents=True)
    (folder / "a" / "doc.xmi").write_text(XMI, encoding="utf8")
    (folder / "a" / "TypeSystem.xml").write_text(TYPES)
    (folder / "b.txt").mkdir()
    (folder / "b.txt" / "ann.zip").write_bytes(zipped.read_bytes())
    found, _ = read(folder)
    assert [one.id for one in found] == ["a/doc", "b.txt/ann/doc"]
    assert [replace(one, id="doc") for one in found] == [record, record]
    assert read(folder / "a" / "doc.xmi")[0] == [record]
    (folder / "a" / "TypeSystem.xml").rename(tmp_path / "types.xml")
    with pytest.raises(ValueError, match=r"doc.xmi: there is no TypeSystem.xml beside it"):
        read(folder / "a")
    assert read(folder / "a" / "doc.xmi", type_system=tmp_path / "types.xml")[0] == [record]


@pytest.mark.parametrize(
    ("old", "new", "match"),
    [
        ('begin="3" end="6" value', 'begin="1" end="6" value', r"CAS \(UserWarning\): Not mapping"),
        ('end="10" value', 'end="99" value', "Not mapping external offset"),
        ("</xmi:XMI>", "", r"can't be read as a CAS \(XMLSyntaxError\)"),
    ],
)
def test_uima_refuses_what_does_not_fit(zipped, old, new, match):
    zipped.write_bytes(archive(**{"a.xmi": XMI.replace(old, new), "b.xmi": XMI}))
    with pytest.raises(ValueError, match=match):
        read(zipped)


def test_uima_knows_nothing_of_texts_in_files_without_the_layer(tmp_path):
    path = tmp_path / "x.zip"
    lines = [line for line in XMI.splitlines() if "ner:Named" not in line or "xmlns" in line]
    lines = [line for line in lines if "custom:" not in line]
    bare = "\n".join(lines).replace("11 12 13 14 15 16 ", "")
    path.write_bytes(archive(**{"a.xmi": bare}))
    (record,), source = read(path)
    assert record.spans is None
    assert list(source.counts.values()) == [1]
    path.write_bytes(archive(**{"a.xmi": bare, "b.xmi": XMI}))
    assert read(path)[0][0].spans == ()


@pytest.mark.parametrize("kind", ["xmi", "json"])
def test_uima_writes_what_it_read(zipped, tmp_path, kind):
    found, _ = read(zipped)
    path = tmp_path / "again.zip"
    assert write_uima(found, path, cas=kind) == (1, {})
    again, source = read(path)
    assert again == found
    assert source.counts == {}
    with ZipFile(path) as file:
        assert file.namelist() == [f"doc.{kind}", "TypeSystem.xml"]
    before = path.read_bytes()
    write_uima(found, path, cas=kind)
    assert path.read_bytes() == before


def test_uima_takes_what_was_changed_in_the_tool(tmp_path):
    spans = (
        SpanRecord(0, 1, "X", probability=0.5, id="a"),
        SpanRecord(1, 2, "Y", probability=0.25),
        SpanRecord(2, 3, "Z", status="rejected"),
    )
    path = tmp_path / "x.json"
    write_uima([TextRecord("abc", id="t", spans=spans)], path)
    path.write_text(path.read_text().replace('"value": "Y"', '"value": "W"'))
    (record,), _ = read(path)
    assert record.spans == (spans[0], spans[2], SpanRecord(1, 2, "W"))


def test_uima_refuses_what_can_not_be_written(tmp_path):
    with pytest.raises(ValueError, match=r"record 2 \('b'\): U\+0000 in 'x\\x00' can't be held by"):
        write_uima([TextRecord("x"), TextRecord("x\x00", id="b")], tmp_path / "x.zip")
    with pytest.raises(ValueError, match=r"a CAS is one text: write a \.zip file"):
        write_uima([TextRecord("x"), TextRecord("y")], tmp_path / "x.json.unfinished")
    with pytest.raises(ValueError, match="XMI needs its type system in a file beside"):
        write_uima([TextRecord("x")], tmp_path / "x.xmi")
    with pytest.raises(ValueError, match="cas must be one of xmi, json, got 'xml'"):
        write_uima([TextRecord("x")], tmp_path / "x.zip", cas="xml")


def test_uima_names_its_extra(zipped, monkeypatch):
    monkeypatch.setitem(sys.modules, "cassis", None)
    match = r'needs cassis, which is not installed: pip install "spacy_ner_plus\[uima\]"'
    with pytest.raises(ValueError, match=match):
        read(zipped)
    with pytest.raises(ValueError, match=match):
        write_uima([], zipped)


def test_uima_is_recognised_by_its_files(zipped, tmp_path):
    assert FORMAT.recognises(Sample(zipped))
    assert FORMAT.recognises(Sample(tmp_path, ("a.xmi", "TypeSystem.xml")))
    assert FORMAT.recognises(Sample(Path("x.json"), value={"%FEATURE_STRUCTURES": []}))
    (tmp_path / "other.zip").write_bytes(b"PK")
    for other in (tmp_path / "other.zip", Path("gone.zip"), Path("x.json")):
        assert not FORMAT.recognises(Sample(other))


@settings(max_examples=15, deadline=None)
@given(records(), records())
def test_uima_gives_every_record_back(one, other):
    held = [
        replace(record, spans=record.spans and tuple(replace(s, text=None) for s in record.spans))
        for record in (one, other)
    ]
    with TemporaryDirectory() as folder:
        path = Path(folder) / "file.zip"
        assert write_uima([one, other], path, cas="json") == (2, {})
        found = [record for _, record in UimaRecords(path).records()]
        bare = [
            replace(r, spans=r.spans and tuple(replace(s, text=None) for s in r.spans))
            for r in found
        ]
        assert bare == held
        if "\x00" not in one.text + other.text:
            write_uima([one, other], path)
            assert [record for _, record in UimaRecords(path).records()] == found


def test_uima_holds_features_of_all_kinds(tmp_path):
    kinds = [{"a": "x", "b": True, "c": 3, "d": 0.5}, {"a": 1}, {"class": "x"}, {"b": False}, {}]
    spans = tuple(SpanRecord(0, 1, "X", meta={FEATURES: kind}) for kind in kinds)
    for kind in ("xmi", "json"):
        write_uima([TextRecord("ab", id="1", spans=spans)], tmp_path / "x.zip", cas=kind)
        (record,), _ = read(tmp_path / "x.zip")
        assert record.spans == spans
