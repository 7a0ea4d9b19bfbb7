"""Standard input and output as files: `-`."""

import shutil
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory

STREAM = Path("-")


@contextmanager
def input_paths(paths: list[Path]) -> Iterator[list[Path]]:
    """The paths, with a file of what comes through standard input in place of `-`.

    It may be read more than once: to find its format, and the unit of its offsets.

    RAISES (ValueError): `-` is there twice.
    """
    if paths.count(STREAM) > 1:
        raise ValueError("- is standard input, which can be read once: name it once.")
    if STREAM not in paths:
        yield paths
        return
    with TemporaryDirectory(prefix="ner-plus-") as folder:
        spooled = Path(folder, "stdin")
        with spooled.open("wb") as file:
            shutil.copyfileobj(sys.stdin.buffer, file)
        yield [spooled if path == STREAM else path for path in paths]


@contextmanager
def output_path(path: Path) -> Iterator[Path]:
    """The path, or a file in place of `-`, which goes to standard output in the end.

    RAISES (ValueError): More than one file was written.
    """
    if path != STREAM:
        yield path
        return
    with TemporaryDirectory(prefix="ner-plus-") as folder:
        spooled = Path(folder, "stdout")
        yield spooled
        if others := sorted(one.name for one in Path(folder).iterdir() if one != spooled):
            raise ValueError(
                f"{', '.join(others)} is written beside the records, for which standard output has "
                "no place: name a file."
            )
        with spooled.open("rb") as file:
            shutil.copyfileobj(file, sys.stdout.buffer)
        sys.stdout.buffer.flush()
