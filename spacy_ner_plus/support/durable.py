"""What commands need that go on after a kill.

That is files that are there whole or not at all, and whether a run is the one that was begun.
"""

import hashlib
import json
import os
import sys
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

if sys.platform != "win32":
    import fcntl

PACKAGES = ("spacy_ner_plus", "spacy", "thinc", "torch", "transformers", "tokenizers", "numpy")
MAX_SHOWN = 10


def write_atomically(path: Path, text: str) -> None:
    """Write a file so that it is never seen half-written, whatever happens."""
    unfinished = path.with_name(f"{path.name}.unfinished")
    unfinished.write_text(text, encoding="utf8")
    sync(unfinished)
    unfinished.replace(path)
    sync(path.parent)


def sync(path: Path) -> None:
    """Wait until a file or folder is on the disk."""
    if path.is_dir() and os.name == "nt":  # Windows has no such thing for folders
        return
    descriptor = os.open(path, os.O_RDONLY if os.name != "nt" else os.O_RDWR)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


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


def file_digest(path: Path) -> str:
    """SHA-256 of a file's content."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def content_digest(path: Path) -> str:
    """SHA-256 of a file, or of the names and contents of all files in a folder."""
    if path.is_file():
        return file_digest(path)
    digest = hashlib.sha256()
    for file in sorted(file for file in path.rglob("*") if file.is_file()):
        digest.update(f"{file.relative_to(path).as_posix()}\0{file_digest(file)}\n".encode())
    return digest.hexdigest()


def package_versions(packages: Iterable[str] = PACKAGES) -> dict[str, str]:
    """The versions of what computes results: others may give others."""
    return {name: _version(name) for name in packages}


def differences(then: Mapping[str, Any], now: Mapping[str, Any]) -> list[str]:
    """Where settings differ, a few words each: by name, with their values as JSON."""
    return [
        f"{name}: {_shown(then, name)} then, {_shown(now, name)} now"
        for name in sorted({*then, *now})
        if (name in then) != (name in now) or then.get(name) != now.get(name)
    ]


def describe(found: list[str]) -> str:
    """The first differences, a line each, and the count of the others."""
    more = [f"and {len(found) - MAX_SHOWN} more"] if len(found) > MAX_SHOWN else []
    return "\n".join(f"  {line}" for line in [*found[:MAX_SHOWN], *more])


def _shown(settings: Mapping[str, Any], name: str) -> str:
    return json.dumps(settings[name], ensure_ascii=False) if name in settings else "not set"


def _version(package: str) -> str:
    try:
        return version(package)
    except PackageNotFoundError:
        return "none"
