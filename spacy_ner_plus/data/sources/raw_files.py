"""Files of text as bytes: opened, unpacked, and refused if they plainly are something else."""

import codecs
import gzip
import zlib
from collections.abc import Callable
from pathlib import Path
from typing import IO, cast

# Those of UTF-32 begin as those of UTF-16 do.
_MARKS = {
    codecs.BOM_UTF32_LE: "UTF-32",
    codecs.BOM_UTF32_BE: "UTF-32",
    codecs.BOM_UTF16_LE: "UTF-16",
    codecs.BOM_UTF16_BE: "UTF-16",
}
_KINDS = {
    b"PK\x03\x04": "a ZIP archive, as .xlsx and .docx files are",
    b"\xd0\xcf\x11\xe0": "an Office file of before 2007",
    b"%PDF": "a PDF file",
    b"SQLite format 3": "a SQLite database",
    b"PAR1": "a Parquet file",
}
_GZIP = b"\x1f\x8b"
# As many bytes at the beginning are looked at.
HEAD = 4096


def open_bytes(path: Path) -> IO[bytes]:
    """Open a file of text in UTF-8, which may be packed with gzip.

    RAISES ValueError: If its first bytes tell that it is in another encoding, or no text.
    """
    with path.open("rb") as start:
        is_packed = start.read(len(_GZIP)) == _GZIP
    file = cast(IO[bytes], _Packed(path)) if is_packed else path.open("rb")
    try:
        check_head(path, file.read(HEAD))
        file.seek(0)
    except ValueError:
        file.close()
        raise
    return file


class _Packed(gzip.GzipFile):
    """A file that is packed with gzip, and says by name that it is damaged."""

    def read(self, size: int | None = -1) -> bytes:
        return self._unpacked(super().read, size)

    def read1(self, size: int = -1) -> bytes:
        return self._unpacked(super().read1, size)

    def readline(self, size: int | None = -1) -> bytes:
        return self._unpacked(super().readline, size)

    def _unpacked(self, read: Callable[..., bytes], size: int | None) -> bytes:
        try:
            return read(size)
        except (OSError, EOFError, zlib.error) as error:  # gzip's own
            raise ValueError(
                f"{self.name} can't be unpacked: {error}. It may have been cut off on its way."
            ) from error


def check_head(path: Path, head: bytes) -> None:
    """RAISES ValueError: If a file's first bytes tell that it is no text in UTF-8."""
    for start, kind in _KINDS.items():
        if head.startswith(start):
            raise ValueError(f"{path} is {kind}, not text: export the texts from it first.")
    encoding = _other_encoding(head)
    if encoding is not None:
        raise ValueError(
            f"{path} is in {encoding}, not in UTF-8. Convert it first, for example: "
            f"iconv -f {encoding} -t UTF-8 {path.name} > utf8-{path.name}"
        )


def _other_encoding(head: bytes) -> str | None:
    for mark, name in _MARKS.items():
        if head.startswith(mark):
            return name
    # without a mark, letters of Western languages have a NUL before or after them
    n_before, n_behind = head[0::2].count(0), head[1::2].count(0)
    most, least = max(n_before, n_behind), min(n_before, n_behind)
    if most >= 4 and most > 0.2 * len(head) and least < 0.02 * len(head):
        return "UTF-16BE" if n_before > n_behind else "UTF-16LE"
    return None
