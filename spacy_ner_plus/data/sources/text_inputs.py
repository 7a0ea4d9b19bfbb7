"""Documents from plain text and from JSON Lines."""

import json
from codecs import BOM_UTF8
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from .rows import Fields, Record, RowError, SourceDocument, decode, make_document


def _refuse(constant: str) -> None:
    raise ValueError(f"{constant} is not JSON")


_DECODER = json.JSONDecoder(parse_constant=_refuse)


def numbered_lines(path: Path) -> Iterator[tuple[int, bytes]]:
    """The lines of a file, from 1.

    They end with a line feed, before which there may be a carriage return; a byte order mark at the
    start of the file is left out.
    """
    with path.open("rb") as file:
        for number, line in enumerate(file, start=1):
            line = line.removesuffix(b"\n").removesuffix(b"\r")
            yield number, line.removeprefix(BOM_UTF8) if number == 1 else line


def read_json(line: bytes) -> Any:
    """What a line says in JSON. RAISES RowError: If it is none."""
    text = decode(line)
    try:
        return _DECODER.decode(text)
    except (ValueError, RecursionError) as error:
        raise RowError(f"invalid JSON: {error}") from error


class _Lines:
    """A document a line."""

    def __init__(self, path: Path, fields: Fields) -> None:
        self.path = path
        self._fields = fields

    def records(self) -> Iterator[Record]:
        for number, line in numbered_lines(self.path):
            yield Record(self.path.name, number, line)

    def count(self) -> int:
        return sum(1 for _ in self.records())

    def show(self, record: Record) -> str:
        return str(record.raw.decode("utf8", "backslashreplace"))


class TextLines(_Lines):
    """Empty lines are documents too. The line's number is the id."""

    def parse(self, record: Record) -> SourceDocument:
        """See Input.parse. The line is the text, and its number the id."""
        return make_document(record, decode(record.raw), None, {})


class JsonLines(_Lines):
    """A JSON object a line; blank lines are passed over."""

    def records(self) -> Iterator[Record]:
        """See Input.records. Blank lines are left out."""
        return (record for record in super().records() if record.raw.strip())

    def parse(self, record: Record) -> SourceDocument:
        """See Input.parse. The line is a JSON object."""
        row = read_json(record.raw)
        if not isinstance(row, dict):
            raise RowError(f"the line holds no JSON object, but a {type(row).__name__}")
        return self._fields.document(record, row)


class TextFolder:
    """A document a .txt file, in the order of their paths, which are the ids."""

    def __init__(self, path: Path, fields: Fields) -> None:
        self.path = path

    def records(self) -> Iterator[Record]:
        """See Input.records. Each .txt file of the folder is one, in subfolders too."""
        for file in sorted(self.path.rglob("*.txt")):
            name = file.relative_to(self.path).as_posix()
            yield Record(name, 1, file)

    def count(self) -> int:
        """See Input.count. No file is read for it."""
        return sum(1 for _ in self.records())

    def parse(self, record: Record) -> SourceDocument:
        """See Input.parse. The file's path within the folder is the id."""
        data = record.raw.read_bytes().removeprefix(BOM_UTF8)
        return make_document(record, decode(data), record.file, {})

    def show(self, record: Record) -> str:
        """See Input.show. It is the whole file, with escapes for bytes that are not UTF-8."""
        return str(record.raw.read_bytes().decode("utf8", "backslashreplace"))
