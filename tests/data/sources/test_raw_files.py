"""Files that are no UTF-8 text: told at once, by name, before a row is read wrongly."""

import gzip
import zipfile
from collections.abc import Callable
from pathlib import Path

import pytest

import spacy_ner_plus
from spacy_ner_plus.data.sources.inputs import open_input
from spacy_ner_plus.data.sources.raw_files import check_head, open_bytes
from spacy_ner_plus.data.sources.rows import Fields

ROWS = {
    "txt": "Anna lives in Malmö.\nZoë does not.\n",
    "jsonl": '{"text": "Anna lives in Malmö.", "spans": []}\n',
    "csv": "text,id\nAnna lives in Malmö.,1\n",
    "tsv": "Anna\tB-PER\nlives\tO\n",
}
OTHERS = ["utf-16", "utf-16-le", "utf-16-be", "utf-32"]


def as_input(path: Path) -> None:
    source = open_input(path, None, Fields())
    for row in source.rows():
        source.parse(row)


READERS: dict[str, list[Callable[[Path], object]]] = {
    "txt": [as_input],
    "csv": [as_input],
    "jsonl": [as_input, lambda path: list(spacy_ner_plus.read(path))],
    "tsv": [lambda path: list(spacy_ner_plus.read(path))],
}
CASES = [(suffix, reader) for suffix, readers in READERS.items() for reader in readers]


@pytest.mark.parametrize("encoding", OTHERS)
@pytest.mark.parametrize(("suffix", "reader"), CASES)
def test_other_encodings_are_refused_by_name(
    tmp_path: Path, suffix: str, reader: Callable[[Path], object], encoding: str
) -> None:
    path = tmp_path / f"texts.{suffix}"
    path.write_bytes(ROWS[suffix].encode(encoding))
    name = encoding.upper().replace("UTF-16-", "UTF-16")
    with pytest.raises(ValueError, match=rf"texts.{suffix} is in {name}.*, not in UTF-8.*iconv"):
        reader(path)


@pytest.mark.parametrize(("suffix", "reader"), CASES)
def test_packed_files_are_read(
    tmp_path: Path, suffix: str, reader: Callable[[Path], object]
) -> None:
    path, packed = tmp_path / f"a.{suffix}", tmp_path / f"a.{suffix}.gz"
    path.write_bytes(ROWS[suffix].encode())
    packed.write_bytes(gzip.compress(ROWS[suffix].encode()))
    assert reader(packed) == reader(path)


def test_broken_archive_names_the_file(tmp_path: Path) -> None:
    path = tmp_path / "a.jsonl.gz"
    path.write_bytes(gzip.compress(b"x" * 10_000)[:-12])
    with pytest.raises(ValueError, match=r"a.jsonl.gz can't be unpacked"):
        list(spacy_ner_plus.read(path))
    path.write_bytes(b"\x1f\x8bnothing of the kind")
    with pytest.raises(ValueError, match=r"a.jsonl.gz can't be unpacked"):
        list(spacy_ner_plus.read(path))


def test_what_is_no_text_is_named(tmp_path: Path) -> None:
    path = tmp_path / "texts.csv"
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("xl/workbook.xml", "<workbook/>")
    with pytest.raises(
        ValueError, match=r"texts.csv is a ZIP archive, as .xlsx .*export the texts"
    ):
        as_input(path)


@pytest.mark.parametrize("text", ["", "a", "ab", "\0", "\0\0\0\0\0", "北京", "a\0b", "Zoë\n" * 9])
def test_utf8_is_left_alone(tmp_path: Path, text: str) -> None:
    path = tmp_path / "a.txt"
    path.write_text(text, encoding="utf8")
    with open_bytes(path) as file:
        assert file.read() == text.encode()
    check_head(path, b"\xef\xbb\xbf" + text.encode())


def test_long_lines_are_cut_in_messages(tmp_path: Path) -> None:
    path = tmp_path / "a.tsv"
    path.write_text("word " * 100_000 + "\n")
    with pytest.raises(ValueError, match=r"a\.tsv, line 1") as caught:
        list(spacy_ner_plus.read(path))
    assert len(str(caught.value)) < 1000


@pytest.mark.parametrize("suffix", ["csv", "jsonl", "txt"])
def test_packed_files_that_were_cut_off_are_refused_by_name(tmp_path: Path, suffix: str) -> None:
    """Also far behind their beginning, which alone is looked at when they are opened."""
    head, row, *_ = ROWS[suffix].splitlines(keepends=True) * 2
    text = head + "".join(row.replace("Malm", str(i)) for i in range(3000))
    path = tmp_path / f"a.{suffix}.gz"
    path.write_bytes(gzip.compress(text.encode())[:-100])
    with pytest.raises(ValueError, match=rf"a\.{suffix}\.gz can't be unpacked.*cut off"):
        as_input(path)
