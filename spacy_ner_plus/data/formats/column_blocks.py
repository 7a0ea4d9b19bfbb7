"""Rows of column files -> sentences, as they stand there."""

import re
from collections.abc import Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from itertools import chain
from pathlib import Path

from .column_form import Form
from .column_layouts import is_document_marker, is_global
from .column_lines import Findings, Line
from .column_rows import Row, read_row, refuse_unseen
from .tag_forms import OUTSIDE
from .white_space_after import is_exact, space_after, spaces_before

_NEW_DOCUMENT = re.compile(r"#\s*newdoc\b(?:\s+id\s*=\s*(.*\S))?")
_TEXT = re.compile(r"#\s*text = ")
_NUMBER = re.compile(r"(\d+)(?:([-.])(\d+))?")


@dataclass(frozen=True)
class Block:
    """The rows of a sentence.

    text (Optional[str]): The untokenised sentence, where the file gives it.
    space_after (Optional[str]): The white space behind it; None if the file does not say.
    opens_document (bool): A document marker stands before it.
    document_id (Optional[str]): What the marker says of the document.
    comments (Tuple[str, ...]): Other comment lines before it.
    """

    rows: tuple[Row, ...]
    text: str | None
    space_after: str | None
    opens_document: bool
    document_id: str | None
    comments: tuple[str, ...] = ()


def read_blocks(lines: Iterable[Line], form: Form, findings: Findings) -> Iterator[Block]:
    """The sentences of a file.

    findings (Findings): Gets what is wrong with lines: see its `check`.
    """
    opened = _Opened(form, findings)
    for line in chain(lines, [Line(Path(), 0, "")]):
        is_marker = not form.layout.is_numbered and is_document_marker(line)
        if line.is_blank or is_marker or refuse_unseen(line, findings):
            if block := opened.closed():
                yield block
                opened = _Opened(form, findings)
            else:
                opened.drop_rows()
            opened.opens_document |= is_marker
        elif form.layout.is_numbered and opened.has_rows and line.content.startswith("#"):
            findings.refuse(line, "A comment inside a sentence: put a blank line before it.")
        elif not opened.has_rows and form.is_comment(line):
            opened.comment(line)
        else:
            row = read_row(line, form, findings, is_first=not opened.has_rows)
            if row:
                opened.add(row)
    for _ in opened.comments:
        findings.pass_over("comment lines behind the last sentence")


@dataclass
class _Opened:
    """A sentence of which not all lines were read."""

    form: Form
    findings: Findings
    rows: list[Row] = field(default_factory=list)
    text_line: Line | None = None
    opens_document: bool = False
    document_id: str | None = None
    comments: list[str] = field(default_factory=list)
    n_words: int = 0
    # The token that the next words are, with the number of the last of them.
    whole: Row | None = None
    last: int = 0

    @property
    def has_rows(self) -> bool:
        """Whether any line of it was a row."""
        return bool(self.rows or self.whole)

    def comment(self, line: Line) -> None:
        """What a comment before it says."""
        if match := _NEW_DOCUMENT.match(line.content):
            self.opens_document, self.document_id = True, match[1]
        elif _TEXT.match(line.content):
            if self.text_line:
                self.findings.refuse(
                    line, f"The sentence has a text already (line {self.text_line.number})."
                )
            self.text_line = line
        elif not is_global(line):
            self.comments.append(line.content)

    def add(self, row: Row) -> None:
        """A row behind those before. Numbers count words, of which a token may have several."""
        if row.number is None:
            self.rows.append(row)
            return
        match = _NUMBER.fullmatch(row.number)
        if match is None or int(match[1]) != self.n_words + (match[2] != "."):
            self.findings.refuse(
                row.line,
                f"Token number {row.number!r} where {self.n_words + 1} is due: tokens are numbered "
                "from 1 in each sentence.",
            )
        if match is None:
            return
        if match[2] == ".":
            self._add_empty(row)
        elif match[2] == "-":
            self._open_whole(row, int(match[3]))
        else:
            self.n_words = int(match[1])
            self._add_word(row)

    def _add_empty(self, row: Row) -> None:
        """A word that is no part of the text: a tag of it joins those around it."""
        self.findings.pass_over("empty nodes")
        if any(tag not in OUTSIDE for tag in row.tags):
            self.rows.append(replace(row, token=""))

    def _open_whole(self, row: Row, last: int) -> None:
        if self.whole or last <= self.n_words + 1:
            self._refuse_whole(row)
        elif any(tag not in OUTSIDE for tag in row.tags):
            self.findings.refuse(
                row.line, "The tags of a token of several words stand on its words: move it there."
            )
        else:
            self.whole, self.last = row, last

    def _add_word(self, row: Row) -> None:
        if self.whole is None:
            self.rows.append(row)
            return
        is_first = not (self.rows and self.rows[-1].line.number > self.whole.line.number)
        token, misc = (self.whole.token, self.whole.misc) if is_first else ("", "_")
        self.rows.append(replace(row, token=token, misc=misc, is_part=not is_first))
        if self.n_words >= self.last:
            self.whole = None

    def _refuse_whole(self, row: Row) -> None:
        self.findings.refuse(
            row.line,
            f"The token {row.number} is of several words, and the lines behind it must be just "
            "these words.",
        )

    def drop_rows(self) -> None:
        """Go on without rows, with what markers before said."""
        self.closed()
        self.rows, self.text_line, self.whole, self.n_words = [], None, None, 0

    def closed(self) -> Block | None:
        """The sentence; None if it has no token."""
        if self.whole:
            self._refuse_whole(self.whole)
            self.whole = None
        if not any(row.token for row in self.rows):
            if self.text_line:
                self.findings.refuse(
                    self.text_line, "No tokens follow this text: add them or remove it."
                )
                self.text_line = None
            return None
        solid = [row for row in self.rows if row.token]
        return Block(
            tuple(self.rows),
            self._text(solid),
            space_after(solid[-1].misc),
            self.opens_document,
            self.document_id,
            tuple(self.comments),
        )

    def _text(self, solid: Sequence[Row]) -> str | None:
        """As the file gives it, else as MISC says; None if neither does."""
        given = _TEXT.sub("", self.text_line.content, count=1) if self.text_line else None
        if self.form.layout.misc is None:
            return given
        exact = any(is_exact(row.misc) for row in solid)
        if given is not None and not exact:
            return given
        parts: list[str] = []
        for row in solid:
            after = space_after(row.misc)
            parts += [spaces_before(row.misc) or "", row.token, " " if after is None else after]
        built = "".join(parts[:-1])
        if given is not None and self.text_line and given.split() != built.split():
            self.findings.refuse(
                self.text_line, f"The tokens and their SpacesAfter make up another text, {built!r}."
            )
        return built


def tags_of(block: Block) -> list[list[str]]:
    """The tags of each column."""
    return [list(column) for column in zip(*(row.tags for row in block.rows), strict=True)]


def with_outside(block: Block, columns: Collection[int]) -> Block:
    """With O for the tag `_` in columns that have it in place of O."""
    if not columns:
        return block
    return replace(block, rows=tuple(_with_o(row, columns) for row in block.rows))


def refuse_mixed(blocks: Iterable[Block], column: int, findings: Findings) -> None:
    """Note the tags `_` of a column that has O, too."""
    for block in blocks:
        for row in block.rows:
            if row.tags[column] == "_":
                findings.refuse(
                    row.line,
                    "The tag is _, but others are O: _ may stand for O or for what nobody has "
                    "annotated. Write O, or leave the sentence out.",
                )


def _with_o(row: Row, columns: Collection[int]) -> Row:
    tags = ("O" if i in columns and tag == "_" else tag for i, tag in enumerate(row.tags))
    return replace(row, tags=tuple(tags))
