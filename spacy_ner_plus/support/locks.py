"""One process at a time."""

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

if sys.platform != "win32":
    import fcntl


@contextmanager
def locked(path: Path, work: Path) -> Iterator[None]:
    """Keep other processes from the same work (but not on Windows).

    path (Path): The lock file, which stays. The lock ends with the process, however that ends.
    work (Path): What is being written, for the message.
    RAISES ValueError: If another process has the lock.
    """
    if sys.platform == "win32":
        yield
        return
    with path.open("w") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            raise ValueError(f"Another process is at work on {work}.") from error
        yield
