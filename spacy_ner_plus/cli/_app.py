"""The typer app that all commands hang on, and what they share."""

from collections.abc import Iterator
from contextlib import contextmanager

import typer
from spacy.cli._util import app as spacy_app
from wasabi import msg

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
    """Show a ValueError or OSError as its message alone, without traceback, and exit with 1."""
    try:
        yield
    except (ValueError, OSError) as error:
        msg.fail(str(error), exits=1)
