from pathlib import Path

import pytest

from spacy_ner_plus.support.digests import file_digest
from spacy_ner_plus.support.file_manifest import Fingerprint, Wording, find_problems

CONTENT = {"a": b"one", "b": b"three", "c": b"two"}
RECORDED = {name: Fingerprint.of(content) for name, content in CONTENT.items()}


def test_fingerprint_is_the_same_of_bytes_and_of_a_file(tmp_path: Path) -> None:
    (tmp_path / "a").write_bytes(b"one")
    found = Fingerprint.of(tmp_path / "a")
    assert found == Fingerprint.of(b"one")
    assert found == (3, file_digest(b"one"))


def test_find_problems_says_nothing_of_files_that_are_as_recorded(tmp_path: Path) -> None:
    for name, content in CONTENT.items():
        (tmp_path / name).write_bytes(content)
    assert list(find_problems(RECORDED, CONTENT)) == []
    assert list(find_problems(RECORDED, {name: tmp_path / name for name in CONTENT})) == []


def test_find_problems_tells_of_each_file_in_the_order_of_names() -> None:
    files = {"d": b"four", "c": b"tow", "b": b"shorter"}
    assert list(find_problems(RECORDED, files)) == [
        ("a", "is missing"),
        ("b", "has 7 bytes instead of 5"),
        ("c", "has another SHA-256 than it was written with"),
        ("d", "was added"),
    ]


def test_find_problems_uses_the_words_of_the_caller() -> None:
    wording = Wording(
        missing="is not there",
        added="is new",
        size="{expected} -> {found}",
        sha256="{expected:.4} -> {found:.4}",
    )
    files = {"d": b"four", "c": b"tow", "b": b"shorter"}
    expected, found = file_digest(b"two")[:4], file_digest(b"tow")[:4]
    assert list(find_problems(RECORDED, files, wording)) == [
        ("a", "is not there"),
        ("b", "5 -> 7"),
        ("c", f"{expected} -> {found}"),
        ("d", "is new"),
    ]


def test_find_problems_reads_no_file_before_it_is_asked_for(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Nor one whose size tells enough."""
    (tmp_path / "b").write_bytes(b"shorter")
    problems = find_problems(RECORDED, {"b": tmp_path / "b", "c": tmp_path / "c"})
    assert next(problems)[0] == "a"
    with monkeypatch.context() as patch:
        patch.setattr(Path, "open", lambda *_: pytest.fail("was opened"))
        assert next(problems) == ("b", "has 7 bytes instead of 5")
    with pytest.raises(FileNotFoundError):
        next(problems)
