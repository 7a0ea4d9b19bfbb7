"""`ner-plus weak-label`: texts annotated by rules and pipelines that vote."""

from pathlib import Path
from typing import Annotated

import typer

from ..pages.telling import say
from ._errors import errors_as_messages
from ._options import CodePath, IdField, TextField, TextsFormat, prepare


def weak_label_cli(
    texts: Annotated[
        Path,
        typer.Argument(help="Texts: .txt, .jsonl, .csv, .tsv, .parquet or .spacy, or a folder"),
    ],
    output: Annotated[Path, typer.Argument(help=".jsonl file to write, with a record a text")],
    rules: Annotated[
        list[Path] | None,
        typer.Option(
            help="File of rules (.jsonl, .csv, .tsv, .txt); repeatable. Rules of one name, such as "
            "the phrases of a list, are one voter"
        ),
    ] = None,
    pipeline: Annotated[
        list[str] | None,
        typer.Option(help="Name or folder of a pipeline whose entities are votes; repeatable"),
    ] = None,
    threshold: Annotated[float, typer.Option(help="Least probability of an accepted entity")] = 0.8,
    reject_below: Annotated[
        float,
        typer.Option(help="Spans up to this probability are rejected; those between, ignored"),
    ] = 0.2,
    unknown_outside: Annotated[
        bool,
        typer.Option(
            "--unknown-outside",
            help="Where nobody votes for an entity, there may be some: nothing is known there",
        ),
    ] = False,
    lang: Annotated[
        str, typer.Option(help="Language whose tokenizer cuts texts and phrases for rules")
    ] = "en",
    label: Annotated[
        str | None, typer.Option(help="Entity type of the rules of a file that say none")
    ] = None,
    input_format: TextsFormat = None,
    text_field: TextField = "text",
    id_field: IdField = "id",
    json: Annotated[bool, typer.Option("--json", help="Print JSON instead of tables")] = False,
    code: CodePath = None,
) -> None:
    """Annotate texts by rules and pipelines that vote.

    How good each voter is, and with that how probable each entity, is told from how they agree.
    Entities are accepted, rejected or left undecided by their probability: to be reviewed in any
    annotation tool, or to learn from, where undecided ones count as not annotated, and rejected
    ones as known to be wrong.
    """
    with errors_as_messages():
        from .. import weak_label
        from ..weak_labels.weak_terminal import print_weak_labels, weak_labels_json

        prepare(-1, code)
        done = weak_label(
            texts,
            output,
            rules=rules,
            pipelines=pipeline,
            threshold=threshold,
            reject_below=reject_below,
            unknown_outside=unknown_outside,
            lang=lang,
            label=label,
            input_format=input_format,
            text_field=text_field,
            id_field=id_field,
        )
    for warning in done.warnings:
        typer.echo(f"Warning: {warning}", err=True)
    if json:
        typer.echo(weak_labels_json(done))
        return
    print_weak_labels(done)
    say.good(f"Wrote {done.output}")
