"""`python -m spacy ner-plus convert`: annotated texts -> .spacy files."""

from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
from wasabi import msg

from ..data.formats.columns import AUTO
from ..pages.telling import say
from ._errors import errors_as_messages
from ._options import SpansKey

if TYPE_CHECKING:
    from ..data.conversion import Conversion


def convert_cli(
    input_path: Annotated[Path, typer.Argument(help="Column, .jsonl or .spacy file", metavar="IN")],
    output_path: Annotated[Path, typer.Argument(help=".spacy file to write", metavar="OUT")],
    scheme: Annotated[
        str, typer.Option(help="Tag scheme: auto, IOB1, BIO (or IOB2), BILOU, BIOES")
    ] = AUTO,
    layout: Annotated[str, typer.Option(help="Layout: auto, conll2003, tsv, uner")] = AUTO,
    group: Annotated[
        int | None,
        typer.Option(min=1, help="Sentences a document, where the file marks none (default: 1)"),
    ] = None,
    ignore_markers: Annotated[
        bool, typer.Option("--ignore-markers", help="Use --group even if the file marks documents")
    ] = False,
    label_map: Annotated[
        list[str] | None,
        typer.Option(
            "--map", metavar="OLD=NEW", help="Rename an entity type, or drop it: OLD=; repeatable"
        ),
    ] = None,
    from_format: Annotated[
        str | None,
        typer.Option("--from", help="columns, jsonl or spacy, if the file does not tell"),
    ] = None,
    lang: Annotated[
        str, typer.Option(help="Language whose tokenizer cuts texts that have no tokens")
    ] = "en",
    misaligned: Annotated[
        str,
        typer.Option(
            help="Annotations that do not start and end with tokens: error; missing, their tokens "
            "count as not annotated; skip, leave out their documents"
        ),
    ] = "error",
    spans_key: SpansKey = None,
) -> None:
    """Convert annotated texts to spaCy's training format.

    Reads CoNLL-2003 files (four columns), two columns parted by a tab, and Universal NER files,
    strictly: a bad line is an error. Documents are those the file marks (-DOCSTART-, # newdoc);
    in a file without such marks, each --group sentences make one. Reads .jsonl too: records, and
    texts with character offsets under entities, spans, label or labels.
    """
    given = {"layout": layout, "scheme": scheme, "group": group, "ignore_markers": ignore_markers}
    defaults = {"layout": AUTO, "scheme": AUTO, "group": None, "ignore_markers": False}
    options = {name: value for name, value in given.items() if value != defaults[name]}
    from .. import convert

    with errors_as_messages():
        names = parse_label_map(label_map or [])
        done = convert(
            input_path,
            output_path,
            format=from_format,
            options=options,
            label_map=names,
            lang=lang,
            spans_key=spans_key,
            misaligned=misaligned,
        )
    for warning in done.source.warnings:
        say.warn(warning)
    for warning in done.warnings:
        typer.echo(f"Warning: {warning}", err=True)
    msg.table(_table_rows(done, names), aligns=("l", "r"))
    if done.misaligned:
        # Not wasabi: it breaks lines, and with them paths.
        typer.echo(f"Not on token boundaries:\n{done.shown_misaligned}", err=True)
    notes = [*done.source.notes, *([f"tokenizer of {lang!r}"] if done.uses_tokenizer else [])]
    say.good(f"Wrote {output_path} ({', '.join(notes)})" if notes else f"Wrote {output_path}")


def parse_label_map(entries: Iterable[str]) -> dict[str, str]:
    """Read OLD=NEW entries; NEW may be empty. RAISES (ValueError): No "=", or OLD repeated."""
    label_map: dict[str, str] = {}
    for entry in entries:
        old, equals, new = entry.partition("=")
        if not old or not equals:
            raise ValueError(f"--map wants OLD=NEW, or OLD= to drop the type, got {entry!r}.")
        if old in label_map:
            raise ValueError(f"--map names {old!r} twice: leave one out.")
        label_map[old] = new
    return label_map


def _table_rows(done: "Conversion", label_map: dict[str, str]) -> list[tuple[str, str]]:
    rows: list[tuple[str, Any]] = [
        ("documents", done.n_documents),
        *([("sentences", done.n_sentences)] if done.n_sentences else []),
        ("tokens", done.n_tokens),
        ("entities", done.entities.total()),
        *((f"  {label}", count) for label, count in done.entities.most_common()),
    ]
    for name, count in (
        ("documents without annotation", done.n_without_annotation),
        ("misaligned annotations", len(done.misaligned)),
        ("documents left out for them", done.n_skipped),
        *done.source.counts.items(),
    ):
        if count:
            rows.append((name, count))
    for old, count in done.mapped.items():
        rows.append((f"mapped {old} to {label_map[old] or 'outside'}", count))
    return [(name, f"{count:,}") for name, count in rows]
