"""`ner-plus serve-key`: a key for clients of a server."""

from pathlib import Path
from typing import Annotated

import typer

from ._errors import errors_as_messages


def serve_key_cli(
    keys: Annotated[Path, typer.Argument(help="File of keys; made if it is not there")],
    name: Annotated[str, typer.Option(help="Who or what the key is for; it is in the log")],
    scopes: Annotated[
        list[str] | None,
        typer.Option("--scope", help="entities (without any), metrics or admin; repeatable"),
    ] = None,
    days: Annotated[
        float | None, typer.Option(help="After which it ends; without it, never")
    ] = None,
) -> None:
    """Make a key for ner-plus serve, and print it: it is not kept anywhere, its hash is.

    A server that runs takes it within a second. To take it back, delete its entry in KEYS.
    """
    with errors_as_messages():
        from .. import serve_key

        made = serve_key(keys, name=name, scopes=scopes, days=days)
    typer.echo(made)
