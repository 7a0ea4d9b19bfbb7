"""What commands print, without what a terminal would obey."""

import re
import sys
from contextlib import ExitStack, redirect_stderr, redirect_stdout
from typing import IO, Any

import typer

# Colours (ESC [ ... m), as wasabi prints them, are let through. All other control characters are
# not, nor marks that turn the direction of what follows: texts, labels and names of files that are
# printed may be somebody else's.
_OBEYED = re.compile(
    "\x1b(?!\\[[0-9;]*m)|[\x00-\x08\x0b\x0c\x0e-\x1a\x1c-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069]"
)


def printable(text: str) -> str:
    """A text with escapes for characters that a terminal obeys rather than shows."""
    return _OBEYED.sub(lambda found: ascii(found.group())[1:-1], text)


class PlainStream:
    """A stream of text that prints no character that a terminal would obey.

    stream (IO[str]): Where it goes.
    """

    def __init__(self, stream: IO[str]) -> None:
        self._stream = stream

    def write(self, text: str) -> int:
        """Print. RETURNS (int): The length of what was given."""
        self._stream.write(printable(text))
        return len(text)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._stream, name)


def print_plainly(context: typer.Context) -> None:
    """Let all that a command prints go through a PlainStream, as long as it runs."""
    with ExitStack() as stack:
        stack.enter_context(redirect_stdout(PlainStream(sys.stdout)))
        stack.enter_context(redirect_stderr(PlainStream(sys.stderr)))
        context.call_on_close(stack.pop_all().close)
