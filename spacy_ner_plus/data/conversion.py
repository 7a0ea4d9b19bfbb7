"""From annotated texts of any format to a .spacy file to train with, or to any other format."""

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from ..records import TextRecord
from ..support.output_folder import check_output_folder
from .blank_pipeline import blank_pipeline
from .conversion_result import Conversion
from .doc_conversion import SPACY, DocWishes, write_docs
from .formats.form import RecordSource
from .formats.record_files import (
    FORMATS,
    open_several,
    options_known,
    output_format,
    write_counted,
)
from .known_parts import KnownParts
from .record_transfer import DividedOptions, with_tokens
from .renaming import all_renamed, check_names
from .standard_streams import STREAM, input_paths, output_path


def convert(
    input: str | Path | Sequence[str | Path],
    output: str | Path,
    *,
    format: str | None = None,
    to: str | None = None,
    options: Mapping[str, Any] | None = None,
    to_options: Mapping[str, Any] | None = None,
    lenient: bool = False,
    label_map: Mapping[str, str] | None = None,
    lang: str = "en",
    spans_key: str | None = None,
    misaligned: str = "error",
    trim: str = "off",
    overlaps: str = "error",
    max_refused: float | None = None,
    report: str | Path | None = None,
    exceptions: str | Path | None = None,
    positives_only: bool = False,
    annotated_labels: Sequence[str] | None = None,
) -> Conversion:
    """Write annotated texts to a .spacy file, or to one of another format.

    The same input gives the same bytes.

    input (str / Path / Sequence): The file or folder, or several; "-" for standard input.
    output (str / Path): The file, which is there whole in the end, or as it was before; it is
        packed if its name ends in .gz. Of some formats, a new folder. "-" for standard output.
    format (str): Of the input: see `read`.
    to (str): Of the output: one of those of `read`; None for what its name says, of standard
        output jsonl.
    options (Mapping[str, Any]): Of the formats, those that are read and that which is written.
        What says what a column file or its offsets are like is for those that are read, if they
        have such.
    to_options (Mapping[str, Any]): Of the format that is written alone.
    lenient (bool): Repair what is clear, and count it. White space around labels and at the edges
        of entities is taken away; in column files see open_columns, too.
    label_map (Mapping[str, str]): New names of entity types. An empty name drops the type: its
        characters are outside of entities.
    lang (str): The language whose tokenizer cuts texts that have no tokens.
    spans_key (str): Put entities in doc.spans[spans_key], where they may nest, and the outermost in
        doc.ents as well; take them from there in a .spacy file. None for doc.ents alone.
    misaligned (str): In a .spacy file, as all that follows, what to do about annotations that do
        not start and end with tokens; other formats take them as they are. "error";
        "snap": take the smallest run of whole tokens that covers them; "contract": the largest
        within them; "missing": their tokens count as not annotated; "skip": leave their documents
        out; "split": cut the tokens, by exceptions of the tokenizer.
    trim (str): What to take off the edges of annotations first: "off", "space", or "punctuation":
        white space, and marks, quotes and brackets that are not paired within.
    overlaps (str): Which of overlapping entities remain in doc.ents: "longest", "first", or
        "labels:A,B" for types in the order in which they win. With spans_key, all go there, and
        these to doc.ents as well: the longest, if nothing is said ("error").
    max_refused (float): The share of annotations that may be refused, from 0 to 1. None: none, or
        any with "missing" and "skip". If it is given, annotations that have no place in their text
        are refused, too, where the format permits, and are no errors of their own; the rest of
        their text is unknown then.
    report (str / Path): A .jsonl file for what became of each annotation.
    exceptions (str / Path): A file of the tokenizer's exceptions: those there are used, and with
        "split", what more is needed is written to it. `init_project` and `init_config` take it.
    positives_only (bool): The spans of the input are entities, and nothing else is known: there may
        be others, of which nobody has looked for all.
    annotated_labels (Sequence[str]): The types that were looked for, by their new names, if the
        input does not say it and there are others: where no entity is, there may be one of another
        type. None for all, or what the input says.
    RETURNS (Conversion): What was read and written.
    RAISES (ValueError): What is wrong, with file and line, and what to do. Nothing is written then
        but the report.
    """
    inputs = [Path(one) for one in ([input] if isinstance(input, (str, Path)) else input)]
    output = Path(output)
    report, exceptions = (None if path is None else Path(path) for path in (report, exceptions))
    to = output_format(output, to or ("jsonl" if output == STREAM else None))
    wishes = DocWishes(lang, spans_key, misaligned, trim, overlaps, max_refused, report, exceptions)
    wishes.check(to)
    label_map = label_map or {}
    check_names(label_map)
    parts = KnownParts(
        positives_only=positives_only,
        annotated_labels=annotated_labels,
        may_nest=spans_key is not None,
    )
    options = {**(options or {}), **({"lenient": True} if lenient else {})}
    to_options = to_options or {}
    if "spans_key" in {*options, *to_options}:
        raise ValueError("options hold spans_key: give it as an argument of its own.")
    if output != STREAM:
        check_output_folder(output.parent)
    of_writer = [] if to == SPACY else options_known(FORMATS[to].write)
    config = output.with_name(f"{output.name.split('.')[0]}.config.xml")
    given = {*options, *to_options}
    is_wanted = "config_path" in of_writer and not {"ls_config", "config_path"} & given
    if is_wanted and output != STREAM and not config.exists():  # somebody's own is left alone
        options["config_path"] = config
    divided = DividedOptions(options, of_writer, to_options)
    divided.check_output(to)
    with input_paths(inputs) as paths, output_path(output) as file:
        _check_files(paths, file, wishes)

        def opened() -> RecordSource:
            return _opened(paths, format, divided, spans_key, to)

        done = Conversion(inputs, opened(), output, to, mapped=dict.fromkeys(label_map, 0))
        if to == SPACY:
            write_docs(done, file, label_map, wishes, opened, parts)
        else:
            own = {"spans_key": spans_key} if "spans_key" in of_writer else {}
            _write_records(done, file, label_map, lang, divided.for_writer() | own, parts)
    return done


def _check_files(inputs: Sequence[Path], output: Path, wishes: DocWishes) -> None:
    """RAISES (ValueError): One file would be written over another one."""
    if any(_holds(path, output) for path in inputs):
        raise ValueError(
            f"{output} is an input, too, or within one: the output must be another file."
        )
    for name, other in (("--report", wishes.report), ("--exceptions", wishes.exceptions)):
        if other is not None and any(_holds(path, other) for path in (output, *inputs)):
            raise ValueError(
                f"{name} {other} is the output, an input or within one: name another file."
            )
    both = [path.resolve() for path in (wishes.report, wishes.exceptions) if path is not None]
    if len(both) != len(set(both)):
        raise ValueError("--report and --exceptions are one file: name two.")


def _holds(path: Path, output: Path) -> bool:
    """Whether a path is the output's, or that of a folder in which it would be read again."""
    own, other = path.resolve(), output.resolve()
    return own == other or (path.is_dir() and other.is_relative_to(own))


def _write_records(
    done: Conversion,
    output: Path,
    label_map: Mapping[str, str],
    lang: str,
    options: Mapping[str, Any],
    parts: KnownParts,
) -> None:
    def counted() -> Iterator[TextRecord]:
        for _, record in all_renamed(done, label_map, parts):
            done.count_record(record)
            yield record

    records = counted()
    if FORMATS[done.format].needs_tokens:
        records = with_tokens(records, blank_pipeline(lang), done.note_tokenizer)
    done.lost += write_counted(records, output, done.format, **options).lost


def _opened(
    paths: Sequence[Path],
    format: str | None,
    options: DividedOptions,
    spans_key: str | None,
    to: str,
) -> RecordSource:
    """The reader of the input. Where spans are in .spacy files, they are in the output."""
    formats = set()

    def options_of(name: str) -> dict[str, Any]:
        formats.add(name)
        own = {"spans_key": spans_key} if "spans_key" in options_known(FORMATS[name].source) else {}
        return options.for_reader(name) | own

    source = open_several(paths, format, options_of)
    knows = [*(FORMATS[name].source for name in formats), FORMATS[to].write]
    if spans_key is not None and not any("spans_key" in options_known(one) for one in knows):
        raise ValueError("--spans-key is for .spacy files and doc-json: leave it out.")
    return source
