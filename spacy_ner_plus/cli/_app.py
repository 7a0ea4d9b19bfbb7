"""The typer app that all commands hang on, and what they share."""

from collections.abc import Iterator
from contextlib import contextmanager

import typer
from spacy.cli._util import app as spacy_app

app = typer.Typer(
    name="ner-plus",
    help="Commands of spacy_ner_plus: prepare data, evaluate and check pipelines.",
    no_args_is_help=True,
    rich_markup_mode=None,
)
spacy_app.add_typer(app)


@app.callback()
def _group() -> None:
    """Keeps the name of a command necessary even while there is only one."""


@contextmanager
def errors_as_messages() -> Iterator[None]:
    """Show a ValueError or OSError as its message alone, on stderr, and exit with 1."""
    try:
        yield
    except (ValueError, OSError) as error:
        # Not wasabi: it breaks lines at 80 columns, and with them paths and file content.
        typer.echo(f"Error: {error}", err=True)
        raise typer.Exit(1) from error
