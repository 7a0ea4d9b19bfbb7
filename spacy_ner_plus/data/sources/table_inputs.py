"""Documents from tables: CSV, TSV and Parquet."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

from ...support.extras import require
from .rows import Fields, InputRow, RowError, SourceDocument
from .separated_rows import AUTO, SeparatedRows

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
        self.path = path
        self._fields = fields
        self._lines = SeparatedRows(path, delimiter, quoting)
        header = self._lines.header
        self._lines.look_through()
        _check_columns(path, [header] if isinstance(header, str) else header, fields)
        self._header: list[str] = header
        self._lines.warn_of_quotes()

    def rows(self) -> Iterator[InputRow]:
        """See Input.rows. The header is none of them."""
        for line, raw, columns in self._lines.rows():
            yield InputRow(self.path.name, line, (raw, columns))

    def count(self) -> int:
        """See Input.count. It is known since the file was looked through."""
        return self._lines.n_rows

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
