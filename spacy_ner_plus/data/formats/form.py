"""What a format of annotated texts is: how it is recognised, read and written."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

from ...records import TextRecord
from .unsound_spans import UnsoundSpan
from .written import Written


class RecordSource(Protocol):
    """The annotated texts of a file.

    notes, warnings (List[str]): What is worth telling of the file, once all of it was read.
    unsound (List[UnsoundSpan]): Set to a list before reading, it gets annotations that have no
        place in their text, before the record comes; None: they are errors. In formats of tokens
        and tags there are none.
    """

    notes: list[str]
    warnings: list[str]
    unsound: list[UnsoundSpan] | None

    @property
    def counts(self) -> Mapping[str, int]:
        """The same in numbers."""

    def records(self) -> Iterator[tuple[str, TextRecord]]:
        """Each record, with where it is in words: the file, and the line or number.

        RAISES (ValueError): What is wrong, where, and what to do.
        """


@dataclass(frozen=True)
class Sample:
    """The beginning of a file or folder, by which formats are told apart.

    path (Path): As the user named it.
    names (Tuple[str, ...]): Of a folder, its files, at most 1,000.
    lines (Tuple[str, ...]): The first lines that are not blank, unpacked; none of a folder, and of
        a file that is no text.
    value (Any): The first JSON value: the object of the first line, or the first element of a list;
        None if it is no JSON.
    is_blank (bool): There is nothing in the file, or white space alone.
    """

    path: Path
    names: tuple[str, ...] = ()
    lines: tuple[str, ...] = ()
    value: Any = None
    is_blank: bool = False


@dataclass(frozen=True)
class Format:
    """How a format is recognised, read and written.

    suffixes (Tuple[str, ...]): Of its files, if no other format's have them.
    source: A dataclass that is a RecordSource: of a path, and of options.
    write (Callable): Writes records to a path, and says how many, and what was lost.
    recognises (Callable): Whether a file is of the format, by how it begins.
    writes_folder (bool): Whether `write` makes a folder of the path, which is there and empty.
    needs_tokens (bool): Whether `write` takes only records with tokens.
    """

    suffixes: tuple[str, ...]
    source: Callable[..., RecordSource]
    write: Callable[..., Written]
    recognises: Callable[[Sample], bool] = lambda sample: False
    writes_folder: bool = False
    needs_tokens: bool = False
