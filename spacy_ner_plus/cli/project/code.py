"""`ner-plus project code`: write down which source files each command of the project depends on."""

from pathlib import Path
from typing import Annotated

import typer

from ...pages.telling import say
from .._errors import errors_as_messages


def code_cli(
    output: Annotated[Path, typer.Argument(help="Folder for one JSON file a command")],
) -> None:
    """Write the SHA-256 of the source files that each command of the project depends on.

    They are those of the package that this command itself runs from: in a clone the folder
    spacy_ner_plus, because `python -m` looks in the current folder first, else the installed one.
    """
    with errors_as_messages():
        from ...training.project.source_digests import COMMANDS, PACKAGE, write_source_digests

        write_source_digests(output)
    say.good(f"{output}: the source files of {len(COMMANDS)} commands in {PACKAGE}")
