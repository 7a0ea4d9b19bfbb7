"""Documents from plain text and from JSON Lines."""

from codecs import BOM_UTF8
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from .json_stream import DECODER, scan
from .raw_files import HEAD, check_head, open_bytes
from .rows import Fields, InputRow, RowError, SourceDocument, decode, make_document


def numbered_lines(path: Path) -> Iterator[tuple[int, bytes]]:
    """The lines of a file, from 1.

    They end with a line feed, before which there may be a carriage return; a byte order mark at the
    start of the file is left out. The file may be packed with gzip.

    RAISES ValueError: If it is in another encoding than UTF-8, or plainly no text.
    """
    with open_bytes(path) as file:
        for number, line in enumerate(file, start=1):
            line = line.removesuffix(b"\n").removesuffix(b"\r")
            yield number, line.removeprefix(BOM_UTF8) if number == 1 else line


def read_json(line: bytes) -> Any:
    """What a line says in JSON. RAISES RowError: If it is none."""
    text = decode(line)
    try:
        value, end = scan(text, 0)
        if end == len(text):
            return value
    except (ValueError, RecursionError, StopIteration):
        pass  # what is wrong, or stands around the value, is for the decoder to say
    try:
        return DECODER.decode(text)
    except (ValueError, RecursionError) as error:
        raise RowError(f"invalid JSON: {error}") from error


class _Lines:
    """A document a line."""

    def __init__(self, path: Path, fields: Fields) -> None:
        self.path = path
        self._fields = fields

    def rows(self) -> Iterator[InputRow]:
        for number, line in numbered_lines(self.path):
            yield InputRow(self.path.name, number, line)

    def count(self) -> int:
        return sum(1 for _ in self.rows())

    def show(self, row: InputRow) -> str:
        return str(row.raw.decode("utf8", "backslashreplace"))


class TextLines(_Lines):
    """Empty lines are documents too. The line's number is the id."""

    def parse(self, row: InputRow) -> SourceDocument:
        """See Input.parse. The line is the text, and its number the id."""
        return make_document(row, decode(row.raw), None, {})


class JsonLines(_Lines):
    """A JSON object a line; blank lines are passed over."""

    def rows(self) -> Iterator[InputRow]:
        """See Input.rows. Blank lines are left out."""
        return (row for row in super().rows() if row.raw.strip())

    def parse(self, row: InputRow) -> SourceDocument:
        """See Input.parse. The line is a JSON object."""
        values = read_json(row.raw)
        if not isinstance(values, dict):
            raise RowError(f"the line holds no JSON object, but a {type(values).__name__}")
        return self._fields.document(row, values)


class TextFolder:
    """A document a .txt file, in the order of their paths, which are the ids."""

    def __init__(self, path: Path, fields: Fields) -> None:
        self.path = path

    def rows(self) -> Iterator[InputRow]:
        """See Input.rows. Each .txt file of the folder is one, in subfolders too."""
        for file in sorted(self.path.rglob("*.txt")):
            name = file.relative_to(self.path).as_posix()
            yield InputRow(name, 1, file)

    def count(self) -> int:
        """See Input.count. No file is read for it."""
        return sum(1 for _ in self.rows())

    def parse(self, row: InputRow) -> SourceDocument:
        """See Input.parse. The file's path within the folder is the id."""
        data = row.raw.read_bytes()
        try:
            check_head(row.raw, data[:HEAD])
        except ValueError as error:
            raise RowError(str(error)) from None
        data = data.removeprefix(BOM_UTF8)
        return make_document(row, decode(data), row.file, {})

    def show(self, row: InputRow) -> str:
        """See Input.show. It is the whole file, with escapes for bytes that are not UTF-8."""
        return str(row.raw.read_bytes().decode("utf8", "backslashreplace"))
