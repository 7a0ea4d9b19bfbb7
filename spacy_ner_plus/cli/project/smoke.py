"""`ner-plus project smoke`: use a packaged pipeline in a clean environment, without network."""

from pathlib import Path
from typing import Annotated

import typer

from ...pages.telling import say
from .._errors import errors_as_messages


def smoke_cli(
    folder: Annotated[
        Path, typer.Argument(help="Folder with the wheels of a pipeline and of spacy_ner_plus")
    ],
    sentences: Annotated[Path, typer.Option(help="Text file with one sentence a line")] = Path(
        "assets/smoke.txt"
    ),
    output: Annotated[Path, typer.Option(help="HTML file for displaCy's page")] = Path(
        "metrics/smoke.html"
    ),
    constraints: Annotated[
        Path | None, typer.Option(help="Exact versions to install, in pip's format")
    ] = None,
) -> None:
    """Try a packaged pipeline as a new user has it.

    Installs the two wheels into a new virtual environment, loads the pipeline there by its package
    name with sockets blocked, prints the entities of some sentences with their probabilities and
    writes a displaCy page. Exits with 1 if anything fails or no entity is found.
    """
    with errors_as_messages():
        from ...training.project.smoke_run import try_package

        try_package(folder, sentences=sentences, output=output, constraints=constraints)
    say.good(f"The packaged pipeline works; displaCy's page is {output}")
