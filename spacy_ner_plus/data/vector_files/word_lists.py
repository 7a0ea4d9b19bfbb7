"""The words of vectors that are in an array: a word a line, or a column of a Parquet file."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any, Protocol

from ...support.extras import require
from ..sources.text_inputs import numbered_lines
from .vector_block import decoded

_PARQUET = b"PAR1"
# Without these two, a whole row group of the file would be in memory.
_STREAMED = {"buffer_size": 1 << 20, "pre_buffer": False}
_BATCH = 1 << 14


class WordList(Protocol):
    """Words in the order of vectors.

    form (str): What it is, for users.
    """

    form: str

    def words(self) -> Iterator[str | None]:
        """The words; None for one that is not UTF-8, or is missing."""
        ...


class WordLines:
    """A text with a word a line, which may be packed with gzip."""

    form = "a list of words"

    def __init__(self, path: Path) -> None:
        self._path = path

    def words(self) -> Iterator[str | None]:
        """See WordList."""
        return (decoded(line) for _, line in numbered_lines(self._path))


class ParquetWords:
    """A column of a Parquet file that holds strings.

    column (Optional[str]): Its name; None for the only one.
    RAISES ValueError: If pyarrow is not installed, the file is damaged, or has no such column, or
        several and none is named.
    """

    form = "a Parquet index"

    def __init__(self, path: Path, column: str | None) -> None:
        self._path = path
        self._pq = require("pyarrow.parquet", "parquet")
        self._pa = require("pyarrow", "parquet")
        try:
            schema = self._pq.read_schema(path)
        except self._pa.ArrowInvalid as error:
            raise ValueError(f"{path} is a damaged Parquet file: {error}") from error
        found = [field.name for field in schema if self._holds_strings(field.type)]
        if column is None and len(found) == 1:
            [column] = found
        if column not in found:
            named = f"no column {column!r}" if column is not None else f"{len(found)} columns"
            raise ValueError(
                f"{path} has {named} of strings: name the one with the words with --column. There "
                f"are: {', '.join(found) or 'none'}."
            )
        self._column = column

    def _holds_strings(self, kind: Any) -> bool:
        types = self._pa.types
        kind = kind.value_type if types.is_dictionary(kind) else kind
        return bool(types.is_string(kind) or types.is_large_string(kind))

    def words(self) -> Iterator[str | None]:
        """See WordList. One batch of rows at a time is in memory."""
        with self._pq.ParquetFile(self._path, **_STREAMED) as file:
            for batch in file.iter_batches(_BATCH, columns=[self._column]):
                column = batch.column(0)
                if self._pa.types.is_dictionary(column.type):
                    column = column.dictionary_decode()
                for word in column.cast("large_binary").to_pylist():
                    yield None if word is None else decoded(word)


def open_words(path: Path, column: str | None) -> WordList:
    """The words of a file.

    RAISES ValueError: If there is no such file, or it is no list of words.
    """
    if not path.is_file():
        raise ValueError(f"There is no file {path} with the words of the vectors.")
    with path.open("rb") as file:
        is_parquet = file.read(len(_PARQUET)) == _PARQUET
    if is_parquet:
        return ParquetWords(path, column)
    if column is not None:
        raise ValueError(f"{path} is no Parquet file: leave out --column.")
    return WordLines(path)
