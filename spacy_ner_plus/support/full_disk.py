"""Full disks and used-up quotas: errors that say of which file, and how to go on.

Python's own error names no file when a write fails, and each library that writes has another one.
"""

import errno
import re
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

_NO_ROOM = {errno.ENOSPC, errno.EFBIG, *filter(None, [getattr(errno, "EDQUOT", None)])}
# safetensors and other libraries in Rust have the number in their text, numpy has none at all.
_AS_TEXT = re.compile(r"os error (\d+)\)|(requested and \d+ written|No space left on device)")
_ADVICE = (
    "What was there before is as it was. Make room, or name another place, and do the same again."
)


class FullDiskError(OSError):
    """A file that can't be written for want of room. Made by told_if_full."""

    file: Path
    reason: str


@contextmanager
def told_if_full(path: Path, *, to_go_on: str | None = None) -> Iterator[None]:
    """Have the error of a full disk say which file it is about, and what to do.

    path (Path): What is written in the context.
    to_go_on (str): What to do, as sentences. Of contexts within each other, the outermost that
        knows counts.
    RAISES FullDiskError: If the disk is full. Other errors stay as they are.
    """
    try:
        yield
    except FullDiskError as error:
        if to_go_on is None:
            raise
        raise _full(error.file, error.reason, to_go_on) from error
    except Exception as error:
        if not _is_full(error):
            raise
        named = getattr(error, "filename", None)
        file = Path(named) if isinstance(named, str) else path
        reason = getattr(error, "strerror", None) or str(error)
        raise _full(file, reason, to_go_on or _ADVICE) from error


def _is_full(error: Exception) -> bool:
    if isinstance(error, OSError) and error.errno in _NO_ROOM:
        return True
    if isinstance(error, ValueError):  # it may quote a text that is about disks
        return False
    found = _AS_TEXT.search(str(error))
    return found is not None and (found[1] is None or int(found[1]) in _NO_ROOM)


def _full(file: Path, reason: str, to_go_on: str) -> FullDiskError:
    there = next(one for one in (file.absolute(), *file.absolute().parents) if one.exists())
    free = shutil.disk_usage(there).free
    error = FullDiskError(
        f"{file} can't be written: the disk is full, or a quota or limit is used up ({reason}; "
        f"{free / 1e6:,.1f} MB are free on the disk). {to_go_on}"
    )
    error.file, error.reason = file, reason
    return error
