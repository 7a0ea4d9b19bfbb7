"""What flows from an input to an output: rows as they stand there, documents, rejects."""

import json
import math
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Protocol

from ...records import MAX_DEPTH


class RowError(ValueError):
    """A row that can't be read as a document. The message is the reason, for the rejects file."""


@dataclass(frozen=True, slots=True)
class InputRow:
    """A row of the input that nobody has looked into yet.

    file (str): Its file: the name, or the path within the input folder.
    row (int): The line that it begins in, or for binary formats its number, from 1.
    raw: What the input's own parse and show make something of.
    """

    file: str
    row: int
    raw: Any


@dataclass(frozen=True, slots=True)
class Tokens:
    """A text that is cut into tokens already.

    words (List[str]): The tokens. spaces (List[bool]): Whether each is followed by a space.
    """

    words: list[str]
    spaces: list[bool]


@dataclass(frozen=True, slots=True)
class SourceDocument:
    """A text to process.

    id: What identifies it to the user: plain JSON data.
    row (int): As in InputRow.
    text (str): The text.
    fields (dict): What else the row holds, as plain JSON data.
    tokens (Tokens): The tokens to keep, where the input has some.
    """

    id: Any
    row: int
    text: str
    fields: dict[str, Any] = field(default_factory=dict)
    tokens: Tokens | None = None


@dataclass(frozen=True, slots=True)
class Reject:
    """A row without a result.

    reason (str): Why. raw (str): The row as it stands in the input.
    """

    file: str
    row: int
    reason: str
    raw: str

    def as_json(self) -> str:
        """A line of the rejects file."""
        row = {"file": self.file, "row": self.row, "reason": self.reason, "raw": self.raw}
        return json.dumps({key: printable(value) for key, value in row.items()}, ensure_ascii=False)


@dataclass(frozen=True, slots=True)
class Fields:
    """Which fields of a row are what.

    text (str): The field with the text. id (str): The field that identifies the row.
    keeps_others (bool): Whether the other fields are kept.
    """

    text: str = "text"
    id: str = "id"
    keeps_others: bool = False

    def document(self, row: InputRow, values: dict[str, Any]) -> SourceDocument:
        """Make a document of a row's fields.

        values (dict): By field.

        RAISES RowError: If there is no text, or something that no encoding can write.
        """
        if self.text not in values:
            names = ", ".join(map(str, values)) or "none"
            raise RowError(f"there is no field '{self.text}' (see --text-field); fields: {names}")
        named = (self.text, self.id)
        others = {name: value for name, value in values.items() if name not in named}
        return make_document(
            row, values[self.text], values.get(self.id), others if self.keeps_others else {}
        )


class Input(Protocol):
    """Where documents come from.

    path (Path): The file or folder.
    """

    path: Path

    def rows(self) -> Iterator[InputRow]:
        """All rows in order; little is done for each, so that many can be passed over.

        RAISES ValueError: If the input as a whole is not what it should be.
        """

    def count(self) -> int:
        """How many rows there are."""

    def parse(self, row: InputRow) -> SourceDocument:
        """RAISES RowError: If a row is no document."""

    def show(self, row: InputRow) -> str:
        """A row as it stands in the input, for the rejects file."""


def make_document(
    row: InputRow, text: object, id: Any, fields: dict[str, Any], tokens: Tokens | None = None
) -> SourceDocument:
    """Check a row's content. Without an id, the row's number is one.

    RAISES RowError: If the text is not a string, anything has a lone surrogate, or a field is
        nested deeper than MAX_DEPTH.
    """
    if not isinstance(text, str):
        name = "null" if text is None else f"of type {type(text).__name__}"
        raise RowError(f"the text is {name}, not a string")
    id = as_plain(id)
    id = row.row if id is None else id
    fields = {str(name): as_plain(value) for name, value in fields.items()}
    for name, value in (("text", text), ("id", id), ("fields", fields)):
        try:
            json.dumps(value, ensure_ascii=False).encode("utf8")
        except UnicodeEncodeError as error:
            surrogate = ascii(error.object[error.start])
            raise RowError(f"{name}: {surrogate} is half a character (a lone surrogate)") from error
    return SourceDocument(id, row.row, text, fields, tokens)


def as_plain(value: Any, depth: int = 0) -> Any:
    """JSON data of a value from a table.

    No number is null; dates, integers of more than 64 bits and so on are strings.
    """
    if depth > MAX_DEPTH:
        raise RowError(f"a field is nested more than {MAX_DEPTH} levels deep")
    if value is None or isinstance(value, (str, bool)):
        return value
    if isinstance(value, int) and -(2**63) <= value < 2**64:
        return value
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    if isinstance(value, dict):
        return {str(name): as_plain(inner, depth + 1) for name, inner in value.items()}
    if isinstance(value, (list, tuple)):
        return [as_plain(inner, depth + 1) for inner in value]
    return str(value)


def decode(data: bytes) -> str:
    """RAISES RowError: If bytes are not UTF-8."""
    try:
        return data.decode("utf8")
    except UnicodeDecodeError as error:
        byte = data[error.start]
        raise RowError(f"byte {error.start + 1}, 0x{byte:02x}, is not UTF-8") from error


def printable(value: Any) -> Any:
    """A string with escapes for what no encoding can write."""
    if isinstance(value, str):
        return value.encode("utf8", "backslashreplace").decode("utf8")
    return value
