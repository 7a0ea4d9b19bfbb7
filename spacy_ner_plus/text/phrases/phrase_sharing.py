"""How a table of phrases reaches worker processes that are started anew: as the name of a file.

Processes that are forked have the table with all memory. One that is started by "spawn" or
"forkserver" gets a pickle of what it works on, through a pipe; a table in it is the path of its
file, which the process maps too, so that there is one copy for all. Any other pickle, which may be
kept or sent away, holds the table itself.
"""

import os
import tempfile
import weakref
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING

from .phrase_file import is_file_of, read_phrase_table, write_phrase_table

if TYPE_CHECKING:
    from .phrase_table import PhraseTable

# Files of tables that had none; they are there as long as the table is.
_temporary: "weakref.WeakKeyDictionary[PhraseTable, PhraseTable]" = weakref.WeakKeyDictionary()


def shared_file(table: "PhraseTable") -> tuple[str, str]:
    """The file of a table, and the digest of what it holds; a temporary one if there is none."""
    if is_file_of(table):
        return str(table.file), table.digest
    written = _temporary.get(table)
    if written is None or not is_file_of(written):
        descriptor, name = tempfile.mkstemp(prefix="phrases-", suffix=".safetensors")
        os.close(descriptor)
        weakref.finalize(table, _remove, name)
        written = _temporary[table] = write_phrase_table(table, Path(name))
    return str(written.file), written.digest


def mapped_table(path: str, digest: str) -> "PhraseTable":
    """The table of a file. RAISES ValueError: If it is another one than was meant."""
    table = read_phrase_table(Path(path))
    if table.digest != digest:
        raise ValueError(f"{path} was changed while worker processes were started: start again.")
    return table


def _remove(name: str) -> None:
    with suppress(OSError):  # removed already, or, on Windows, still mapped
        Path(name).unlink()
