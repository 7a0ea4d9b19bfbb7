"""`ner-plus project check`: verify files against their SHA-256 before they are used."""

from pathlib import Path
from typing import Annotated

import typer

from ...pages.telling import say
from ...support.sha256_sums import SUMS_NAME, verify
from .._errors import errors_as_messages


def check_cli(
    paths: Annotated[
        list[Path],
        typer.Argument(help=f"Folders with a file {SUMS_NAME}, or files in its format"),
    ],
) -> None:
    """Verify files against their SHA-256.

    The sums are read in the format of the program sha256sum; names are relative to the folder that
    the sums are in. Exits with 1 if a file is missing or differs.
    """
    with errors_as_messages():
        for path in paths:
            sums_path, n_files = verify(path)
            say.good(f"{sums_path}: {n_files} files are as expected")
