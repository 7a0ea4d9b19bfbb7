import hashlib
import json
import shutil
from pathlib import Path

import pytest

from spacy_ner_plus.training.checkpoint import MANIFEST, CheckpointFolder, verify
from tests.killing import killed_at_each_step, needs_fork


def fill(folder: Path) -> None:
    (folder / "weights").mkdir()
    (folder / "weights" / "a.bin").write_bytes(b"0123")
    (folder / "state.json").write_text("{}")


@pytest.fixture
def newest(tmp_path: Path) -> Path:
    folder = CheckpointFolder(tmp_path / "checkpoint")
    assert folder.newest() is None
    for n_steps in (9, 10):
        folder.write(n_steps, fill)
    path = folder.newest()
    assert path is not None
    return path


def test_write_replaces_the_checkpoint_before(newest: Path) -> None:
    assert newest.name == "10"  # after 9 by number, not by letters
    assert [path.name for path in newest.parent.iterdir()] == ["10"]
    verify(newest)


def test_write_leaves_the_checkpoint_of_the_same_step_as_it_is(newest: Path) -> None:
    def fail(folder: Path) -> None:
        raise AssertionError("it is written anew")

    CheckpointFolder(newest.parent).write(10, fail)
    assert [path.name for path in newest.parent.iterdir()] == ["10"]
    verify(newest)


def test_remove_is_complete_after_a_stopped_one(
    newest: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def stop(path: Path) -> None:
        (path / newest.name / "state.json").unlink()
        raise OSError("stopped")

    folder = CheckpointFolder(newest.parent)
    monkeypatch.setattr(shutil, "rmtree", stop)
    with pytest.raises(OSError, match="stopped"):
        folder.remove()
    monkeypatch.undo()
    assert folder.newest() is None
    folder.remove()
    assert list(newest.parent.parent.iterdir()) == []


@pytest.mark.slow
@needs_fork
def test_kill_at_each_step_of_writing_leaves_a_whole_checkpoint(newest: Path) -> None:
    found = []
    for output in killed_at_each_step(
        newest.parent.parent, lambda output: CheckpointFolder(output / "checkpoint").write(11, fill)
    ):
        folder = CheckpointFolder(output / "checkpoint")
        path = folder.newest()
        assert path is not None
        verify(path)
        found.append(path.name)
        folder.write(12, fill)
        assert [path.name for path in folder.path.iterdir()] == ["12"]
        verify(folder.path / "12")
    n_old = found.index("11")
    assert n_old > 10  # it was killed while files were written, and while they were forced to disk
    assert found == ["10"] * n_old + ["11"] * (len(found) - n_old)


@pytest.mark.slow
@needs_fork
def test_kill_at_each_step_of_removing_leaves_a_whole_checkpoint_or_none(newest: Path) -> None:
    found = []
    for output in killed_at_each_step(
        newest.parent.parent, lambda output: CheckpointFolder(output / "checkpoint").remove()
    ):
        folder = CheckpointFolder(output / "checkpoint")
        path = folder.newest()
        if path is not None:
            verify(path)
        found.append(path is not None)
        folder.remove()
        assert list(output.iterdir()) == []
    assert (found[0], found[-1]) == (True, False)
    assert found == sorted(found, reverse=True)


def test_verify_reads_what_earlier_versions_wrote(tmp_path: Path) -> None:
    (tmp_path / "weights").mkdir()
    (tmp_path / "weights" / "a.bin").write_bytes(b"0123")
    digest = hashlib.sha256(b"0123").hexdigest()
    (tmp_path / MANIFEST).write_text(
        f'{{"format": 1, "files": {{"weights/a.bin": [4, "{digest}"]}}}}'
    )
    verify(tmp_path)
    written = CheckpointFolder(tmp_path / "checkpoint")
    written.write(1, fill)
    assert json.loads((tmp_path / "checkpoint" / "1" / MANIFEST).read_text()) == {
        "format": 1,
        "files": {
            "weights/a.bin": [4, digest],
            "state.json": [2, hashlib.sha256(b"{}").hexdigest()],
        },
    }


def test_failed_write_leaves_the_checkpoint_before(newest: Path) -> None:
    def fail(folder: Path) -> None:
        fill(folder)
        raise OSError("No space left on device")

    folder = CheckpointFolder(newest.parent)
    with pytest.raises(OSError, match="No space"):
        folder.write(11, fail)
    assert folder.newest() == newest
    verify(newest)
    folder.write(12, fill)  # also where the failed one was
    assert [path.name for path in newest.parent.iterdir()] == ["12"]
    verify(newest.parent / "12")


def test_verify_names_what_is_damaged(newest: Path) -> None:
    path = newest / "weights" / "a.bin"
    path.write_bytes(b"012")
    with pytest.raises(ValueError, match=r"a\.bin has 3 bytes instead of 4"):
        verify(newest)
    path.write_bytes(b"0124")
    with pytest.raises(ValueError, match=r"a\.bin has another SHA-256"):
        verify(newest)
    path.unlink()
    with pytest.raises(ValueError, match=r"a\.bin is missing"):
        verify(newest)
    path.write_bytes(b"0123")
    (newest / "b.bin").touch()
    with pytest.raises(ValueError, match=r"b\.bin was added"):
        verify(newest)


def test_verify_refuses_bad_manifest(newest: Path) -> None:
    path = newest / MANIFEST
    manifest = json.loads(path.read_text())
    path.write_text(json.dumps({**manifest, "format": 99}))
    with pytest.raises(ValueError, match="has format 99"):
        verify(newest)
    path.write_text(path.read_text()[:20])
    with pytest.raises(ValueError, match=r"manifest\.json can't be read"):
        verify(newest)
    path.unlink()
    with pytest.raises(ValueError, match=r"manifest\.json can't be read"):
        verify(newest)
