"""Lines of column files -> rows, strictly, or with repairs that are clear."""

import re
from dataclasses import dataclass

from ...records import tidy_label
from .column_form import Form, without_empty_end
from .column_lines import Findings, Line
from .tag_forms import TagForm

# What stands on top of a column of tags in files from spreadsheets.
_HEADING = re.compile(r"(ner[ _]?)?(tags?|labels?|entit(y|ies))|ner|bio|iob|class", re.IGNORECASE)


@dataclass(frozen=True)
class Row:
    """A token and its tags, one of each column that is read.

    token (str): Empty in a row that is left out, and whose tags yet join those around it.
    number (str), misc (str): What else the layout has of a token, if it does.
    is_part (bool): It is a further word of the token of the row before, and has none of its own.
    """

    token: str
    tags: tuple[str, ...]
    line: Line
    number: str | None = None
    misc: str = "_"
    is_part: bool = False


def read_row(line: Line, form: Form, findings: Findings, *, is_first: bool) -> Row | None:
    """A row. None: It can't be read, or is none.

    is_first (bool): Of a sentence.
    """
    columns = _fitting(line, form, findings)
    if columns is None:
        return None
    if is_first and _is_heading(line, columns, form):
        findings.repair(
            line, "headings left out", "This looks like a heading, not like a token: remove it."
        )
        return None
    if form.name == "uner" and columns[3:4] not in ([], ["-"]):
        findings.refuse(line, "The fourth column must be -: further annotation can't be read.")
    layout = form.layout
    return Row(
        _token(line, columns[layout.token], findings),
        tuple(_tag(line, tag.value(columns), tag.form, findings) for tag in form.tags),
        line,
        None if layout.number is None else columns[layout.number],
        "_" if layout.misc is None else columns[layout.misc],
    )


def _fitting(line: Line, form: Form, findings: Findings) -> list[str] | None:
    """The columns of a line, as many as there should be."""
    columns = form.layout.split(line.content)
    if len(columns) in form.n_columns:
        return columns
    found = len(columns)
    if len(bare := without_empty_end(columns)) in form.n_columns:
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
    tag = form.tags[0].value(columns).strip()
    return line.number == 1 and _HEADING.fullmatch(tag) is not None


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


def _tag(line: Line, tag: str, form: TagForm, findings: Findings) -> str:
    first, separator, last = (tidy := tidy_label(tag)).partition(form.separator)
    tidy = first.rstrip() + separator + last.lstrip()
    if tidy != tag:
        findings.repair(
            line,
            "white space in a tag",
            f"The tag is {tag!a}, with white space or characters of no width: write {tidy!r}.",
        )
    return form.plain(tidy)


def refuse_unseen(line: Line, findings: Findings) -> bool:
    """Whether a line looks blank and is not, which is noted."""
    first = line.content[0]
    if (first.isprintable() and first != " ") or tidy_label(line.content):
        return False
    findings.repair(
        line,
        "lines that only look blank, taken for blank ones",
        "There is nothing to be seen in this line: make it a blank one, which ends a sentence.",
    )
    return True
