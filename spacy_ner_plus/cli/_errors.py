"""How commands show errors."""

import traceback
from collections.abc import Iterator
from contextlib import contextmanager

import typer


@contextmanager
def errors_as_messages(exit_code: int = 1, *, tracebacks: bool = False) -> Iterator[None]:
    """Show a ValueError, OSError or ImportError as its message alone, on stderr, and exit.

    An ImportError is of a package that a language or an extra needs.

    exit_code (int): The process's; another than 1 where a command ends with 1 for other reasons.
    tracebacks (bool): Show where it came from, too.
    """
    try:
        yield
    except (ValueError, OSError, ImportError) as error:
        if tracebacks:
            traceback.print_exception(error)
        # Not wasabi: it breaks lines at 80 columns, and with them paths and file content.
        typer.echo(f"Error: {error}", err=True)
        raise typer.Exit(exit_code) from error
