"""Rows of cells that a delimiter parts: CSV and TSV."""

import csv
import logging
import re
from collections.abc import Iterable, Iterator
from io import TextIOWrapper
from pathlib import Path
from typing import Any, Literal

from .raw_files import open_bytes

logger = logging.getLogger("spacy_ner_plus")

AUTO, QUOTED, LITERAL = "auto", "rfc4180", "none"
QUOTINGS = (AUTO, QUOTED, LITERAL)
# A quote that is never closed must not take the rest of a large file into memory.
MAX_FIELD = 10_000_000
# All of a quoted cell but the quote that ends it, if there is one.
_QUOTED_CELL = re.compile(r'"(?:[^"]++|"")*+')


class SeparatedRows:
    """The rows of a file under a header. Blank lines are passed over.

    path (Path): The file. delimiter (str): Between cells. quoting (str): See SeparatedValues.
    header: Its cells, or what is wrong with them. n_rows (int): Those below it, once the file was
    looked through.
    """

    def __init__(self, path: Path, delimiter: str, quoting: str = AUTO) -> None:
        if quoting not in QUOTINGS:
            raise ValueError(f"--quoting {quoting} must be one of {', '.join(QUOTINGS)}.")
        self.path = path
        self._delimiter = delimiter
        self._mode = quoting
        self._quoting: Literal[0, 3] = csv.QUOTE_NONE if quoting == LITERAL else csv.QUOTE_MINIMAL
        self.header: Any = next(self._rows(), (1, "", []))[2]
        self.n_rows = 0
        self._spanning: list[int] = []

    def rows(self) -> Iterator[tuple[int, str, Any]]:
        """Each row below the header: its first line, its raw text, and its cells.

        In place of cells that can't be told apart is what is wrong, in words.
        """
        rows = self._rows()
        next(rows, None)
        return rows

    def warn_of_quotes(self) -> None:
        """Say in the log if cells of a file with tabs hold lines, as quotes may be text there."""
        if self._spanning and self._mode == AUTO and self._delimiter == "\t":
            logger.warning(
                "%s: in %s a cell in quotes holds line ends, the first in line %s, so that "
                "lines are joined. If quotes are text in this file, give --quoting none; if not, "
                "--quoting rfc4180 leaves this warning out.",
                self.path,
                f"{len(self._spanning):,} row{'s' * (len(self._spanning) > 1)}",
                self._spanning[0],
            )

    def look_through(self) -> None:
        """Count the rows below the header, and find those of several lines.

        RAISES ValueError: If a quote is not closed before the file ends, or for MAX_FIELD
            characters: what follows it would be a single row, or taken to pieces.
        """
        n_rows, spanning = -1, self._spanning
        for first, raw, columns in self._rows():
            n_rows += 1
            if _n_lines(raw) > 1:
                spanning.append(first)
                if isinstance(columns, str) and (start := self._unclosed(raw)) is not None:
                    line = first + _n_lines(raw[:start]) - 1
                    raise ValueError(
                        f"{self.path}, line {line}: the quote that a cell begins with is never "
                        f"closed, and takes {_n_lines(raw) + first - line:,} lines. Close it, or "
                        "give --quoting none if quotes are text in this file."
                    )
        self.n_rows = max(0, n_rows)

    def _unclosed(self, raw: str) -> int | None:
        """Where in a row a cell begins with a quote that is not closed; None if there is none."""
        start = 0
        while start < len(raw):
            if match := _QUOTED_CELL.match(raw, start):
                if match.end() == len(raw):
                    return start
                start = match.end()
            end = raw.find(self._delimiter, start)
            if end < 0:
                return None
            start = end + 1
        return None

    def _rows(self) -> Iterator[tuple[int, str, Any]]:
        """Each row's first line, its raw text, and its columns or what is wrong with them."""
        csv.field_size_limit(max(csv.field_size_limit(), MAX_FIELD))
        with (
            open_bytes(self.path) as data,
            TextIOWrapper(data, "utf-8-sig", "surrogateescape", newline="") as file,
        ):
            lines = _Taken(file)
            reader = csv.reader(
                lines, delimiter=self._delimiter, quoting=self._quoting, strict=True
            )
            columns: list[str] | str | None = []
            while columns is not None:
                lines.taken = []
                first = lines.n + 1
                try:
                    columns = next(reader, None)
                except csv.Error as error:
                    columns = f"the row can't be split: {error}"
                if columns:
                    yield first, "".join(lines.taken).rstrip("\r\n"), columns


def _n_lines(text: str) -> int:
    """How many lines a text has, as files are read: a carriage return may end one."""
    return text.count("\n") + text.replace("\r\n", "").count("\r") + 1


class _Taken:
    """Lines, of which those that were taken last can be seen."""

    def __init__(self, lines: Iterable[str]) -> None:
        self._lines = iter(lines)
        self.taken: list[str] = []
        self.n = 0

    def __iter__(self) -> "_Taken":
        return self

    def __next__(self) -> str:
        line = next(self._lines)
        self.n += 1
        self.taken.append(line)
        return line
