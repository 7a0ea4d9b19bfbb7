"""How results are written: JSON, and JSONL with a row a line."""

import json
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from ..support.durable import written_whole
from ..support.typed_json import to_json


def write_result(path: Path, result: Any) -> None:
    """Write a dataclass as JSON."""
    _write_lines(path, [json.dumps(to_json(result), indent=2, ensure_ascii=False)])


def write_rows(path: Path, rows: Iterable[Any]) -> None:
    """Write rows as JSONL."""
    _write_lines(path, (json.dumps(row, ensure_ascii=False) for row in rows))


def _write_lines(path: Path, lines: Iterable[str]) -> None:
    # Paths may hold bytes that are no UTF-8, which Python keeps as lone surrogates.
    with (
        written_whole(path) as unfinished,
        unfinished.open("w", encoding="utf8", errors="replace", newline="\n") as file,
    ):
        file.writelines(f"{line}\n" for line in lines)
