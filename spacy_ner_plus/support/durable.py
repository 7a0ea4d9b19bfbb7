"""Files that are there whole or not at all, whenever the process is killed or the machine stops."""

import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from .full_disk import told_if_full


@contextmanager
def written_whole(path: Path) -> Iterator[Path]:
    """Gives another path to write to, which takes the place of this one in the end.

    If it is left by an error, this one stays as it was. Folders are made.

    RAISES FullDiskError: If the disk is full.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    unfinished = path.with_name(f"{path.name}.unfinished")
    try:
        with told_if_full(path):
            yield unfinished
            sync(unfinished)
        unfinished.replace(path)
        sync(path.parent)
    finally:
        unfinished.unlink(missing_ok=True)


def write_atomically(path: Path, text: str) -> None:
    """Write a file so that it is never seen half-written, whatever happens."""
    with written_whole(path) as unfinished:
        unfinished.write_text(text, encoding="utf8")


def sync(path: Path) -> None:
    """Wait until a file or folder is on the disk."""
    if path.is_dir() and os.name == "nt":  # Windows has no such thing for folders
        return
    descriptor = os.open(path, os.O_RDONLY if os.name != "nt" else os.O_RDWR)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def sync_tree(path: Path) -> None:
    """Wait until a file, or a folder with all that is in it, is on the disk."""
    for inner in [*path.rglob("*"), path]:
        sync(inner)


def remove(path: Path) -> None:
    """Remove a file, or a folder with all that is in it, if it is there."""
    if path.is_dir():
        shutil.rmtree(path)
    else:
        path.unlink(missing_ok=True)
