"""Which input reads a path."""

from collections.abc import Callable
from functools import partial
from pathlib import Path

from .docs_input import SpacyDocs
from .rows import Fields, Input
from .separated_rows import AUTO
from .table_inputs import Parquet, SeparatedValues
from .text_inputs import JsonLines, TextFolder, TextLines

DELIMITERS = {"csv": ",", "tsv": "\t"}
FORMATS: dict[str, Callable[[Path, Fields], Input]] = {
    "text": TextLines,
    "jsonl": JsonLines,
    **{name: partial(SeparatedValues, delimiter=its) for name, its in DELIMITERS.items()},
    "parquet": Parquet,
    "spacy": SpacyDocs,
}
SUFFIXES = {
    ".txt": "text",
    ".jsonl": "jsonl",
    ".ndjson": "jsonl",
    ".csv": "csv",
    ".tsv": "tsv",
    ".parquet": "parquet",
    ".pq": "parquet",
    ".spacy": "spacy",
}
FOLDERS: dict[str, Callable[[Path, Fields], Input]] = {"text": TextFolder, "spacy": SpacyDocs}


def open_input(path: Path, format: str | None, fields: Fields, quoting: str = AUTO) -> Input:
    """The reader of a file or folder.

    path (Path): A file, or a folder of .txt or .spacy files.
    format (str): One of FORMATS; None for what the suffix says, or what a folder has.
    fields (Fields): Which fields of the rows are what.
    quoting (str): How cells of CSV and TSV are quoted: see SeparatedValues.
    RAISES ValueError: If there is no such file, or its format is not known.
    """
    if not (path.is_file() or path.is_dir()):
        raise ValueError(f"There is no file or folder {path} to read documents from.")
    if path.is_dir():
        _check_unquoted(quoting, path)
        found = sorted(name for name in FOLDERS if next(path.rglob(f"*{_suffix(name)}"), None))
        format = _chosen(format, FOLDERS, found, f"The folder {path}")
        return FOLDERS[format](path, fields)
    packed = Path(path.stem) if path.suffix.lower() == ".gz" else path
    found = [SUFFIXES[packed.suffix.lower()]] if packed.suffix.lower() in SUFFIXES else []
    format = _chosen(format, FORMATS, found, f"The file {path}")
    if format in DELIMITERS:
        return SeparatedValues(path, fields, DELIMITERS[format], quoting)
    _check_unquoted(quoting, path)
    return FORMATS[format](path, fields)


def _check_unquoted(quoting: str, path: Path) -> None:
    if quoting != AUTO:
        raise ValueError(
            f"--quoting {quoting} is for CSV and TSV, which {path} is not: leave it out."
        )


def _suffix(format: str) -> str:
    return next(suffix for suffix, name in SUFFIXES.items() if name == format)


def _chosen(
    format: str | None, known: dict[str, Callable[..., Input]], found: list[str], what: str
) -> str:
    if format is None and len(found) == 1:
        [format] = found
    if format not in known:
        given = f"no format '{format}'" if format else "a format that its name does not tell"
        raise ValueError(f"{what} has {given}: give --input-format, one of {', '.join(known)}.")
    return format
