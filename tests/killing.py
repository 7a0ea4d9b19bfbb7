"""Work on files that is killed at every step, with what was not forced to the disk lost."""

import multiprocessing
import os
import shutil
import signal
import sys
from collections.abc import Callable, Iterator
from itertools import count
from pathlib import Path
from typing import Any

import pytest

# Python tells of these before they happen; "open" is one if it is for writing.
CHANGES = {"open", "os.mkdir", "os.rename", "os.remove", "os.rmdir"}
FOR_WRITING = os.O_WRONLY | os.O_RDWR

needs_fork = pytest.mark.skipif(not hasattr(os, "fork"), reason="processes can't be copied")


def killed_at_each_step(before: Path, work: Callable[[Path], object]) -> Iterator[Path]:
    """Do work on copies of a folder, each time in a process of its own that is killed with SIGKILL
    one step later than the last one: before its first change, before its second, and so on. Then
    the power fails: files that were written and not forced to the disk are cut in half.

    before (Path): The folder as it is before the work.
    work (Callable[[Path], object]): Does the work on the folder that it is given.
    YIELDS (Path): The copy after each kill, the last one after the whole work.
    """
    for step in count(1):
        folder = before.with_name(f"{before.name}-killed-at-{step}")
        shutil.copytree(before, folder)
        process = multiprocessing.get_context("fork").Process(
            target=_work_up_to, args=(step, folder, work)
        )
        process.start()
        process.join(60)
        assert process.exitcode in (0, -signal.SIGKILL), process.exitcode
        yield folder
        shutil.rmtree(folder)
        if process.exitcode == 0:
            assert step > 1, "nothing was changed"
            return


def _work_up_to(step: int, folder: Path, work: Callable[[Path], object]) -> None:
    disk = _Disk(folder, step)
    original = os.fsync

    def fsync(descriptor: int) -> None:
        disk.count_step()
        original(descriptor)
        disk.synced.add(os.fstat(descriptor).st_ino)

    os.fsync = fsync
    sys.addaudithook(disk.watch)
    work(folder)
    disk.lose_power()


class _Disk:
    """What is on the disk for good, and how many steps are left to go."""

    def __init__(self, folder: Path, n_steps: int) -> None:
        self.folder = folder
        self.n_left: float = n_steps
        self.synced = {path.stat().st_ino for path in _files(folder)}

    def watch(self, event: str, arguments: tuple[Any, ...]) -> None:
        if event not in CHANGES or (event == "open" and not arguments[2] & FOR_WRITING):
            return
        self.count_step()
        if event == "open":
            self._forget(arguments[0])
        elif event == "os.remove":  # a new file may get the number of a removed one
            self._forget(arguments[0], arguments[1])
        elif event == "os.rename":
            self._forget(arguments[1], arguments[3])

    def count_step(self) -> None:
        self.n_left -= 1
        if self.n_left == 0:
            self.lose_power()
            os.kill(os.getpid(), signal.SIGKILL)

    def lose_power(self) -> None:
        self.n_left = float("inf")  # what follows is no work
        for path in _files(self.folder):
            if path.stat().st_ino not in self.synced:
                os.truncate(path, path.stat().st_size // 2)

    def _forget(self, path: Any, folder: int = -1) -> None:
        try:
            found = os.stat(path, dir_fd=None if folder == -1 else folder, follow_symlinks=False)
        except FileNotFoundError:
            return
        self.synced.discard(found.st_ino)


def _files(folder: Path) -> list[Path]:
    return [path for path in folder.rglob("*") if path.is_file()]
