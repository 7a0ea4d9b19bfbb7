"""The beginning of a file or folder, by which formats are told apart."""

from itertools import islice
from pathlib import Path

from ..sources.json_values import first_value
from ..sources.raw_files import open_bytes
from .form import Sample

_MOST_NAMES = 1000
_MOST_LINES = 200
_MOST_BYTES = 1 << 18


def make_sample(path: Path) -> Sample:
    """Look at how a file or folder begins.

    RAISES (ValueError): A packed file is damaged.
    """
    if path.is_dir():
        return Sample(path, names=tuple(name for _, name in islice(_inner(path), _MOST_NAMES)))
    try:
        with open_bytes(path) as file:
            head = file.read(_MOST_BYTES)
    except ValueError:
        if _is_packed(path):
            raise
        return Sample(path)  # no text in UTF-8: the suffix tells
    if b"\0" in head:
        return Sample(path)
    lines = head.decode("utf-8-sig", "replace").splitlines()
    if len(head) == _MOST_BYTES and len(lines) > 1:
        lines.pop()  # which may be cut off
    filled = tuple(line for line in lines if line.strip())
    if not filled and len(head) < _MOST_BYTES:
        return Sample(path, is_blank=True)
    return Sample(path, lines=filled[:_MOST_LINES], value=first_value(path))


def files_of(folder: Path) -> list[Path]:
    """The files of a folder and all that are in it, but hidden ones, by their names."""
    return [path for path, _ in _inner(folder)]


def _inner(folder: Path) -> list[tuple[Path, str]]:
    found = ((path, path.relative_to(folder)) for path in sorted(folder.rglob("*")))
    return [
        (path, name.as_posix())
        for path, name in found
        if path.is_file() and not any(part.startswith(".") for part in name.parts)
    ]


def _is_packed(path: Path) -> bool:
    with path.open("rb") as file:
        return file.read(2) == b"\x1f\x8b"
