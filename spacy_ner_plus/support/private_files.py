"""Files that nobody but their owner may read (but on Windows, where they are as any)."""

import os
import stat
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO

from .durable import written_whole

OWNER_ONLY = 0o600


@contextmanager
def written_privately(path: Path) -> Iterator[IO[str]]:
    """Write a text file, there whole or not at all, that its owner alone may read.

    It is so from its first byte on, whatever the umask, and whatever was there before.

    RAISES FullDiskError: If the disk is full.
    """
    with written_whole(path) as unfinished:
        unfinished.unlink(missing_ok=True)  # of a killed process, maybe with another mode
        descriptor = os.open(unfinished, os.O_WRONLY | os.O_CREAT | os.O_EXCL, OWNER_ONLY)
        with os.fdopen(descriptor, "w", encoding="utf8", newline="\n") as file:
            yield file


def check_private(path: Path, what: str) -> None:
    """RAISES ValueError: There is no such file, or others than its owner may do anything with it.

    what (str): What it is, for the message.
    """
    if not path.is_file():
        raise ValueError(f"There is no file {path} with {what}.")
    mode = stat.S_IMODE(path.stat().st_mode)
    if os.name != "nt" and mode & 0o077:
        raise ValueError(
            f"{path} has {what}, and others may read or write it (mode {mode:04o}): "
            f"chmod 600 {path}."
        )
