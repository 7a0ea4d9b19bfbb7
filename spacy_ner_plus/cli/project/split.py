"""`ner-plus project split`: files of annotated texts to training, development and test data."""

from pathlib import Path
from typing import Annotated

import typer

from .._errors import errors_as_messages
from .._parts import ExceptionsFile, Group, print_parts


def split_cli(
    data: Annotated[
        list[Path],
        typer.Argument(
            help="One file to divide, or train and test data, or train, dev and test data"
        ),
    ],
    output: Annotated[Path, typer.Option(help="Folder for train.spacy, dev.spacy and test.spacy")],
    lang: Annotated[str, typer.Option(help="Language whose tokenizer cuts the texts")] = "en",
    group: Group = None,
    exceptions: ExceptionsFile = None,
    spans_key: Annotated[
        str | None,
        typer.Option(
            metavar="KEY",
            help="Put entities in doc.spans[KEY], where they may overlap, and the outermost in "
            "doc.ents; take them from there in .spacy files",
        ),
    ] = None,
    overlaps: Annotated[
        str,
        typer.Option(
            help="Without --spans-key, which of entities that overlap remain: error, longest, "
            "first, or labels:A,B for types in the order in which they win"
        ),
    ] = "error",
) -> None:
    """Write the train, dev and test data of a project.

    The same files are always divided the same way. Texts that are the same are in the same part,
    and with the extra `split` such as are nearly the same.
    """
    with errors_as_messages():
        from ...data.splitting.parts import write_parts

        parts, files = write_parts(
            data,
            output,
            lang=lang,
            group=group,
            exceptions=exceptions,
            spans_key=spans_key,
            overlaps=overlaps,
        )
    print_parts(parts)
    for file in files:
        for warning in file.warnings:
            typer.echo(f"Warning: {file.path}: {warning}", err=True)
