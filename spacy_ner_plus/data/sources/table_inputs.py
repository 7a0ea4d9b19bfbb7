"""Documents from tables: CSV, TSV and Parquet."""

import csv
import logging
import re
from collections.abc import Iterable, Iterator
from io import TextIOWrapper
from pathlib import Path
from typing import Any, Literal

from ...support.extras import require
from .raw_files import open_bytes
from .rows import Fields, InputRow, RowError, SourceDocument

logger = logging.getLogger("spacy_ner_plus")

AUTO, QUOTED, LITERAL = "auto", "rfc4180", "none"
QUOTINGS = (AUTO, QUOTED, LITERAL)
# A quote that is never closed must not take the rest of a large file into memory.
MAX_FIELD = 10_000_000
# All of a quoted cell but the quote that ends it, if there is one.
_QUOTED_CELL = re.compile(r'"(?:[^"]++|"")*+')
PARQUET_BATCH = 1024
PARQUET_BUFFER = 1 << 20  # bytes


class SeparatedValues:
    """Rows under a header. Blank lines are passed over.

    quoting (str): "rfc4180": a cell that begins with a quote ends with one, and may hold delimiters
        and lines; a quote in it is doubled. "none": quotes are text. "auto": as in RFC 4180, with a
        warning if cells of a file with tabs hold lines, as quotes may be text there.
    RAISES ValueError: If the header lacks the text's field or names a field twice, or a quote is
        never closed.
    """

    def __init__(self, path: Path, fields: Fields, delimiter: str, quoting: str = AUTO) -> None:
        if quoting not in QUOTINGS:
            raise ValueError(f"--quoting {quoting} must be one of {', '.join(QUOTINGS)}.")
        self.path = path
        self._fields = fields
        self._delimiter = delimiter
        self._quoting: Literal[0, 3] = csv.QUOTE_NONE if quoting == LITERAL else csv.QUOTE_MINIMAL
        header: Any = next(self._rows(), (1, "", []))[2]
        self._n_rows, spanning = self._look_through()
        _check_columns(path, [header] if isinstance(header, str) else header, fields)
        self._header: list[str] = header
        if spanning and quoting == AUTO and delimiter == "\t":
            logger.warning(
                "%s: in %s a cell in quotes holds line ends, the first in line %s, so that "
                "lines are joined. If quotes are text in this file, give --quoting none; if not, "
                "--quoting rfc4180 leaves this warning out.",
                path,
                f"{len(spanning):,} row{'s' * (len(spanning) > 1)}",
                spanning[0],
            )

    def rows(self) -> Iterator[InputRow]:
        """See Input.rows. The header is none of them."""
        rows = self._rows()
        next(rows)
        for line, raw, columns in rows:
            yield InputRow(self.path.name, line, (raw, columns))

    def count(self) -> int:
        """See Input.count. It is known since the file was looked through."""
        return self._n_rows

    def parse(self, row: InputRow) -> SourceDocument:
        """See Input.parse. A row has as many columns as the header."""
        raw, columns = row.raw
        if any("\udc80" <= char <= "\udcff" for char in raw):
            raise RowError("the row has bytes that are not UTF-8")
        if isinstance(columns, str):
            raise RowError(columns)
        if len(columns) != len(self._header):
            raise RowError(
                f"the row has {len(columns)} columns, the header has {len(self._header)}"
            )
        return self._fields.document(row, dict(zip(self._header, columns, strict=True)))

    def show(self, row: InputRow) -> str:
        """See Input.show. Bytes that are not UTF-8 are shown as escapes."""
        raw: str = row.raw[0]
        return raw.encode("utf8", "surrogateescape").decode("utf8", "backslashreplace")

    def _look_through(self) -> tuple[int, list[int]]:
        """The number of rows below the header, and the first lines of those of several lines.

        RAISES ValueError: If a quote is not closed before the file ends, or for MAX_FIELD
            characters: what follows it would be a single row, or taken to pieces.
        """
        n_rows, spanning = -1, []
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
        return max(0, n_rows), spanning

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


class Parquet:
    """Rows of a Parquet file, read batch by batch; only the columns that are needed.

    RAISES ValueError: If pyarrow is not installed, the file is no Parquet, or the text's column is
        missing or does not hold strings.
    """

    def __init__(self, path: Path, fields: Fields) -> None:
        self.path = path
        self._fields = fields
        self._pq = require("pyarrow.parquet", "parquet")
        self._pa = require("pyarrow", "parquet")
        try:
            schema = self._pq.read_schema(path)
        except self._pa.ArrowInvalid as error:
            raise ValueError(f"{path} is no Parquet file: {error}") from error
        _check_columns(path, schema.names, fields)
        kind = schema.field(fields.text).type
        if self._pa.types.is_dictionary(kind):
            kind = kind.value_type
        if not (self._pa.types.is_string(kind) or self._pa.types.is_large_string(kind)):
            raise ValueError(f"{path}: column '{fields.text}' holds {kind}, no strings.")
        names = schema.names if fields.keeps_others else (fields.id, fields.text)
        self._columns = [name for name in names if name in schema.names]

    def rows(self) -> Iterator[InputRow]:
        """See Input.rows. One batch of rows at a time is in memory."""
        number = 0
        # Without these two, a whole row group of the file would be in memory.
        streamed = {"buffer_size": PARQUET_BUFFER, "pre_buffer": False}
        with self._pq.ParquetFile(self.path, **streamed) as file:
            for batch in file.iter_batches(PARQUET_BATCH, columns=self._columns):
                columns = {name: self._plain(batch.column(name)) for name in self._columns}
                for i in range(batch.num_rows):
                    number += 1
                    yield InputRow(self.path.name, number, (columns, i))

    def _plain(self, column: Any) -> Any:
        is_dictionary = self._pa.types.is_dictionary(column.type)
        return column.dictionary_decode() if is_dictionary else column

    def count(self) -> int:
        """See Input.count. The file's metadata say it."""
        return int(self._pq.read_metadata(self.path).num_rows)

    def parse(self, row: InputRow) -> SourceDocument:
        """See Input.parse. Only now are the values made Python's."""
        columns, i = row.raw
        values = {}
        for name, column in columns.items():
            try:
                values[name] = column[i].as_py()
            except UnicodeDecodeError as error:
                raise RowError("the row has bytes that are not UTF-8") from error
            except (ValueError, OverflowError) as error:  # times that datetime can't have
                raise RowError(f"column '{name}' can't be read: {error}") from error
        return self._fields.document(row, values)

    def show(self, row: InputRow) -> str:
        """See Input.show. It is a dict of the columns that are read."""
        columns, i = row.raw
        return str({name: self._shown(column[i]) for name, column in columns.items()})

    def _shown(self, value: Any) -> Any:
        try:
            return value.as_py()
        except (ValueError, OverflowError):
            is_binary = isinstance(value, self._pa.BinaryScalar)  # or a string
            return value.as_buffer().to_pybytes() if is_binary else f"unreadable {value.type}"


def _check_columns(path: Path, names: list[str], fields: Fields) -> None:
    if fields.text not in names:
        raise ValueError(
            f"{path} has no column '{fields.text}': name the one with the text with "
            f"--text-field. Columns: {', '.join(names) or 'none'}."
        )
    if len(set(names)) < len(names):
        raise ValueError(f"{path} names a column twice: {', '.join(names)}. Give it another name.")
