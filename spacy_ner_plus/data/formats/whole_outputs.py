"""Files, packed or not, and folders that are there whole in the end, or as they were before."""

import gzip
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from ...support.durable import remove, sync, sync_tree, written_whole
from ...support.full_disk import told_if_full

PACKED = ".gz"


def unpacked_name(path: Path) -> Path:
    """A path without the suffix of gzip."""
    return path.with_suffix("") if path.suffix.lower() == PACKED else path


@contextmanager
def whole_file(path: Path) -> Iterator[Path]:
    """Gives a path to write to; what is there becomes the file, packed if its name ends in .gz.

    The same content gives the same bytes.
    """
    with written_whole(path) as unfinished:
        if path.suffix.lower() != PACKED:
            yield unfinished
            return
        plain = path.with_name(f"{path.name}.unpacked")
        try:
            yield plain
            with (
                plain.open("rb") as content,
                unfinished.open("wb") as file,
                gzip.GzipFile("", "wb", fileobj=file, mtime=0) as packed,
            ):
                shutil.copyfileobj(content, packed)
        finally:
            plain.unlink(missing_ok=True)


@contextmanager
def whole_folder(path: Path) -> Iterator[Path]:
    """Gives an empty folder to write to, which becomes the folder.

    RAISES (ValueError): There is something already.
    """
    check_new_folder(path)
    path.parent.mkdir(parents=True, exist_ok=True)
    unfinished = path.with_name(f"{path.name}.unfinished")
    remove(unfinished)
    try:
        with told_if_full(path):
            unfinished.mkdir()
            yield unfinished
            sync_tree(unfinished)
        if path.exists():
            path.rmdir()
        unfinished.replace(path)
        sync(path.parent)
    finally:
        remove(unfinished)


def check_new_folder(path: Path) -> None:
    """RAISES (ValueError): If something is there that is no empty folder."""
    if path.exists() and not (path.is_dir() and not any(path.iterdir())):
        what = "a folder with files in it" if path.is_dir() else "a file"
        raise ValueError(f"{path} is {what}: name a new folder, or remove it first.")
