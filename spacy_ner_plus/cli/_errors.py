"""How commands show errors."""

from collections.abc import Iterator
from contextlib import contextmanager

import typer


@contextmanager
def errors_as_messages() -> Iterator[None]:
    """Show a ValueError or OSError as its message alone, on stderr, and exit with 1."""
    try:
        yield
    except (ValueError, OSError) as error:
        # Not wasabi: it breaks lines at 80 columns, and with them paths and file content.
        typer.echo(f"Error: {error}", err=True)
        raise typer.Exit(1) from error
