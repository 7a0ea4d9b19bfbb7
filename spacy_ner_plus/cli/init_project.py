"""`ner-plus init-project`: a spaCy project for the user's own data."""

from pathlib import Path
from typing import Annotated

import typer

from ..pages.telling import say
from ._errors import errors_as_messages
from ._parts import ExceptionsFile, Group, print_parts
from ._plan import (
    Device,
    EncoderName,
    Lang,
    ModelKind,
    Nested,
    NestedKey,
    Vectors,
    WordsPerSecond,
    print_plan,
)


def init_project_cli(
    folder: Annotated[Path, typer.Argument(help="Folder to write, new or empty")],
    data: Annotated[
        list[Path],
        typer.Option(
            "--data",
            metavar="FILE",
            help="Annotated texts: one file to divide, or train and test data, or train, dev and "
            "test data, in this order; repeat the option",
        ),
    ],
    encoder: EncoderName = None,
    lang: Lang = "en",
    name: Annotated[
        str | None,
        typer.Option(help="Name of the pipeline, without the language (default: the folder's)"),
    ] = None,
    device: Device = "auto",
    group: Group = None,
    exceptions: ExceptionsFile = None,
    model: ModelKind = "transformer",
    vectors: Vectors = None,
    words_per_second: WordsPerSecond = None,
    nested: Nested = None,
    spans_key: NestedKey = "sc",
) -> None:
    """Write a project that makes a pipeline of your annotated texts.

    Takes JSONL with character offsets, column files (CoNLL-2003, tab-separated, Universal NER) and
    .spacy files. The project's `all` trains, evaluates and packages; all numbers are in its config,
    computed from data, encoder and device, with the reason beside each.
    """
    with errors_as_messages():
        from .. import init_project

        project = init_project(
            folder,
            data,
            encoder=encoder,
            lang=lang,
            name=name,
            device=device,
            group=group,
            exceptions=exceptions,
            model=model,
            vectors=vectors,
            words_per_second=words_per_second,
            nested=nested,
            spans_key=spans_key,
        )
    print_parts(project.parts)
    for note in project.notes:  # not by wasabi, which breaks lines and with them paths
        typer.secho(f"! {note}\n", fg="yellow")
    print_plan(project.plan)
    say.good(f"Wrote the project to {folder}. To run it:")
    typer.echo(f"\n  cd {_quoted(folder)}\n  python -m spacy project run all\n")


def _quoted(path: Path) -> str:
    return f'"{path}"' if " " in str(path) else str(path)
