"""Every format through one door."""

import gzip
import re
from collections import Counter
from dataclasses import replace
from pathlib import Path

import pytest
import spacy

from spacy_ner_plus.data.formats.form import Format
from spacy_ner_plus.data.formats.json_lines import JsonLinesRecords
from spacy_ner_plus.data.formats.record_files import (
    FORMATS,
    find_format,
    open_records,
    read,
    write,
)
from spacy_ner_plus.data.formats.written import Written
from spacy_ner_plus.records import RelationRecord, SpanRecord, TextRecord, TokenRecord
from tests.record_schema import DOCS

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


@pytest.mark.parametrize(
    ("name", "content", "format"),
    [
        ("a.jsonl", "x", "jsonl"),
        ("a.SPACY", "x", "spacy"),
        ("a.tsv", "a\tO\n", "columns"),
        ("a.txt", '\n{"text": "a"}\n', "jsonl"),
        ("a", '["a", {"entities": []}]', "offsets"),
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


@pytest.mark.parametrize("pack", [bytes, gzip.compress])
@pytest.mark.parametrize(
    ("name", "content", "format"),
    [
        ("a.jsonl", '[\n{"text": "a"}]', "offsets"),
        ("a.json", '{\n"text": "a"}', "jsonl"),
        ("a.tsv", '\ufeff{"text": "a"}', "jsonl"),
        ("a.jsonl", "Anna\tB-PER", "jsonl"),
        ("a.bio", "# {}\nAnna\tB-PER", "columns"),
    ],
)
def test_content_tells_more_than_the_name(name, content, format, pack, tmp_path):
    path = tmp_path / (name + ".gz" * (pack is gzip.compress))
    path.write_bytes(pack(content.encode("utf8")))
    assert find_format(path) == format


def test_what_no_format_knows_is_an_error_that_names_all(tmp_path):
    for name, content, what in (("a.json", b'{"a": 1}', "JSON"), ("a.x", b"PK\x03\x04", "no text")):
        path = tmp_path / name
        path.write_bytes(content)
        with pytest.raises(
            ValueError, match=rf"is {what}, and of no format .*: name one of .*jsonl"
        ):
            find_format(path)
    (tmp_path / "a.jsonl.gz").write_bytes(gzip.compress(b'{"text": "a"}')[:-9])
    with pytest.raises(ValueError, match=r"a\.jsonl\.gz can't be unpacked"):
        find_format(tmp_path / "a.jsonl.gz")


def test_folders_are_read_file_by_file(tmp_path):
    folder = tmp_path / "in"
    with pytest.raises(ValueError, match="There is no file"):
        open_records(folder)
    folder.mkdir()
    with pytest.raises(ValueError, match="in is a folder without files of a format that is known"):
        open_records(folder)
    write([ANNA], folder / "b.spacy")
    assert find_format(folder) == "spacy"
    (folder / "b.spacy").unlink()
    write([ANNA], folder / "b" / "b.tsv")
    write([RICH], folder / "a.jsonl")
    for other in ("README", ".hidden.jsonl"):
        (folder / other).write_text("Read me")
    source = open_records(folder)
    found = list(source.records())
    assert [record.id for _, record in found] == [7, None]
    assert found[0][0] == f"{folder}/a.jsonl, line 1"
    assert source.counts["files of other formats passed over"] == 1
    assert source.warnings[0] == f"files of other formats passed over (1): {folder}/README"
    assert source.notes[0] == f"{folder}/b/b.tsv: layout tsv"
    assert list(read(folder, "jsonl")) == [RICH]
    with pytest.raises(ValueError, match="a folder without files of the format 'spacy'"):
        read(folder, "spacy")
    with pytest.raises(ValueError, match="group says nothing to the format 'jsonl'"):
        read(folder, group=1)


def test_packed_files_are_there_whole_or_not_at_all(tmp_path):
    path = tmp_path / "a.jsonl.gz"
    for _ in range(2):
        before = path.read_bytes() if path.exists() else None
        assert write([ANNA, RICH], path) == 2
        assert before in (None, path.read_bytes())
    assert list(read(path)) == [ANNA, RICH]
    assert gzip.decompress(path.read_bytes()).startswith(b'{"id": "a"')
    with pytest.raises(AttributeError):
        write([ANNA, None], path)
    assert list(read(path)) == [ANNA, RICH]
    assert [one.name for one in tmp_path.iterdir()] == ["a.jsonl.gz"]
    with pytest.raises(ValueError, match="'spacy' is not packed with gzip"):
        write([ANNA], tmp_path / "a.spacy.gz")


def test_folders_are_there_whole_or_not_at_all(tmp_path, monkeypatch):
    def write_folder(records, path):
        for i, record in enumerate(records):
            (path / str(i)).write_text(record.text)
        return Written(1, Counter())

    monkeypatch.setitem(
        FORMATS, "folder", Format((".d",), JsonLinesRecords, write_folder, writes_folder=True)
    )
    path = tmp_path / "new" / "a.d"
    with pytest.raises(AttributeError):
        write([ANNA, None], path)
    assert list(path.parent.iterdir()) == []
    path.mkdir()
    write([ANNA], path)
    assert [(one.name, one.read_text()) for one in path.iterdir()] == [("0", ANNA.text)]
    assert list(path.parent.iterdir()) == [path]
    with pytest.raises(ValueError, match="is a folder with files in it: name a new folder"):
        write([ANNA], path)
    with pytest.raises(ValueError, match="'folder' is written as a folder, not to standard outp"):
        write([ANNA], "-", "folder")
    with pytest.raises(ValueError, match="0 is a file: name a new folder"):
        write([ANNA], path / "0", "folder")


def test_unknown_formats_and_options_are_refused(tmp_path):
    (tmp_path / "a.jsonl").write_text('{"text": "a"}')
    with pytest.raises(ValueError, match=r"no format 'none': name one of .*jsonl, spacy, columns"):
        read(tmp_path / "a.jsonl", "none")
    with pytest.raises(ValueError, match=r"a\.xml has a format that its name does not tell: name"):
        write([ANNA], tmp_path / "a.xml")
    with pytest.raises(ValueError, match=r"group says nothing to .*'jsonl', .* has lenient"):
        read(tmp_path / "a.jsonl", group=3)
    with pytest.raises(ValueError, match=r"group says nothing to the format 'columns', .* layout"):
        write([ANNA], tmp_path / "a.tsv", group=3)
    for name in ("none", "none.jsonl", "none.spacy"):
        with pytest.raises(ValueError, match=f"There is no file .*{name}: correct its name"):
            read(tmp_path / name)
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


@pytest.mark.parametrize("n", [3, 101])
def test_one_document_mark_on_top_of_a_file(tmp_path: Path, n: int) -> None:
    """It may be a heading: --group is used then, and without it many sentences are noticed."""
    path = tmp_path / "a.conll"
    path.write_text("-DOCSTART- -X- O O\n\n" + "Anna NNP I-NP B-PER\n\n" * n)
    grouped = open_records(path, group=2)
    assert len(list(grouped.records())) == (n + 1) // 2
    assert grouped.warnings == []
    whole = open_records(path)
    assert len(list(whole.records())) == 1
    assert [f"all its {n:,} sentences make one document" in one for one in whole.warnings] == (
        [True] if n > 100 else []
    )
