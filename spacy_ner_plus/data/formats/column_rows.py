"""Lines of column files -> blocks of rows, strictly, or with repairs that are clear."""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from ...records import tidy_label
from .column_choice import OUTSIDE, choose_columns
from .column_layouts import ColumnLayout, find_layout, is_document_marker, most_common_length
from .column_lines import Findings, Line
from .column_tags import is_tag

_NEW_DOCUMENT = re.compile(r"#\s*newdoc\b")
_TEXT = re.compile(r"#\s*text = ")
# What stands on top of a column of tags in files from spreadsheets.
_HEADING = re.compile(r"(ner[ _]?)?(tags?|labels?|entit(y|ies))|ner|bio|iob|class", re.IGNORECASE)


@dataclass(frozen=True)
class Row:
    """A token and its tags, one of each column that is read.

    token (str): Empty in a row that is left out, and whose tags yet join those around it.
    """

    token: str
    tags: tuple[str, ...]
    line: Line


@dataclass(frozen=True)
class Block:
    """The rows of a sentence.

    text (Optional[str]): The untokenised sentence, where the file gives it.
    opens_document (bool): A document marker stands before it.
    """

    rows: tuple[Row, ...]
    text: str | None
    opens_document: bool


@dataclass(frozen=True)
class Form:
    """What the lines of a file are like.

    name (str), layout (ColumnLayout): How they are cut.
    n_columns (Tuple[int, ...]): How many columns they may have.
    tags (Tuple[int, ...]): The columns of tags, from 0.
    """

    name: str
    layout: ColumnLayout
    n_columns: tuple[int, ...]
    tags: tuple[int, ...]

    def is_comment(self, line: Line) -> bool:
        """Whether a line before a sentence is none of its rows."""
        if not line.content.startswith("#"):
            return False
        if self.layout.is_numbered:
            return True
        columns = self.layout.split(line.content)
        if len(columns) not in self.n_columns:
            return True
        return not any(is_tag(columns[i]) or columns[i] in OUTSIDE for i in self.tags)


def find_form(lines: Sequence[Line], name: str, wanted: Sequence[int] = ()) -> Form:
    """The form of a file of a layout.

    name (str): The layout.
    wanted (Sequence[int]): The columns of tags, from 1, or from the end if negative.
    RAISES (ValueError): The layout is unknown, or see choose_columns.
    """
    layout = find_layout(name)
    solid = [line for line in lines if not line.is_blank and not is_document_marker(line)]
    plain = [line for line in solid if not line.content.startswith("#")] or solid
    rows = [_without_empty_end(layout.split(line.content)) for line in plain]
    n_columns = layout.n_columns
    if not n_columns:
        n_columns = (max(layout.token + 2, most_common_length(rows) if rows else 0),)
    if not layout.is_numbered:  # a token may be a hash
        rows = [_without_empty_end(layout.split(line.content)) for line in solid]
    path = lines[0].path if lines else Path()
    tags = choose_columns(path, rows, min(n_columns), layout, wanted)
    return Form(name, layout, n_columns, tags)


def _without_empty_end(columns: list[str]) -> list[str]:
    n = len(columns)
    while n > 1 and not columns[n - 1].strip():
        n -= 1
    return columns[:n]


def read_blocks(lines: Sequence[Line], form: Form, findings: Findings) -> Iterator[Block]:
    """The sentences of a file.

    findings (Findings): Gets what is wrong with lines: see its `check`.
    """
    rows: list[Row] = []
    text_line: Line | None = None
    opens_document = False
    for line in [*lines, Line(Path(), 0, "")]:
        is_marker = not form.layout.is_numbered and is_document_marker(line)
        if line.is_blank or is_marker or _is_unseen(line, findings):
            if any(row.token for row in rows):
                text = _TEXT.sub("", text_line.content, count=1) if text_line else None
                yield Block(tuple(rows), text, opens_document)
                opens_document = False
            elif text_line:
                findings.refuse(text_line, "No tokens follow this text: add them or remove it.")
            rows, text_line = [], None
            opens_document = opens_document or is_marker
        elif form.layout.is_numbered and rows and line.content.startswith("#"):
            findings.refuse(line, "A comment inside a sentence: put a blank line before it.")
        elif not rows and form.is_comment(line):
            opens_document = opens_document or bool(_NEW_DOCUMENT.match(line.content))
            findings.passed_over += not form.layout.is_numbered
            if _TEXT.match(line.content):
                if text_line:
                    message = f"The sentence has a text already (line {text_line.number})."
                    findings.refuse(line, message)
                text_line = line
        else:
            row = _read_row(line, form, len(rows) + 1, findings)
            rows += [row] if row else []


def _is_unseen(line: Line, findings: Findings) -> bool:
    first = line.content[0]
    if (first.isprintable() and first != " ") or tidy_label(line.content):
        return False
    findings.repair(
        line,
        "lines that only look blank, taken for blank ones",
        "There is nothing to be seen in this line: make it a blank one, which ends a sentence.",
    )
    return True


def _read_row(line: Line, form: Form, number: int, findings: Findings) -> Row | None:
    """A row. None: It can't be read, or is none."""
    columns = _fitting(line, form, findings)
    if columns is None:
        return None
    if number == 1 and _is_heading(line, columns, form):
        findings.repair(
            line, "headings left out", "This looks like a heading, not like a token: remove it."
        )
        return None
    if form.layout.is_numbered and columns[0] != str(number):
        findings.refuse(
            line,
            f"Token number {columns[0]!r} where {number} is due: tokens are numbered from 1 in "
            "each sentence; leave out multiword and empty tokens (numbers such as 3-4 and 3.1).",
        )
    if form.name == "uner" and columns[3:4] not in ([], ["-"]):
        findings.refuse(line, "The fourth column must be -: further annotation can't be read.")
    token = _token(line, columns[form.layout.token], findings)
    tags = tuple(_tag(line, columns[i], findings) for i in form.tags)
    return Row(token, tags, line)


def _fitting(line: Line, form: Form, findings: Findings) -> list[str] | None:
    """The columns of a line, as many as there should be."""
    columns = form.layout.split(line.content)
    if len(columns) in form.n_columns:
        return columns
    found = len(columns)
    if len(bare := _without_empty_end(columns)) in form.n_columns:
        findings.repair(
            line, "empty columns at the end of a line", "The line ends in white space: remove it."
        )
        return bare
    # between them, there may be more than one where there should be one
    filled = [column for column in columns if column.strip()]
    if len(filled) in form.n_columns and (columns[0] or form.name != "tsv"):
        findings.repair(
            line,
            "white space at the start of a line or between columns",
            f"Found {found} columns where {form.name} has {_described(form)}, as there is white "
            "space at the start or too much of it: remove it.",
        )
        return filled
    findings.refuse(
        line,
        f"Found {found} columns where {form.name} has {_described(form)}. Correct the line, or "
        "name another layout.",
    )
    return None


def _described(form: Form) -> str:
    if form.layout.n_columns:
        return form.layout.described
    return f"{form.n_columns[0]} {form.layout.described}"


def _is_heading(line: Line, columns: list[str], form: Form) -> bool:
    return line.number == 1 and _HEADING.fullmatch(columns[form.tags[0]].strip()) is not None


def _token(line: Line, token: str, findings: Findings) -> str:
    if not token:
        findings.repair(
            line,
            "lines without a token left out",
            "The token is empty: write one, or remove the line.",
        )
        return ""
    if token != token.strip() and not token.isspace():
        findings.repair(
            line,
            "white space around a token",
            "The token begins or ends with white space: remove the white space.",
        )
        return token.strip()
    return token


def _tag(line: Line, tag: str, findings: Findings) -> str:
    prefix, hyphen, label = (tidy := tidy_label(tag)).partition("-")
    tidy = prefix.rstrip() + hyphen + label.lstrip()
    if tidy != tag:
        findings.repair(
            line,
            "white space in a tag",
            f"The tag is {tag!a}, with white space or characters of no width: write {tidy!r}.",
        )
    return tidy


def outside_for(blocks: Sequence[Block], findings: Findings) -> list[Block]:
    """With O for the tag `_`, in a file that has it in place of O."""
    tags = {tag for block in blocks for row in block.rows for tag in row.tags}
    if "_" not in tags:
        return list(blocks)
    if "O" in tags:
        for block in blocks:
            for row in block.rows:
                if "_" in row.tags:
                    findings.refuse(
                        row.line,
                        "The tag is _, but others are O: _ may stand for O or for what nobody has "
                        "annotated. Write O, or leave the sentence out.",
                    )
    return [replace(block, rows=tuple(map(_with_o, block.rows))) for block in blocks]


def _with_o(row: Row) -> Row:
    return replace(row, tags=tuple("O" if tag == "_" else tag for tag in row.tags))
