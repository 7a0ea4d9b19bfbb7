"""JSON values one after the other: lines, or the elements of a list."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from .raw_files import open_bytes
from .text_inputs import numbered_lines, read_json


def json_values(path: Path) -> Iterator[tuple[str, Any]]:
    """The values of a file, with where each is in words.

    path (Path): Lines of JSON, one list, or one value, whatever the file's name; perhaps gzipped.
    RAISES (ValueError): It is no JSON, with file and line.
    """
    with open_bytes(path) as file:
        first = file.read(1000).lstrip(b"\xef\xbb\xbf").lstrip()[:1]
    if first == b"[":
        with open_bytes(path) as file:
            values = json.loads(file.read())
        yield from ((f"{path}, element {i}", value) for i, value in enumerate(values, start=1))
        return
    for number, line in numbered_lines(path):
        if line.strip():
            yield f"{path}, line {number}", read_json(line)
