"""JSON values one after the other: lines, the elements of a list, or what stands in between.

Only one value at a time is in memory.
"""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

from .json_stream import DECODER, JsonStream, end_of_white_space
from .raw_files import open_bytes
from .rows import RowError
from .text_inputs import numbered_lines, read_json

# A line that is longer is not looked at to find out what a file is.
LONGEST = 1 << 20


def json_values(path: Path, at: str | None = None) -> Iterator[tuple[str, Any]]:
    """The values of a file, with where each is in words.

    path (Path): Lines of JSON, one list, or values over several lines each, whatever the file's
        name; perhaps gzipped.
    at (str): In an object that has this key, the values are the elements of the list there.
    RAISES (RowError): It is no JSON, with file and line.
    """
    for where, value in json_rows(path, at):
        if isinstance(value, RowError):
            raise RowError(f"{where}: {value}")
        yield where, value


def json_rows(path: Path, at: str | None = None) -> Iterator[tuple[str, Any]]:
    """As json_values, but a line that is no JSON is a RowError among the values.

    So others can be read. What is wrong within a list is raised: nobody knows where it goes on.
    """
    lines, name = _first_lines(path), str(path)
    if not lines:
        return
    if _are_rows(lines, at):
        for number, line in numbered_lines(path):
            if line.strip():
                where = f"{name}, line {number}"
                try:
                    value = read_json(line)
                except RowError as error:
                    value = error
                if at is None:
                    yield where, value
                else:
                    yield from _elements_of(where, value, at)
        return
    with open_bytes(path) as file:
        stream = JsonStream(file)
        try:
            yield from _streamed(path, stream, at)
        except RowError as error:
            raise RowError(f"{path}, {error}") from None


def _streamed(path: Path, stream: JsonStream, at: str | None) -> Iterator[tuple[str, Any]]:
    if stream.peek() == "[":
        name = str(path)
        for i, value in enumerate(stream.elements(), start=1):
            yield f"{name}, element {i}", value
        stream.close()
        return
    number = 0
    while start := stream.peek():
        number += 1
        where = f"{path}, value {number}"
        if at is None or start != "{":
            yield where, stream.value()
            continue
        rest: dict[str, Any] = {}
        is_there = False
        for key in stream.members():
            if key == at and stream.peek() == "[":
                is_there = True
                for i, value in enumerate(stream.elements(), start=1):
                    yield f"{path}, {at}, element {i}", value
            else:
                rest[key] = stream.value()
        if not is_there:
            yield where, rest


def _elements_of(where: str, value: Any, at: str) -> Iterator[tuple[str, Any]]:
    if isinstance(value, dict) and isinstance(value.get(at), list):
        for i, element in enumerate(value[at], start=1):
            yield f"{where}, {at}, element {i}", element
    else:
        yield where, value


def _first_lines(path: Path) -> list[bytes]:
    """The first two lines that are not blank, as far as they are not longer than LONGEST."""
    found: list[bytes] = []
    with open_bytes(path) as file:
        while len(found) < 2 and (line := file.readline(LONGEST)):
            line = line.removeprefix(b"\xef\xbb\xbf") if not found else line
            if line.strip():
                found.append(line)
    return found


def _are_rows(lines: list[bytes], at: str | None) -> bool:
    """Whether each line of a file is a value, by its first two."""
    first, *others = (_parsed(line) for line in lines)
    starts = lines[0].lstrip()[:1]
    if starts == b"[":
        # The rows may be lists: of a text and what is in it, as spaCy 2 had it.
        is_pair = isinstance(first, list) and first != [] and isinstance(first[0], str)
        return isinstance(first, list) and (is_pair or bool(others))
    if starts == b"{" and first is None and len(lines[0]) == LONGEST:
        return at is None
    # A line that is damaged is one, if the next is whole.
    return first is not None or starts != b"{" or any(isinstance(o, (dict, list)) for o in others)


def _parsed(line: bytes) -> Any:
    """None if it is no JSON, or null."""
    if len(line) == LONGEST:
        return None
    try:
        return read_json(line)
    except RowError:
        return None


def first_value(path: Path) -> Any:
    """The first value of a file: of its first line, or the first element of its list.

    Of what is longer than LONGEST bytes, the lists and objects that are cut off have what is there
    of them. None if the file begins with no list or object.
    """
    with open_bytes(path) as file:
        data = file.read(LONGEST)
    text = data.decode("utf-8-sig", "ignore").lstrip()
    if text[:1] not in ("{", "["):
        return None
    is_list = text[0] == "[" and not _are_rows(_first_lines(path), None)
    value = _partial(text, 0)[0] or None
    return value[0] if is_list and value else value


def _partial(text: str, at: int) -> tuple[Any, int]:
    """A value that may be cut off or damaged, and where it ends: None if there is nothing of it."""
    at = end_of_white_space(text, at)
    try:
        return DECODER.raw_decode(text, at)
    except (ValueError, RecursionError):
        opening = text[at : at + 1]
    if opening == '"':
        return text[at + 1 :], len(text)
    values: dict[Any, Any] = {}
    if opening not in ("{", "["):
        return None, len(text)
    at += 1
    while at < len(text):
        key: Any = len(values)
        if opening == "{":
            key, at = _partial(text, at)
            at = end_of_white_space(text, at)
            if not isinstance(key, str) or text[at : at + 1] != ":":
                break
            at += 1
        value, at = _partial(text, at)
        at = end_of_white_space(text, at)
        if value is not None or at < len(text):
            values[key] = value
        if text[at : at + 1] != ",":
            break
        at += 1
    return (values if opening == "{" else list(values.values())), len(text)
