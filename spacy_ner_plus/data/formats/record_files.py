"""Annotated texts in files of any format: records in, records out."""

import logging
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from inspect import signature
from pathlib import Path
from typing import Any

from ...records import VERSION, TextRecord
from . import (
    bioc_json,
    brat,
    doc_json,
    doccano,
    entity_table,
    gliner,
    hf_tokens,
    json_lines,
    label_studio,
    nested_json,
    offset_json,
    prodigy,
    pubtator,
    spacy_json,
    uima_cas,
)
from .column_files import ColumnRecords
from .column_writing import write_columns
from .form import Format, RecordSource, Sample
from .sampling import files_of, make_sample
from .several import SeveralRecords
from .spacy_files import SpacyRecords, write_spacy
from .whole_outputs import PACKED, unpacked_name, whole_file, whole_folder
from .written import Written, warn_of

logger = logging.getLogger("spacy_ner_plus")


def _has_docs(sample: Sample) -> bool:
    return any(name.endswith(".spacy") for name in sample.names)


# The first that recognises a file is its format: special ones before general ones.
FORMATS = {
    "brat": brat.FORMAT,
    "pubtator": pubtator.FORMAT,
    "bioc": bioc_json.FORMAT,
    "uima": uima_cas.FORMAT,
    "label-studio": label_studio.FORMAT,
    "prodigy": prodigy.FORMAT,
    "doccano": doccano.FORMAT,
    "gliner": gliner.FORMAT,
    "nested-json": nested_json.FORMAT,
    "hf": hf_tokens.FORMAT,
    "table": entity_table.FORMAT,
    "spacy-json": spacy_json.FORMAT,
    "doc-json": doc_json.FORMAT,
    "offsets": offset_json.FORMAT,
    "jsonl": json_lines.FORMAT,
    "spacy": Format((".spacy",), SpacyRecords, write_spacy, _has_docs),
    "columns": Format(
        (".tsv", ".conll", ".conllu", ".conllup", ".iob", ".iob2", ".bio"),
        ColumnRecords,
        write_columns,
        needs_tokens=True,
    ),
}


def read(path: str | Path, format: str | None = None, **options: Any) -> Iterator[TextRecord]:
    """The annotated texts of a file.

    path (str | Path): A file of any of FORMATS, or a folder of such.
    format (str): One of FORMATS; None for what the file's content says, or else its suffix.
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
    path (str | Path): A .jsonl, .spacy or column file; it is packed if its name ends in .gz. Of
        some formats, a folder, which must be new. Folders are made.
    format (str): One of FORMATS; None for what the suffix says.
    options: Of the format: `layout` of columns; `nlp` and `spans_key` of spaCy's files. See
        write_columns and write_spacy.
    RETURNS (int): How many. What the format has no place for is counted in the log.
    RAISES (ValueError): A record of which the file would say something else, and why.
    """
    path = Path(path)
    written = write_counted(records, path, output_format(path, format), **options)
    warn_of(path, written.lost)
    return written.n_records


def write_counted(
    records: Iterable[TextRecord], path: Path, format: str, **options: Any
) -> Written:
    """As `write`, with what was lost."""
    chosen = chosen_format(format)
    _check_options(format, chosen.write, options)
    whole = whole_folder if chosen.writes_folder else whole_file
    with whole(path) as unfinished:
        return chosen.write(records, unfinished, **options)


def output_format(path: Path, format: str | None = None) -> str:
    """The format of a file that is to be written. RAISES (ValueError): Nothing tells it."""
    format = format or _by_suffix(unpacked_name(path))
    if format is None:
        raise ValueError(f"{path} has a format that its name does not tell: {_WANTED}")
    chosen = chosen_format(format)
    if chosen.writes_folder and path == Path("-"):
        raise ValueError(f"{format!r} is written as a folder, not to standard output: name one.")
    if path.suffix.lower() == PACKED and (
        chosen.writes_folder or format in ("spacy", "uima") or ".parquet" in path.suffixes
    ):
        raise ValueError(f"{path}: {format!r} is not packed with gzip: leave {PACKED} out.")
    return format


def open_records(path: Path, format: str | None = None, **options: Any) -> RecordSource:
    """The reader of a file or folder; see `read`, whose errors it raises."""
    return open_several([path], format, lambda _: options)


def open_several(
    paths: Sequence[Path], format: str | None, options_of: Callable[[str], Mapping[str, Any]]
) -> RecordSource:
    """The reader of several files and folders, one after the other.

    A folder that is no format's own is read file by file; files that no format recognises are
    passed over, with a warning.

    options_of (Callable): Gives the options of a format.
    """
    sources: list[tuple[Path, RecordSource]] = []
    passed_over: list[Path] = []
    blank: list[Path] = []
    for path in paths:
        if not path.exists():
            raise ValueError(f"There is no file {path}: correct its name.")
        files, others = _parts(path, format)
        passed_over += others
        for file in files:
            name = format or find_format(file)
            chosen, options = chosen_format(name), options_of(name)
            _check_options(name, chosen.source, options)
            if make_sample(file).is_blank and not chosen.writes_folder:  # brat's is no text
                blank.append(file)
            else:
                sources.append((file, chosen.source(file, **options)))
    if len(sources) == 1 and not passed_over and not blank:
        return sources[0][1]
    return SeveralRecords(sources, passed_over, blank)


def _parts(path: Path, format: str | None) -> tuple[list[Path], list[Path]]:
    """The files to be read for a path, and those to be passed over."""
    if format is not None:
        chosen_format(format)
    if not path.is_dir() or _is_one(path, format):
        return [path], _beside(path, format)
    formats = {file: _recognised(make_sample(file)) for file in files_of(path)}
    known = [file for file, name in formats.items() if name and name == (format or name)]
    if not known and format == "columns":  # as find_format takes text that no format knows
        known = [file for file, name in formats.items() if not name and make_sample(file).lines]
    if not known:
        wanted = f"of the format {format!r}" if format else "of a format that is known"
        raise ValueError(f"{path} is a folder without files {wanted}: {_WANTED}")
    return known, [file for file in formats if file not in known]


def _beside(path: Path, format: str | None) -> list[Path]:
    """Files of other formats in a folder that is a format's own: nobody reads them."""
    if not path.is_dir():
        return []
    own = format or find_format(path)
    names = ((file, _recognised(make_sample(file))) for file in files_of(path))
    return [
        file
        for file, name in names
        if name not in (None, own) and not (own == "brat" and file.name in brat.OWN_FILES)
    ]


def _is_one(folder: Path, format: str | None) -> bool:
    """Whether a folder is a format's own."""
    sample = make_sample(folder)
    if format is None:
        return any(one.recognises(sample) for one in FORMATS.values())
    chosen = FORMATS[format]
    return chosen.writes_folder or chosen.recognises(sample)


def find_format(path: Path) -> str:
    """One of FORMATS, of a file or folder that is there.

    It is the first that recognises the content, else the only one with the suffix. Text that no
    format knows is taken for columns, whose reader says what it misses.

    RAISES (ValueError): It is no format's, with those that there are.
    """
    sample = make_sample(path)
    if (format := _recognised(sample)) is not None:
        return format
    if sample.value is not None or path.is_dir() or not (sample.lines or sample.is_blank):
        what = "a folder" if path.is_dir() else "JSON" if sample.value is not None else "no text"
        raise ValueError(f"{path} is {what}, and of no format that is known: {_WANTED}")
    return "jsonl" if sample.lines == ("[]",) else "columns"


def _recognised(sample: Sample) -> str | None:
    """By content, and else by suffix."""
    if isinstance(sample.value, dict) and VERSION in sample.value:
        return "jsonl"
    found = (name for name, one in FORMATS.items() if one.recognises(sample))
    by_suffix = None if sample.path.is_dir() else _by_suffix(unpacked_name(sample.path))
    return next(found, by_suffix)


def _by_suffix(path: Path) -> str | None:
    suffix = path.suffix.lower()
    return next((name for name, one in FORMATS.items() if suffix in one.suffixes), None)


def chosen_format(format: str) -> Format:
    """One of FORMATS by its name. RAISES (ValueError): There is none of this name."""
    if format not in FORMATS:
        raise ValueError(f"There is no format {format!r}: {_WANTED}")
    return FORMATS[format]


def options_known(function: Callable[..., Any]) -> list[str]:
    """The options of a format's reader or writer."""
    return [name for name in signature(function).parameters if name not in ("path", "records")]


def _check_options(format: str, function: Callable[..., Any], options: Mapping[str, Any]) -> None:
    known = options_known(function)
    if surplus := [name for name in options if name not in known]:
        raise ValueError(
            f"{', '.join(surplus)} says nothing to the format {format!r}, which has "
            f"{', '.join(known) or 'no options'}.{_with_options(surplus)}"
        )


def _with_options(names: Sequence[str]) -> str:
    having = [
        format
        for format, one in FORMATS.items()
        if set(names) <= {*options_known(one.source), *options_known(one.write)}
    ]
    return (
        f" If the file is of another, name it with --from: {', '.join(having)}." if having else ""
    )


_WANTED = f"name one of {', '.join(FORMATS)}."
