"""One process at a time."""

import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

if sys.platform != "win32":
    import fcntl


@contextmanager
def locked(path: Path, work: Path) -> Iterator[None]:
    """Keep other processes from the same work (but not on Windows).

    path (Path): A folder that is there, or a lock file, which stays. The lock ends with the
        process, however that ends.
    work (Path): What is being written, for the message.
    RAISES ValueError: If another process has the lock.
    """
    if sys.platform == "win32":
        yield
        return
    flags = os.O_RDONLY if path.is_dir() else os.O_WRONLY | os.O_CREAT
    descriptor = os.open(path, flags, 0o666)
    try:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            raise ValueError(f"Another process is at work on {work}.") from error
        yield
    finally:
        os.close(descriptor)
