"""Phrase lists as files: CSV, TSV, JSON Lines and text, read row by row."""

import csv
import gzip
import json
import zlib
from collections.abc import Iterator
from io import TextIOWrapper
from pathlib import Path
from typing import IO, Any

_PHRASE, _GZIP = "phrase", ".gz"
# A quote that is never closed must not take the rest of a large file into memory.
_MAX_CELL = 1_000_000
Row = tuple[int, dict[str, Any]]


def list_rows(path: Path) -> Iterator[Row]:
    """The rows of a list as they stand in its file, each with the line that it begins in.

    path (Path): A file in UTF-8 that ends in .csv, .tsv, .jsonl or .txt, or one of these and .gz.
        CSV and TSV have a header whose names of columns are the keys, in lower case, `phrase` among
        them; JSONL has an object in each line, and text a phrase. In CSV, cells may be in double
        quotes (RFC 4180); in TSV, quotes are text. Empty lines are passed over.
    RAISES ValueError: If the file is not there, or a row can't be read, with its line.
    """
    suffix = Path(path.name.removesuffix(_GZIP)).suffix
    if suffix not in _READERS:
        raise ValueError(
            f"{path} must end in {', '.join(_READERS)}, or one of these and {_GZIP}: what kind of "
            "file a phrase list is is told by its name."
        )
    if not path.is_file():
        raise ValueError(f"There is no file {path}.")
    try:
        yield from _READERS[suffix](path)
    except (gzip.BadGzipFile, zlib.error, EOFError) as error:
        raise ValueError(f"{path} can't be unpacked: {error}. Copy it again.") from error


def _open(path: Path) -> IO[bytes]:
    if path.suffix == _GZIP:
        return gzip.open(path)  # type: ignore[return-value]
    return path.open("rb")


def _csv_rows(path: Path) -> Iterator[Row]:
    return _cells(path, ",", csv.QUOTE_MINIMAL)


def _tsv_rows(path: Path) -> Iterator[Row]:
    return _cells(path, "\t", csv.QUOTE_NONE)


def _cells(path: Path, delimiter: str, quoting: Any) -> Iterator[Row]:
    with _open(path) as data, TextIOWrapper(data, "utf-8-sig", newline="") as file:
        csv.field_size_limit(max(csv.field_size_limit(), _MAX_CELL))
        reader = csv.reader(file, delimiter=delimiter, quoting=quoting, strict=True)
        header: list[str] | None = None
        line = 1
        try:
            for cells in reader:
                if cells and header is None:
                    header = _header(cells, f"{path}, line {line}")
                elif cells and header is not None:
                    if len(cells) != len(header):
                        raise ValueError(
                            f"{path}, line {line}: the row has {len(cells)} cells, but the header "
                            f"has {len(header)} columns."
                        )
                    yield line, dict(zip(header, cells, strict=True))
                line = reader.line_num + 1
        except csv.Error as error:
            raise ValueError(f"{path}, line {line}: the row can't be split: {error}.") from error
        except UnicodeDecodeError as error:
            raise _not_utf8(path) from error
    if header is None:
        raise ValueError(f"{path} is empty: its first line must name its columns.")


def _header(cells: list[str], place: str) -> list[str]:
    names = [cell.strip().lower() for cell in cells]
    if _PHRASE not in names:
        raise ValueError(
            f"{place}: the header must name a column {_PHRASE!r}; it names "
            f"{', '.join(map(repr, names))}."
        )
    if len(set(names)) < len(names):
        raise ValueError(f"{place}: the header names a column twice: {', '.join(names)}.")
    return names


def _json_rows(path: Path) -> Iterator[Row]:
    with _open(path) as file:
        for number, line in enumerate(file, start=1):
            if not line.strip():
                continue
            place = f"{path}, line {number}"
            try:
                row = json.loads(line.removeprefix(b"\xef\xbb\xbf").decode("utf8"))
            except UnicodeDecodeError as error:
                raise _not_utf8(path) from error
            except (ValueError, RecursionError) as error:
                raise ValueError(f"{place}: this is no JSON: {error}.") from error
            if not isinstance(row, dict):
                raise ValueError(f"{place}: this is no object.")
            yield number, row


def _text_rows(path: Path) -> Iterator[Row]:
    with _open(path) as data, TextIOWrapper(data, "utf-8-sig") as file:
        try:
            for number, line in enumerate(file, start=1):
                if phrase := line.strip():
                    yield number, {_PHRASE: phrase}
        except UnicodeDecodeError as error:
            raise _not_utf8(path) from error


_READERS = {".csv": _csv_rows, ".tsv": _tsv_rows, ".jsonl": _json_rows, ".txt": _text_rows}


def _not_utf8(path: Path) -> ValueError:
    """The error that names the first line that is not UTF-8."""
    with _open(path) as file:
        for number, line in enumerate(file, start=1):
            try:
                line.decode("utf8")
            except UnicodeDecodeError as error:
                byte = line[error.start]
                return ValueError(
                    f"{path}, line {number}: byte {error.start + 1}, 0x{byte:02x}, is not UTF-8. "
                    "Save the file as UTF-8."
                )
    return ValueError(f"{path} is not UTF-8, or changed while it was read.")
