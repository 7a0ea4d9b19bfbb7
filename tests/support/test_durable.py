"""Files that are whole or not there."""

from pathlib import Path

import pytest

from spacy_ner_plus.support import durable
from spacy_ner_plus.support.durable import remove, sync_tree, write_atomically, written_whole
from tests.killing import killed_at_each_step, needs_fork


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


def test_file_and_new_name_are_forced_to_the_disk(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    steps: list[tuple[Path, bool]] = []
    path = tmp_path / "new" / "a.json"
    monkeypatch.setattr(durable, "sync", lambda one: steps.append((one, path.exists())))
    with written_whole(path) as unfinished:
        unfinished.write_text("new")
    assert steps == [(unfinished, False), (path.parent, True)]
    assert list(path.parent.iterdir()) == [path]


@pytest.mark.slow
@needs_fork
@pytest.mark.parametrize("old", ["old", None])
def test_kill_at_each_step_leaves_the_old_file_or_the_new_one(
    old: str | None, tmp_path: Path
) -> None:
    before = tmp_path / "before"
    before.mkdir()
    if old is not None:
        (before / "a.json").write_text(old)

    def write_new(folder: Path) -> None:
        write_atomically(folder / "a.json", "new")

    found = []
    for folder in killed_at_each_step(before, write_new):
        path = folder / "a.json"
        found.append(path.read_text() if path.exists() else None)
        write_atomically(path, "newer")
        assert [path.read_text() for path in folder.iterdir()] == ["newer"]
    n_old = found.index("new")
    assert n_old >= 3  # it was killed at opening, forcing to the disk, and renaming
    assert found == [old] * n_old + ["new"] * (len(found) - n_old)


@needs_fork
def test_sync_tree_forces_all_to_the_disk(tmp_path: Path) -> None:
    before = tmp_path / "before"
    before.mkdir()

    def work(folder: Path) -> None:
        (folder / "inner").mkdir()
        for path in (folder / "a", folder / "inner" / "b"):
            path.write_text("new!")
        sync_tree(folder)

    for folder in killed_at_each_step(before, work):
        found = {path.name: path.read_text() for path in folder.rglob("*") if path.is_file()}
    assert found == {"a": "new!", "b": "new!"}


def test_remove_takes_files_and_folders_and_what_is_not_there(tmp_path: Path) -> None:
    folder = tmp_path / "folder"
    (folder / "inner").mkdir(parents=True)
    (folder / "inner" / "a").touch()
    (tmp_path / "b").touch()
    for name in ("folder", "b", "c"):
        remove(tmp_path / name)
    assert list(tmp_path.iterdir()) == []
