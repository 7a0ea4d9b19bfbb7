"""JSON as language models write it: what is whole of it, however it ends."""

import re
from dataclasses import dataclass
from json import JSONDecodeError, JSONDecoder
from typing import Any

CUT, BROKEN = "cut", "broken"
MAX_DEPTH = 20

_SPACE = re.compile(r"[\s,]*")  # a comma too many says nothing
_ATOM = re.compile(r"-?\d+(?:\.\d+)?(?:[eE][+-]?\d+)?|[A-Za-z]+")
_STRINGS = JSONDecoder(strict=False)  # line ends within strings are put up with
_WORDS = {"true": True, "false": False, "null": None, "True": True, "False": False, "None": None}


class PlacedObject(dict[str, Any]):
    """An object with its place.

    start, end (int): Its characters in what was read.
    is_whole (bool): Whether it was closed.
    """

    def __init__(self, start: int) -> None:
        super().__init__()
        self.start = start
        self.end = start
        self.is_whole = False


@dataclass(frozen=True, slots=True)
class ReadJson:
    """What was read.

    value: Objects are PlacedObjects. Of what ends too early it is what was there, without the
        string or number at which it ended. None if not even that is there.
    end (int): Where it ends. fault (str): CUT, BROKEN or None.
    """

    value: Any
    end: int
    fault: str | None


def read_json(text: str, start: int) -> ReadJson:
    """Read the object or list that starts at a place.

    Commas may be missing or too many.
    """
    reader = _Reader(text, start)
    value = reader.value(0)
    return ReadJson(None if value is _NOTHING else value, reader.at, reader.fault)


_NOTHING = object()


class _Reader:
    """Goes through a text once."""

    def __init__(self, text: str, at: int) -> None:
        self._text = text
        self.at = at
        self.fault: str | None = None

    def value(self, depth: int) -> Any:
        """The value at the place, or _NOTHING with a fault."""
        char = self._next()
        if depth > MAX_DEPTH:
            return self._fail(BROKEN)
        if char == "{":
            return self._object(depth)
        if char == "[":
            return self._list(depth)
        return self._string() if char == '"' else self._atom(char)

    def _object(self, depth: int) -> PlacedObject:
        found = PlacedObject(self.at)
        self.at += 1
        while (char := self._next()) != "}":
            if char != '"':
                self._fail(BROKEN if char else CUT)
                break
            key = self._string()
            if self._has_failed() or self._next() != ":":
                self._fail(BROKEN if self._next() else CUT)
                break
            self.at += 1
            value = self.value(depth + 1)
            if value is not _NOTHING:
                found[key] = value
            if self._has_failed():
                break
        else:
            self.at += 1
            found.is_whole = True
        found.end = self.at
        return found

    def _list(self, depth: int) -> list[Any]:
        found: list[Any] = []
        self.at += 1
        while (char := self._next()) != "]":
            if not char or char in "}:":
                self._fail(BROKEN if char else CUT)
                break
            value = self.value(depth + 1)
            if value is not _NOTHING:
                found.append(value)
            if self._has_failed():
                break
        else:
            self.at += 1
        return found

    def _string(self) -> Any:
        try:
            value, self.at = _STRINGS.raw_decode(self._text, self.at)
        except JSONDecodeError as error:
            return self._fail(CUT if error.msg.startswith("Unterminated") else BROKEN)
        return value

    def _atom(self, char: str) -> Any:
        match = _ATOM.match(self._text, self.at)
        if match is None:
            return self._fail(BROKEN if char else CUT)
        word = match[0]
        if match.end() == len(self._text):  # who knows what would have followed
            return self._fail(CUT)
        if word[0].isalpha() and word not in _WORDS:
            return self._fail(BROKEN)
        self.at = match.end()
        return _WORDS[word] if word in _WORDS else _number(word)

    def _next(self) -> str:
        """The next character that says something; empty at the end."""
        match = _SPACE.match(self._text, self.at)
        self.at = match.end() if match else self.at
        return self._text[self.at : self.at + 1]

    def _has_failed(self) -> bool:
        return self.fault is not None

    def _fail(self, fault: str) -> Any:
        self.fault = self.fault or fault
        return _NOTHING


def _number(word: str) -> float | str:
    """Numbers are of no use here but as text: of one with many digits nothing is made."""
    return word if len(word) > 300 else float(word) if {*word} & {*".eE"} else int(word)
