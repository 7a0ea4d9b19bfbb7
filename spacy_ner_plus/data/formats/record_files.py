"""Annotated texts in files of any format: records in, records out."""

import logging
from collections.abc import Callable, Iterable, Iterator, Mapping
from inspect import signature
from pathlib import Path
from typing import Any

from ...records import TextRecord
from ...support.durable import written_whole
from ..sources.rows import RowError
from ..sources.text_inputs import numbered_lines, read_json
from . import bioc_json, brat, pubtator, uima_cas
from .column_files import ColumnRecords
from .column_writing import write_columns
from .form import Format, RecordSource
from .json_lines import JsonLinesRecords, write_json_lines
from .spacy_files import SpacyRecords, write_spacy
from .written import warn_of

logger = logging.getLogger("spacy_ner_plus")


FORMATS = {
    "jsonl": Format((".jsonl", ".ndjson"), JsonLinesRecords, write_json_lines),
    "spacy": Format((".spacy",), SpacyRecords, write_spacy),
    "brat": brat.FORMAT,
    "pubtator": pubtator.FORMAT,
    "bioc": bioc_json.FORMAT,
    "uima": uima_cas.FORMAT,
    "columns": Format((".tsv", ".conll", ".iob", ".iob2", ".bio"), ColumnRecords, write_columns),
}


def read(path: str | Path, format: str | None = None, **options: Any) -> Iterator[TextRecord]:
    """The annotated texts of a file.

    path (str | Path): A .jsonl, .spacy or column file, or a folder of .spacy files.
    format (str): One of FORMATS; None for what the suffix or the first row says.
    options: Of the format: `layout`, `scheme`, `group`, `ignore_markers` and `column` of columns,
        `spans_key` of spaCy's files, `lenient` of all. See ColumnRecords and SpacyRecords.
    YIELDS (TextRecord): In the order of the file. What they lack of it is said in the log.
    RAISES (ValueError): What is wrong, with file and line, and what to do. That there is no such
        file, format or option is said at once.
    """
    source = open_records(Path(path), format, **options)

    def records() -> Iterator[TextRecord]:
        for _, record in source.records():
            yield record
        for warning in source.warnings:
            logger.warning("%s: %s", path, warning)

    return records()


def write(
    records: Iterable[TextRecord], path: str | Path, format: str | None = None, **options: Any
) -> int:
    """Write annotated texts to a file, which is there whole in the end, or as it was before.

    records (Iterable[TextRecord]): Any, such as those of `read`.
    path (str | Path): A .jsonl, .spacy or column file. Folders are made.
    format (str): One of FORMATS; None for what the suffix says.
    options: Of the format: `layout` of columns; `nlp` and `spans_key` of spaCy's files. See
        write_columns and write_spacy.
    RETURNS (int): How many. What the format has no place for is counted in the log.
    RAISES (ValueError): A record of which the file would say something else, and why.
    """
    path = Path(path)
    format = format or _by_suffix(path)
    if format is None:
        raise ValueError(f"{path} has a format that its name does not tell: {_WANTED}")
    chosen = _chosen(format)
    _check_options(format, chosen.write, options)
    with written_whole(path) as unfinished:
        written = chosen.write(records, unfinished, **options)
    warn_of(path, written.lost)
    return written.n_records


def open_records(path: Path, format: str | None = None, **options: Any) -> RecordSource:
    """The reader of a file; see `read`, whose errors it raises."""
    if not path.exists():
        raise ValueError(f"There is no file {path}: correct its name.")
    format = format or find_format(path)
    chosen = _chosen(format)
    _check_options(format, chosen.source, options)
    if path.is_dir() and format != "spacy":
        raise ValueError(f"{path} is a folder: name a file of the format {format!r}.")
    return chosen.source(path, **options)


def find_format(path: Path) -> str:
    """One of FORMATS: what the suffix of a file that is there says, or else its first row.

    What is no JSON is taken for columns, whose reader says what it misses.
    """
    if path.is_dir():
        return "spacy"
    unpacked = path.with_suffix("") if path.suffix.lower() == ".gz" else path
    if (format := _by_suffix(unpacked)) is not None:
        return format
    first = next((line for _, line in numbered_lines(path) if line.strip()), b"")
    try:
        is_json = isinstance(read_json(first), (dict, list))
    except RowError:
        is_json = False
    return "jsonl" if is_json else "columns"


def _by_suffix(path: Path) -> str | None:
    suffix = path.suffix.lower()
    return next((name for name, one in FORMATS.items() if suffix in one.suffixes), None)


def _chosen(format: str) -> Format:
    if format not in FORMATS:
        raise ValueError(f"There is no format {format!r}: {_WANTED}")
    return FORMATS[format]


def _check_options(format: str, function: Callable[..., Any], options: Mapping[str, Any]) -> None:
    known = [name for name in signature(function).parameters if name not in ("path", "records")]
    if surplus := [name for name in options if name not in known]:
        raise ValueError(
            f"{', '.join(surplus)} says nothing to the format {format!r}, which has "
            f"{', '.join(known) or 'no options'}."
        )


_WANTED = f"name one of {', '.join(FORMATS)}."
