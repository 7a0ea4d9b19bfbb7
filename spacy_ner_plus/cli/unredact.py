"""`ner-plus unredact`: the texts as they were before `ner-plus redact --map`."""

from pathlib import Path
from typing import Annotated

import typer

from ..pages.telling import say
from ._errors import errors_as_messages


def unredact_cli(
    redacted: Annotated[Path, typer.Argument(help="What `ner-plus redact` wrote")],
    map: Annotated[Path, typer.Argument(help="The map of the same run")],
    output: Annotated[Path, typer.Argument(help=".jsonl file to write, which you alone may read")],
    overwrite: Annotated[
        bool, typer.Option("--overwrite", help="Replace an output that is there")
    ] = False,
) -> None:
    """Restore redacted texts by their map, character by character."""
    with errors_as_messages():
        from .. import unredact

        done = unredact(redacted, map, output, overwrite=overwrite)
    typer.echo(f"Put back {done.replacements:,} names in {done.documents:,} texts")
    say.good(f"Wrote {done.output}")
