import hashlib
from pathlib import Path

from spacy_ner_plus.support.digests import content_digest, file_digest, files_in


def sha256(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()


def test_file_digest_is_sha256_of_bytes_and_of_a_file(tmp_path: Path) -> None:
    (tmp_path / "a").write_bytes(b"abc")
    assert file_digest(tmp_path / "a") == file_digest(b"abc") == sha256(b"abc")


def test_files_in_are_those_of_all_folders_in_the_order_of_paths(tmp_path: Path) -> None:
    for name in ("b", "a.txt", "a/c", "a/b/d"):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).touch()
    found = files_in(tmp_path)
    assert list(found) == ["a/b/d", "a/c", "a.txt", "b"]
    assert found["a/b/d"] == tmp_path / "a" / "b" / "d"


def test_content_digest_is_that_of_names_and_contents(tmp_path: Path) -> None:
    """Unfinished runs have it written down: it must stay as it is."""
    (tmp_path / "inner").mkdir()
    (tmp_path / "inner" / "b").write_bytes(b"two")
    (tmp_path / "a").write_bytes(b"one")
    text = f"a\0{sha256(b'one')}\ninner/b\0{sha256(b'two')}\n"
    assert content_digest(tmp_path) == sha256(text.encode())
    assert content_digest(tmp_path / "a") == sha256(b"one")
