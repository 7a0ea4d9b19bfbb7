"""Files that are whole, and runs that are the same."""

import hashlib
import re
import sys
from pathlib import Path

import pytest
import spacy

from spacy_ner_plus.support.durable import (
    MAX_SHOWN,
    describe,
    differences,
    file_digest,
    locked,
    package_versions,
    write_atomically,
)


def test_write_atomically_replaces_a_file(tmp_path: Path) -> None:
    path = tmp_path / "a.json"
    for text in ("old", "né"):
        write_atomically(path, text)
        assert path.read_bytes() == text.encode("utf8")
    assert list(tmp_path.iterdir()) == [path]


def test_write_atomically_leaves_the_old_file_if_it_fails(tmp_path: Path) -> None:
    path = tmp_path / "a.json"
    write_atomically(path, "old")
    with pytest.raises(UnicodeEncodeError):
        write_atomically(path, "new \ud800")
    assert path.read_text(encoding="utf8") == "old"


@pytest.mark.skipif(sys.platform == "win32", reason="there is no lock")
def test_locked_keeps_others_from_the_same_work_until_it_ends(tmp_path: Path) -> None:
    lock, work = tmp_path / "lock", tmp_path / "out"
    with (
        locked(lock, work),
        pytest.raises(ValueError, match=f"at work on {re.escape(str(work))}"),
        locked(lock, work),
    ):
        pass
    with locked(lock, work):
        pass


def test_file_digest_is_sha256(tmp_path: Path) -> None:
    (tmp_path / "a").write_bytes(b"abc")
    assert file_digest(tmp_path / "a") == hashlib.sha256(b"abc").hexdigest()


def test_package_versions_tell_what_is_not_there() -> None:
    assert package_versions(["spacy", "no-such-package"]) == {
        "spacy": spacy.__version__,
        "no-such-package": "none",
    }
    assert "torch" in package_versions()


def test_differences_are_named() -> None:
    then = {"seed": 0, "path": "a", "rate": 0.1, "same": [1], "null": None}
    now = {"seed": 1, "path": "ä", "folds": 5, "same": [1]}
    assert differences(then, now) == [
        "folds: not set then, 5 now",
        "null: null then, not set now",
        'path: "a" then, "ä" now',
        "rate: 0.1 then, not set now",
        "seed: 0 then, 1 now",
    ]
    assert differences(then, then) == []


def test_describe_counts_what_it_leaves_out() -> None:
    assert describe(["a", "b"]) == "  a\n  b"
    lines = describe([str(i) for i in range(MAX_SHOWN + 3)]).splitlines()
    assert lines[-2:] == [f"  {MAX_SHOWN - 1}", "  and 3 more"]
