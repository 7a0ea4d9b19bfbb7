import hashlib
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from spacy_ner_plus.cli import app
from spacy_ner_plus.support.sha256_sums import find_problems, read_sums

ASSETS = Path(__file__).parents[3] / "assets"


def digest(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    folder = tmp_path / "corpus"
    folder.mkdir()
    (folder / "train.tsv").write_bytes(b"a\tO\n")
    (folder / "dev.tsv").write_bytes(b"b\tO\n")
    train, dev = digest(b"a\tO\n"), digest(b"b\tO\n").upper()
    (folder / "SHA256SUMS").write_text(f"{train}  train.tsv\n{dev} *dev.tsv\n")
    return folder


def run(*paths: Path) -> Result:
    return CliRunner().invoke(app, ["project", "check", *map(str, paths)])


def test_check_accepts_folder_and_file_of_sums(folder: Path) -> None:
    assert run(folder).exit_code == 0
    result = run(folder, folder / "SHA256SUMS")
    assert result.exit_code == 0
    words = " ".join(result.output.split())  # wasabi breaks lines
    assert words.count("2 files are as expected") == 2


def test_check_names_file_and_both_hashes_of_a_mismatch(folder: Path) -> None:
    (folder / "dev.tsv").write_bytes(b"c\tO\n")
    result = run(folder)
    assert result.exit_code == 1
    expected, got = digest(b"b\tO\n"), digest(b"c\tO\n")
    assert f"{folder / 'dev.tsv'} differs: expected SHA-256 {expected}, got {got}" in result.output
    assert "train.tsv differs" not in result.output
    assert "git checkout" in result.output


def test_check_names_every_missing_file(folder: Path) -> None:
    for name in ("train.tsv", "dev.tsv"):
        (folder / name).unlink()
    result = run(folder)
    assert result.exit_code == 1
    for name in ("train.tsv", "dev.tsv"):
        assert f"{folder / name} is missing" in result.output


def test_check_of_missing_corpus_names_those_that_exist(folder: Path) -> None:
    result = run(folder.parent / "corpsu")
    assert result.exit_code == 1
    assert f"corpsu does not exist. There are: {folder}" in result.output


def test_check_of_folder_without_sums_says_how_to_write_them(tmp_path: Path) -> None:
    result = run(tmp_path)
    assert result.exit_code == 1
    assert "has no file SHA256SUMS" in result.output
    assert "sha256sum FILES" in result.output


@pytest.mark.parametrize(
    ("lines", "message"),
    [
        ("0" * 63 + "  a\n", "line 1: expected"),
        ("\n" + "0" * 64 + " a\n", "line 2: expected"),
        ("0" * 64 + "  ../a\n", "line 1: '../a' leads out of"),
        ("0" * 64 + "  /a\n", "line 1: '/a' leads out of"),
        ("0" * 64 + "  a\n" + "1" * 64 + "  a\n", "line 2: 'a' is listed twice"),
        ("\n", "lists no files"),
    ],
)
def test_read_sums_refuses_bad_lines(tmp_path: Path, lines: str, message: str) -> None:
    path = tmp_path / "SHA256SUMS"
    path.write_text(lines)
    with pytest.raises(ValueError, match=message):
        read_sums(path)


@pytest.mark.parametrize(
    ("corpus", "suffix"), [("bc5cdr", "pubtator"), ("bc5cdr-columns", "tsv"), ("wnut17", "tsv")]
)
def test_shipped_corpora_are_intact_and_complete(corpus: str, suffix: str) -> None:
    sums = read_sums(ASSETS / corpus / "SHA256SUMS")
    assert find_problems(ASSETS / corpus, sums) == []
    assert set(sums) == {*(f"{part}.{suffix}" for part in ("train", "dev", "test")), "LICENSE"}
    assert (ASSETS / corpus / "README.md").is_file()
