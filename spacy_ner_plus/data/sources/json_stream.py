"""JSON values out of a file that need not fit into memory.

The standard library's decoder is given a stretch of the text that grows until a value is whole. It
takes half the time of an event parser, and gives what Python's json does: `ijson`, on yajl, makes
question marks of half characters, and refuses integers of more than 64 bits.
"""

import codecs
import json
import re
from collections.abc import Callable, Iterator
from typing import IO, Any

from .rows import RowError

_CHUNK = 1 << 18
# What stands this near to the end of what was read may be the beginning of something longer, such
# as -Infinity or an escape.
_MARGIN = 16
_WHITE_SPACE = re.compile(r"[ \t\n\r]*")


def end_of_white_space(text: str, start: int) -> int:
    """Where what JSON takes for white space ends."""
    found = _WHITE_SPACE.match(text, start)
    return found.end() if found else start


def _refuse(constant: str) -> None:
    raise ValueError(f"{constant} is not JSON")


DECODER = json.JSONDecoder(parse_constant=_refuse)
# As raw_decode, with the place of what is wrong.
scan: Callable[[str, int], tuple[Any, int]] = DECODER.scan_once  # type: ignore[attr-defined]


class JsonStream:
    """The values of a file in UTF-8, one after the other.

    file (IO[bytes]): From where it stands. Memory is used for one value at a time.
    All RAISE RowError: It is no JSON, or is not in UTF-8, with the line.
    """

    def __init__(self, file: IO[bytes]) -> None:
        self._file = file
        self._decode = codecs.getincrementaldecoder("utf-8-sig")().decode
        self._text = ""
        self._at = 0
        self._n_lines = 0  # before the text
        self._is_whole = False

    def peek(self) -> str:
        """The next character that is not white space; none at the end."""
        while True:
            char = self._text[self._at : self._at + 1]
            if char > " ":  # white space is up to it
                return char
            self._at = end_of_white_space(self._text, self._at)
            if self._at < len(self._text) or not self._read(_CHUNK):
                return self._text[self._at : self._at + 1]

    def take(self, wanted: str) -> str:
        """The next such character, which must be one of those that are wanted."""
        char = self.peek()
        if not char or char not in wanted:
            raise self._error(f"expected {' or '.join(wanted)}", self._at)
        self._at += 1
        return char

    def value(self) -> Any:
        """The next value."""
        self.peek()
        size = _CHUNK
        while True:
            wrong = None
            try:
                value, end = scan(self._text, self._at)
            except StopIteration as error:
                wrong, end = "expected a value", int(error.value)
            except json.JSONDecodeError as error:
                wrong, end = error.msg, error.pos
            except (ValueError, RecursionError) as error:
                raise self._error(str(error), self._at) from None
            is_near_end = end > len(self._text) - _MARGIN
            # at the end of what was read, a number may go on
            if wrong is None and (
                not is_near_end or self._text[end - 1] in '"}]' or self._is_whole
            ):
                self._at = end
                return value
            may_be_cut = is_near_end or (wrong or "").startswith("Unterminated")
            length = end - self._at
            if not may_be_cut or (not self._read(size) and wrong is not None):
                raise self._error(wrong or "", self._at + length)
            size *= 2

    def elements(self) -> Iterator[Any]:
        """The elements of the list that comes next, one after the other."""
        self.take("[")
        if self.peek() == "]":
            self.take("]")
            return
        while True:
            yield self.value()
            if self.take(",]") == "]":
                return

    def members(self) -> Iterator[str]:
        """The keys of the object that comes next; the value of each must be taken by `value`."""
        self.take("{")
        if self.peek() == "}":
            self.take("}")
            return
        while True:
            if self.peek() != '"':
                raise self._error("expected a key in double quotes", self._at)
            key = self.value()
            self.take(":")
            yield key
            if self.take(",}") == "}":
                return

    def close(self) -> None:
        """Look that nothing follows."""
        if self.peek():
            raise self._error("something follows after the end of the value", self._at)

    def _read(self, size: int) -> bool:
        """Read on, and forget what was taken. RETURNS: False at the end."""
        if self._is_whole:
            return False
        data = self._file.read(size)
        self._is_whole = not data
        self._n_lines += self._text.count("\n", 0, self._at)
        rest, self._at = self._text[self._at :], 0
        try:
            self._text = rest + self._decode(data, not data)
        except UnicodeDecodeError as error:
            self._text = rest
            line = self._n_lines + 1 + rest.count("\n") + data.count(b"\n", 0, error.start)
            raise RowError(f"line {line}: the text is not valid UTF-8: {error.reason}") from None
        return not self._is_whole

    def _error(self, what: str, place: int) -> RowError:
        if not self._text[place:]:  # the line feed at the end begins no line
            place = len(self._text.rstrip())
        line = self._n_lines + 1 + self._text.count("\n", 0, place)
        shown = self._text[place : place + 40].partition("\n")[0]
        found = f", found {shown!r}" if shown else ", but the file ends there"
        return RowError(f"line {line}: invalid JSON: {what[:1].lower()}{what[1:]}{found}")
