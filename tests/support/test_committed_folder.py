"""Folders that are complete or not there, whenever the process is killed."""

import shutil
from pathlib import Path

import pytest

from spacy_ner_plus.support.committed_folder import CommittedFolder, remove_at_once
from tests.killing import killed_at_each_step, needs_fork

Tree = dict[str, str]

OLD = {"a": "the old one", "inner/b": "and more of it"}
NEW = {"a": "the new one", "inner/c": "and more of that"}


def write_tree(folder: Path, tree: Tree) -> None:
    for name, content in tree.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(content)


def read_tree(folder: Path) -> Tree | None:
    if not folder.exists():
        return None
    files = sorted(path for path in folder.rglob("*") if path.is_file())
    return {path.relative_to(folder).as_posix(): path.read_text() for path in files}


def commit(place: Path, tree: Tree) -> None:
    with CommittedFolder(place / "folder").writing() as folder:
        assert list(folder.iterdir()) == []
        write_tree(folder, tree)


def recover(place: Path) -> None:
    CommittedFolder(place / "folder").recover()


@pytest.fixture(params=[OLD, None], ids=["replaced", "new"])
def before(request: pytest.FixtureRequest, tmp_path: Path) -> Path:
    """The place of the folder, with another one of that name or without."""
    place = tmp_path / "before"
    place.mkdir()
    if request.param is not None:
        write_tree(place / "folder", request.param)
    return place


def test_commit_leaves_the_folder_alone(before: Path) -> None:
    commit(before, NEW)
    assert read_tree(before) == {f"folder/{name}": content for name, content in NEW.items()}


def test_failed_fill_leaves_the_folder_before(before: Path) -> None:
    old = read_tree(before / "folder")
    with (
        pytest.raises(OSError, match="No space"),
        CommittedFolder(before / "folder").writing() as folder,
    ):
        write_tree(folder, NEW)
        raise OSError("No space left on device")
    assert read_tree(before / "folder") == old
    commit(before, NEW)
    assert read_tree(before) == {f"folder/{name}": content for name, content in NEW.items()}


def test_folder_is_filled_where_it_is_said(tmp_path: Path) -> None:
    folders = tmp_path / "folders"
    with CommittedFolder(folders / "1", unfinished=folders / "next").writing() as folder:
        assert list(folders.iterdir()) == [folders / "next"] == [folder]
    assert list(folders.iterdir()) == [folders / "1"]


@pytest.mark.slow
@needs_fork
def test_killed_commit_leaves_the_folder_before_or_the_new_one(before: Path) -> None:
    old = read_tree(before / "folder")
    found = []
    for place in killed_at_each_step(before, lambda place: commit(place, NEW)):
        assert read_tree(place / "folder") in (None, old, NEW)
        recover(place)
        found.append(read_tree(place / "folder"))
        assert {path.name for path in place.iterdir()} <= {"folder"}
    n_old = found.index(NEW)
    assert n_old > 5  # it was killed while files were written, and while they were forced to disk
    assert found == [old] * n_old + [NEW] * (len(found) - n_old)


@pytest.mark.slow
@needs_fork
def test_commit_goes_on_after_any_kill(before: Path) -> None:
    newer = {"a": "a newer one"}
    for place in killed_at_each_step(before, lambda place: commit(place, NEW)):
        commit(place, newer)
        assert read_tree(place) == {"folder/a": "a newer one"}


@pytest.mark.slow
@needs_fork
def test_killed_recovery_can_be_repeated(tmp_path: Path) -> None:
    before, left = tmp_path / "before", tmp_path / "left"
    old, new = {"a": "the old one"}, {"a": "the new one"}
    write_tree(before / "folder", old)
    n_kills = 0
    for place in killed_at_each_step(before, lambda place: commit(place, new)):
        if {path.name for path in place.iterdir()} <= {"folder"}:
            continue  # nothing to do
        shutil.copytree(place, left)
        for again in killed_at_each_step(left, recover):
            n_kills += 1
            recover(again)
            assert read_tree(again / "folder") in (old, new)
            assert {path.name for path in again.iterdir()} <= {"folder"}
        shutil.rmtree(left)
    assert n_kills > 20


@pytest.mark.slow
@needs_fork
def test_killed_removal_leaves_the_whole_folder_or_none(tmp_path: Path) -> None:
    before = tmp_path / "before"
    write_tree(before / "folder", OLD)

    def remove(place: Path) -> None:
        remove_at_once(place / "folder", removed=place / "removed")

    found = []
    for place in killed_at_each_step(before, remove):
        found.append(read_tree(place / "folder"))
        remove(place)
        assert list(place.iterdir()) == []
    assert len(found) > 5  # it was killed at renaming, and while two files and two folders went
    n_old = found.index(None)
    assert found == [OLD] * n_old + [None] * (len(found) - n_old)
