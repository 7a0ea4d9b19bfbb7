"""Files of word vectors as bytes: as they are, packed with gzip, or within a ZIP archive."""

import gzip
import zipfile
import zlib
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO, cast

_GZIP, _ZIP = b"\x1f\x8b", b"PK\x03\x04"
# What unpacking raises when a file is cut off, damaged, encrypted or packed in a rare way.
_NOT_UNPACKED = (
    OSError, EOFError, zlib.error, zipfile.BadZipFile, RuntimeError, NotImplementedError
)  # fmt: skip


class VectorStream:
    """The bytes of a file, unpacked.

    name (str): What errors call it.
    total (int): How many bytes there are to read, before or after unpacking.
    position (Callable): How many of these were read.
    """

    def __init__(
        self, stream: IO[bytes], name: str, total: int, position: Callable[[], int]
    ) -> None:
        self._stream = stream
        self.name = name
        self.total = total
        self.position = position

    def read(self, size: int) -> bytes:
        """As many bytes as there are, at most this number."""
        return self._unpacked(self._stream.read, size)

    def read_lines(self, size: int, longest: int) -> bytes:
        """As `read`, and what is left of the line that begins last.

        longest (int): A line without an end after so many bytes more is left as it is then.
        """
        data = self._unpacked(self._stream.read, size)
        return data if data.endswith(b"\n") else data + self._unpacked(self._readline, longest)

    def _readline(self, size: int) -> bytes:
        return self._stream.readline(size)

    def _unpacked(self, read: Callable[[int], bytes], size: int) -> bytes:
        try:
            return read(size)
        except _NOT_UNPACKED as error:
            raise ValueError(
                f"{self.name} can't be read or unpacked: {error}. It may have been cut off on its "
                "way."
            ) from error


@contextmanager
def open_stream(path: Path, member: str | None = None) -> Iterator[VectorStream]:
    """Open a file.

    member (str): Which file of a ZIP archive; None for the only one.
    RAISES ValueError: If the archive has no such file, or several and none is named, or if a file
        is named and this is no archive.
    """
    with path.open("rb") as file:
        start = file.read(len(_ZIP))
        file.seek(0)
        if start.startswith(_ZIP):
            with _open_member(file, path, member) as stream:
                yield stream
            return
        if member is not None:
            raise ValueError(f"{path} is no ZIP archive: leave out the name of a file in it.")
        size = path.stat().st_size
        if start.startswith(_GZIP):
            with gzip.GzipFile(fileobj=file) as unpacked:
                yield VectorStream(cast(IO[bytes], unpacked), str(path), size, file.tell)
        else:
            yield VectorStream(file, str(path), size, file.tell)


@contextmanager
def _open_member(file: IO[bytes], path: Path, member: str | None) -> Iterator[VectorStream]:
    try:
        archive = zipfile.ZipFile(file)
    except _NOT_UNPACKED as error:
        raise ValueError(f"{path} is a damaged ZIP archive: {error}") from error
    with archive:
        files = {one.filename: one for one in archive.infolist() if not one.is_dir()}
        if member is None and len(files) == 1:
            [member] = files
        if member not in files:
            named = f"no file {member!r}" if member is not None else f"{len(files)} files"
            raise ValueError(
                f"{path} is a ZIP archive with {named}: name one with --member. There are: "
                f"{', '.join(sorted(files)) or 'none'}."
            )
        name = f"{path}/{member}"
        try:
            stream = archive.open(member)
        except _NOT_UNPACKED as error:
            raise ValueError(f"{name} can't be unpacked: {error}") from error
        with stream:
            yield VectorStream(stream, name, files[member].file_size, stream.tell)
