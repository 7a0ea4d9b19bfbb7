"""Size and SHA-256 of files as they were written, and how files differ from that later."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

from .digests import Content, file_digest


class Fingerprint(NamedTuple):
    """What is written down of a file: its size in bytes and its SHA-256."""

    size: int
    sha256: str

    @classmethod
    def of(cls, content: Content) -> "Fingerprint":
        """Take it of a file, or of the bytes that are to be written.

        content (Union[Path, bytes]): The file, or its bytes.
        """
        return cls(_size(content), file_digest(content))


@dataclass(frozen=True)
class Wording:
    """How to say what is wrong with a file: `found` and `expected` are put in."""

    missing: str = "is missing"
    added: str = "was added"
    size: str = "has {found} bytes instead of {expected}"
    sha256: str = "has another SHA-256 than it was written with"


DEFAULT_WORDING = Wording()


def find_problems(
    recorded: Mapping[str, Fingerprint],
    files: Mapping[str, Content],
    wording: Wording = DEFAULT_WORDING,
) -> Iterator[tuple[str, str]]:
    """Compare files with what was written down of them, in the order of their names.

    YIELDS (Tuple[str, str]): The name of a file and what is wrong with it.
    """
    for name in sorted({*recorded, *files}):
        if name not in files:
            yield name, wording.missing
        elif name not in recorded:
            yield name, wording.added
        elif problem := _compare(files[name], recorded[name], wording):
            yield name, problem


def _compare(content: Content, recorded: Fingerprint, wording: Wording) -> str | None:
    size = _size(content)
    if size != recorded.size:
        return wording.size.format(found=size, expected=recorded.size)
    sha256 = file_digest(content)
    if sha256 != recorded.sha256:
        return wording.sha256.format(found=sha256, expected=recorded.sha256)
    return None


def _size(content: Content) -> int:
    return content.stat().st_size if isinstance(content, Path) else len(content)
