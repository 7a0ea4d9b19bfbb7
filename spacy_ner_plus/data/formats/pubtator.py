"""PubTator files as records: a title and an abstract, mentions with ids, relations between ids.

A mention's id is its `kb_id`, several as they stand there (`D1|D2`). Lines that are no mentions, as
relations between the ids of a document, are kept in `pubtator_lines` of the record's meta; where the
title and further passages end, in `passages`.
"""

import re
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ..sources.raw_files import open_bytes
from ..sources.rows import decode
from .form import Format, Sample
from .pubtator_writing import NO_IDS, TITLE_AND_ABSTRACT, write_pubtator
from .repairs import Errors
from .tool_records import ToolRecords

PASSAGES, LINES, MENTION = "passages", "pubtator_lines", "pubtator"
_PASSAGE = re.compile(r"([^\t|]*)\|([A-Za-z])\|(.*)", re.DOTALL)
_NUMBER = re.compile(r"\d+")


@dataclass
class _Block:
    """A document: its lines, with their numbers."""

    lines: list[tuple[int, str]]


@dataclass
class PubTatorRecords(ToolRecords):
    """The documents of a PubTator file, which are parted by blank lines.

    The text is the title, a space, and the abstract; or all passages that there are.
    """

    def entries(self) -> Iterator[tuple[str, _Block]]:
        """See ToolRecords.entries."""
        block: list[tuple[int, str]] = []
        with open_bytes(self.path) as file:
            for number, data in enumerate(file, start=1):
                line = decode(data.removeprefix(b"\xef\xbb\xbf") if number == 1 else data)
                line = line.removesuffix("\n").removesuffix("\r")
                if line.strip():
                    block.append((number, line))
                elif block:
                    yield f"{self.path}, line {block[0][0]}", _Block(block)
                    block = []
        if block:
            yield f"{self.path}, line {block[0][0]}", _Block(block)

    def row(self, entry: _Block, counts: Counter[str]) -> dict[str, Any]:
        """See ToolRecords.row."""
        raise NotImplementedError
