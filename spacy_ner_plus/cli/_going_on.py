"""What is told when a run is interrupted that can go on."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import typer


@contextmanager
def tells_how_to_go_on(output: Path) -> Iterator[None]:
    """When it is interrupted, or a disk is full: the error says neither where nor what to do."""
    from ..prediction.journal import Journal

    folder = Journal(output).folder
    try:
        yield
    except (KeyboardInterrupt, OSError) as error:
        if folder.exists():
            typer.echo(
                f"Stopped. What is done is in {folder}, and the same command goes on with it, but "
                "with --overwrite begins anew.",
                err=True,
            )
        if isinstance(error, KeyboardInterrupt):
            raise typer.Exit(130) from error
        raise
