"""`python -m spacy ner-plus convert`: annotated texts -> .spacy files, or any other format."""

import sys
from contextlib import nullcontext, redirect_stdout
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
from wasabi import msg

from ..data.format_option import parse_option
from ..data.formats.columns import AUTO
from ..pages.telling import say
from ._errors import errors_as_messages
from ._options import LabelMap, SpansKey, parse_label_map
from ._parts import FormatOptions, FromFormat, Group, TokenizerLang

if TYPE_CHECKING:
    from ..data.conversion_result import Conversion


def convert_cli(
    input_paths: Annotated[
        list[Path],
        typer.Argument(
            help="Files or folders with annotated texts; - for standard input", metavar="IN..."
        ),
    ],
    output_path: Annotated[
        Path,
        typer.Argument(
            help=".spacy file to write, or one of another format; - for standard output",
            metavar="OUT",
        ),
    ],
    scheme: Annotated[
        str, typer.Option(help="Tag scheme: auto, IOB1, BIO (or IOB2), BILOU, BIOES, BMES")
    ] = AUTO,
    layout: Annotated[
        str, typer.Option(help="Layout: auto, tsv, blanks, conll2003, uner, numbered")
    ] = AUTO,
    column: Annotated[
        list[str] | None,
        typer.Option(
            metavar="N|NAME",
            help="The column with the tags, from 1, or from the last (-1), or its name, if the "
            "file does not tell; repeatable, for entities that nest",
        ),
    ] = None,
    group: Group = None,
    ignore_markers: Annotated[
        bool, typer.Option("--ignore-markers", help="Use --group even if the file marks documents")
    ] = False,
    lenient: Annotated[
        bool,
        typer.Option(
            "--lenient",
            help="Repair what is clear, and count it: white space around tokens, labels and "
            "entities, lines without a token, empty columns at the end, a heading",
        ),
    ] = False,
    label_map: LabelMap = None,
    from_format: FromFormat = None,
    to_format: Annotated[
        str | None, typer.Option("--to", help="Format of OUT, if its name does not tell")
    ] = None,
    offsets: Annotated[
        str | None,
        typer.Option(
            help="What offsets count, if the file does not tell: characters, utf16 or bytes"
        ),
    ] = None,
    text_field: Annotated[
        str | None, typer.Option(help="The field with the text, of formats that let it be chosen")
    ] = None,
    label_field: Annotated[
        str | None,
        typer.Option(help="The field with the labels, of formats that let it be chosen"),
    ] = None,
    annotator: Annotated[
        str | None,
        typer.Option(help="Of texts with several annotators: first, all, or agreed"),
    ] = None,
    ls_config: Annotated[
        Path | None, typer.Option(help="Label Studio's labelling configuration, an XML file")
    ] = None,
    option: FormatOptions = None,
    to_option: Annotated[
        list[str] | None,
        typer.Option(
            metavar="NAME=VALUE",
            help="Option of OUT's format alone, such as layout=uner where IN has a layout, too",
        ),
    ] = None,
    lang: TokenizerLang = "en",
    misaligned: Annotated[
        str,
        typer.Option(
            help="Annotations that do not start and end with tokens: error; snap to whole tokens; "
            "contract to those within; missing, their tokens count as not annotated; skip, leave "
            "out their documents; split the tokens, by --exceptions"
        ),
    ] = "error",
    trim: Annotated[
        str, typer.Option(help="Take off the edges of annotations: off, space, punctuation")
    ] = "off",
    overlaps: Annotated[
        str,
        typer.Option(
            help="Which of overlapping entities remain in doc.ents: error (with --spans-key "
            "longest), longest, first, or labels:A,B for types in the order in which they win"
        ),
    ] = "error",
    max_refused: Annotated[
        float | None,
        typer.Option(
            help="Write nothing if a greater share of annotations is refused (default: 0; with "
            "--misaligned missing or skip: 1)"
        ),
    ] = None,
    report: Annotated[
        Path | None, typer.Option(help=".jsonl file for what became of each annotation")
    ] = None,
    exceptions: Annotated[
        Path | None,
        typer.Option(help="File of tokenizer exceptions to use, or that split writes"),
    ] = None,
    spans_key: SpansKey = None,
    positives_only: Annotated[
        bool,
        typer.Option(
            "--positives-only",
            help="IN has some of the entities: nothing is known of all other text",
        ),
    ] = False,
    annotated_label: Annotated[
        list[str] | None,
        typer.Option(
            metavar="LABEL",
            help="A type that was looked for in IN, by its new name, where there are others to "
            "learn; repeatable",
        ),
    ] = None,
) -> None:
    """Convert annotated texts to spaCy's training format, or to any other.

    The content of a file tells its format, else its name, or --from; OUT's ending tells what is
    written, or --to. Columns parted by tabs or blanks (CoNLL-2003 and -2002, GermEval 2014,
    Universal NER, ...) are read strictly: bad lines are an error that lists them, see --lenient.
    Documents are those the file marks (-DOCSTART-, # newdoc); in a file without such marks, each
    --group sentences make one. Files may be packed with gzip.
    """
    given = {
        "layout": layout,
        "scheme": scheme,
        "group": group,
        "ignore_markers": ignore_markers,
        "column": tuple(map(_number_or_name, column or ())),
        "offsets": offsets,
        "text_field": text_field,
        "label_field": label_field,
        "annotator": annotator,
        "ls_config": ls_config,
    }
    defaults: dict[str, Any] = {
        "layout": AUTO,
        "scheme": AUTO,
        "group": None,
        "ignore_markers": False,
        "column": (),
    }
    options = {name: value for name, value in given.items() if value != defaults.get(name)}
    from .. import convert

    with errors_as_messages():
        names = parse_label_map(label_map)
        options |= dict(map(parse_option, option or ()))
        done = convert(
            input_paths,
            output_path,
            format=from_format,
            to=to_format,
            options=options,
            to_options=dict(parse_option(one, "--to-option") for one in to_option or ()),
            lenient=lenient,
            label_map=names,
            lang=lang,
            spans_key=spans_key,
            misaligned=misaligned,
            trim=trim,
            overlaps=overlaps,
            max_refused=max_refused,
            report=report,
            exceptions=exceptions,
            positives_only=positives_only,
            annotated_labels=annotated_label or None,
        )
    # Standard output is for the records alone, if they go there.
    is_stream = str(output_path) == "-"
    with redirect_stdout(sys.stderr) if is_stream else nullcontext():
        tell(done, names, lang)


def _number_or_name(column: str) -> int | str:
    return int(column) if column.removeprefix("-").isdecimal() else column


def tell(done: "Conversion", label_map: dict[str, str], lang: str) -> None:
    """Print what was read and written, and warnings on standard error."""
    for warning in (*done.source.warnings, *done.warnings):
        typer.echo(f"Warning: {warning}", err=True)
    msg.table(_table_rows(done, label_map), aligns=("l", "r"), max_col=90)
    if done.placements.n_refused:
        # Not wasabi: it breaks lines, and with them paths.
        typer.echo(f"Refused:\n{done.placements.shown}", err=True)
    notes = [*done.source.notes, *([f"tokenizer of {lang!r}"] if done.uses_tokenizer else [])]
    said = f"Wrote {done.output}"
    say.good(f"{said} ({', '.join(notes)})" if notes else said)


def _table_rows(done: "Conversion", label_map: dict[str, str]) -> list[tuple[str, str]]:
    is_of_docs = done.format == "spacy"
    rows: list[tuple[str, Any]] = [
        ("documents", done.n_documents),
        *([("sentences", done.n_sentences)] if done.n_sentences else []),
        *([("tokens", done.n_tokens)] if is_of_docs else []),
        ("entities", done.entities.total()),
        *((f"  {label}", count) for label, count in done.entities.most_common()),
    ]
    nesting = done.nesting
    for name, count in (
        ("entities within others", nesting.nested),
        ("  of the same label", nesting.nested_in_own_label),
        ("entities that cross others", nesting.crossing),
        ("entities with another label on the same place", nesting.several_labels),
        ("documents without annotation", done.n_without_annotation),
        ("documents left out for misaligned annotations", done.n_skipped),
        (f"rejected annotations{', in incorrect_spans' * is_of_docs}", done.n_rejected),
        (f"ignored annotations{', taken for unknown' * is_of_docs}", done.n_ignored),
        *done.source.counts.items(),
    ):
        if count:
            rows.append((name, count))
    rows += _placement_rows(done)
    for old, count in done.mapped.items():
        rows.append((f"mapped {old} to {label_map[old] or 'outside'}", count))
    return [(name, f"{count:,}") for name, count in rows]


def _placement_rows(done: "Conversion") -> list[tuple[str, int]]:
    """What became of annotations, if not all are as they were, and of the tokenizer."""
    rows = done.placements.rows() if done.placements.done else []
    if done.needed is not None:
        rows += [
            ("tokenizer exceptions", len(done.needed.exceptions)),
            ("  new or changed", done.needed.n_added),
            ("  tokens cut for annotations", done.needed.n_cut),
            ("  other tokens cut", done.needed.n_others),
        ]
    return rows
