"""`ner-plus vectors`: what it prints."""

from pathlib import Path

import pytest
from typer.testing import CliRunner

from spacy_ner_plus.cli import app
from spacy_ner_plus.text.vector_folder import read_vectors
from tests.small_files import no_file_over

# The third comes again, the fourth is empty, the fifth is no UTF-8, the sixth has blanks.
VECTORS = b"the 1 2\ncat 3 4\nthe 5 6\n 7 8\n\xff 9 9\n. . 1 1\nYork 2 2\n"
TEXTS = '{"text": "The York cats, the cat.", "spans": []}\n'


@pytest.fixture
def file(tmp_path: Path) -> Path:
    (tmp_path / "v.txt").write_bytes(VECTORS)
    (tmp_path / "texts.jsonl").write_text(TEXTS)
    return tmp_path / "v.txt"


def run(*arguments: object) -> tuple[int, str]:
    """Exit code, and all that was printed, with single spaces."""
    result = CliRunner().invoke(app, ["vectors", *map(str, arguments)])
    return result.exit_code, " ".join(result.output.split())


def test_words_are_counted(file: Path, tmp_path: Path) -> None:
    code, printed = run(file, tmp_path / "out")
    assert code == 0
    for row in (
        "words read 7", "that came before, left out 1", "that are empty, left out 1",
        "that are not UTF-8, left out 1", "words written 4", "with white space in them 1",
        "width 2", "numbers float32", "capitals yes", "size 0.0 MB",
        f"Wrote {tmp_path / 'out'}, from v.txt (GloVe text)",
    ):  # fmt: skip
        assert row in printed
    assert "texts" not in printed
    assert len(read_vectors(tmp_path / "out").keys) == 4


def test_words_of_texts_are_counted(file: Path, tmp_path: Path) -> None:
    options = ("--float16", "--words", 3, "--only-words-of", tmp_path / "texts.jsonl")
    code, printed = run(file, tmp_path / "out", *options)
    assert code == 0
    for row in (
        "words read 6", "that the texts do not have, left out 1", "words written 2",
        "numbers float16", "capitals none",
        "different words of the texts 7 with a vector 2 (28.6%) only in lower case 1 (14.3%)",
        "all words of the texts 7 with a vector 2 (28.6%) only in lower case 1 (14.3%)",
    ):  # fmt: skip
        assert row in printed


def test_what_is_wrong_is_one_message(file: Path, tmp_path: Path) -> None:
    file.write_bytes(b"a 1 2\nb 1\nc 1 2\n")
    code, printed = run(file, tmp_path / "out")
    assert code == 1
    assert printed == f"Error: {file}, line 2: it has 1 numbers, where 2 are expected."


def test_full_disk_leaves_what_was_there(file: Path, tmp_path: Path) -> None:
    assert run(file, tmp_path / "out")[0] == 0
    before = {path: path.read_bytes() for path in (tmp_path / "out").iterdir()}
    file.write_bytes(b"".join(b"word%d 1 2 3 4\n" % i for i in range(9000)))
    with no_file_over(50_000):
        code, printed = run(file, tmp_path / "out")
    assert code == 1
    assert "can't be written: the disk is full" in printed
    assert {path: path.read_bytes() for path in (tmp_path / "out").iterdir()} == before
    assert not (tmp_path / "out.unfinished").exists()
