"""That killing at each step finds what is not durable."""

import os
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.killing import killed_at_each_step, needs_fork

pytestmark = [needs_fork, pytest.mark.slow]


@pytest.fixture
def before(tmp_path: Path) -> Path:
    folder = tmp_path / "before"
    folder.mkdir()
    (folder / "a").write_text("old!")
    return folder


def contents(before: Path, work: Callable[[Path], object]) -> list[dict[str, str]]:
    """All files after each kill."""
    return [
        {path.name: path.read_text() for path in sorted(folder.iterdir())}
        for folder in killed_at_each_step(before, work)
    ]


def write(path: Path, text: str, *, is_synced: bool) -> None:
    with path.open("w") as file:
        file.write(text)
        file.flush()
        if is_synced:
            os.fsync(file.fileno())


def test_what_was_not_forced_to_the_disk_is_lost(before: Path) -> None:
    found = contents(before, lambda folder: write(folder / "a", "new!", is_synced=False))
    assert found == [{"a": "old!"}, {"a": "ne"}]
    found = contents(before, lambda folder: write(folder / "a", "new!", is_synced=True))
    assert found == [{"a": "old!"}, {"a": "ne"}, {"a": "new!"}]


def test_renamed_file_is_lost_if_it_was_not_forced_to_the_disk(before: Path) -> None:
    def work(folder: Path) -> None:
        write(folder / "b", "new!", is_synced=False)
        (folder / "b").replace(folder / "a")

    expected = [{"a": "old!"}, {"a": "old!", "b": "ne"}, {"a": "ne"}]
    assert contents(before, work) == expected


def test_file_in_the_place_of_a_removed_one_is_lost_too(before: Path) -> None:
    def work(folder: Path) -> None:
        (folder / "a").unlink()
        write(folder / "b", "new!", is_synced=False)

    assert contents(before, work) == [{"a": "old!"}, {}, {"b": "ne"}]


def test_work_that_fails_or_changes_nothing_is_no_work(before: Path) -> None:
    with pytest.raises(AssertionError, match="nothing was changed"):
        contents(before, lambda folder: None)
    with pytest.raises(AssertionError, match="1"):
        contents(before, lambda folder: (folder / "no such file").read_text())
