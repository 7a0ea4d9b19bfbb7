"""The layouts of column files: lines -> blocks of rows, strictly.

- `conll2003`: four columns parted by single spaces (token, part of speech, chunk, tag), as in
  Tjong Kim Sang & De Meulder (2003). Lines whose token is `-DOCSTART-` open a document; their
  other columns differ from file to file.
- `tsv`: two columns parted by a tab (token, tag), as in WNUT-17 and BC5CDR. `-DOCSTART-` opens a
  document here too.
- `uner`: the CoNLL-U-like files of Universal NER: token number, token, tag, and mostly `-` and the
  annotator. `# newdoc` opens a document, `# text = ` gives the untokenised sentence, other comments
  are passed over.

A blank line, which may hold spaces and tabs, ends a sentence.
"""

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from ..sources.raw_files import open_bytes

# Characters of a line in a message: one that is no text may be megabytes long.
MOST_SHOWN = 80
LAYOUTS = ("conll2003", "tsv", "uner")

_COLUMNS = {
    "conll2003": "4 columns parted by single spaces (token, part of speech, chunk, tag)",
    "tsv": "2 columns parted by a tab (token, tag)",
    "uner": "3 or 5 columns parted by tabs (token number, token, tag, and perhaps -, annotator)",
}
_DOCUMENT_MARKER = "-DOCSTART-"
_COMMENT = re.compile(r"#\s*(newdoc|newpar|\w+ = )")
_NEW_DOCUMENT = re.compile(r"#\s*newdoc\b")
_TEXT = re.compile(r"#\s*text = ")


@dataclass(frozen=True)
class Line:
    """A line of a file, numbered from 1, without its line end."""

    path: Path
    number: int
    content: str

    @property
    def is_blank(self) -> bool:
        """Whether there is nothing but spaces and tabs in it."""
        return not self.content.strip(" \t")

    def error(self, message: str) -> ValueError:
        """The error to raise for this line; `message` says what is wrong and what to do."""
        shown = repr(self.content[:MOST_SHOWN]) + "..." * (len(self.content) > MOST_SHOWN)
        return ValueError(f"{self.path}, line {self.number}: {shown}: {message}")


@dataclass(frozen=True)
class Row:
    """A token and its tag."""

    token: str
    tag: str
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


def read_lines(path: Path) -> list[Line]:
    """The lines of a UTF-8 file, with or without byte order mark, Unix or Windows line ends.

    The file may be packed with gzip.

    RAISES (ValueError): A line is not UTF-8.
    """
    lines = []
    with open_bytes(path) as file:
        data = file.read()
    # Only a line feed ends a line: tokens may hold U+2028, U+0085 and the like.
    for number, raw in enumerate(data.split(b"\n"), start=1):
        try:
            content = raw.decode("utf-8-sig" if number == 1 else "utf-8")
        except UnicodeDecodeError as error:
            raise ValueError(
                f"{path}, line {number}: {raw[:MOST_SHOWN]!r}: byte {raw[error.start]:#04x} at "
                f"position {error.start} is not UTF-8. Convert the file to UTF-8 first."
            ) from error
        lines.append(Line(path, number, content.removesuffix("\r")))
    return lines


def detect_layout(lines: Iterable[Line]) -> str:
    """The layout of a file, from its first line that is neither blank nor a -DOCSTART-.

    RETURNS (str): One of `LAYOUTS`; "tsv" if there is no such line.
    RAISES (ValueError): The line fits no layout.
    """
    for line in lines:
        if line.is_blank or _is_document_marker(line):
            continue
        columns = line.content.split("\t")
        if _COMMENT.match(line.content) and len(columns) != 2:
            return "uner"
        if len(columns) == 2:
            return "tsv"
        if len(columns) in (3, 5) and columns[0].isdecimal():
            return "uner"
        if len(columns) == 1 and len(line.content.split(" ")) == 4:
            return "conll2003"
        known = "; ".join(f"{layout}: {columns}" for layout, columns in _COLUMNS.items())
        raise line.error(f"This fits no known layout. Convert the file to one of them ({known}).")
    return "tsv"


def read_blocks(lines: Sequence[Line], layout: str) -> Iterator[Block]:
    """The sentences of a file.

    RAISES (ValueError): A line is not as the layout wants it, or the layout is unknown.
    """
    if layout not in LAYOUTS:
        raise ValueError(f"Unknown layout {layout!r}: use one of {list(LAYOUTS)}.")
    rows: list[Row] = []
    text_line: Line | None = None
    opens_document = False
    for line in [*lines, Line(Path(), 0, "")]:
        is_marker = layout != "uner" and _is_document_marker(line)
        if line.is_blank or is_marker:
            if rows:
                text = _TEXT.sub("", text_line.content, count=1) if text_line else None
                yield Block(tuple(rows), text, opens_document)
                rows, text_line, opens_document = [], None, False
            elif text_line:
                raise text_line.error("No tokens follow this text: add them or remove it.")
            opens_document = opens_document or is_marker
        elif layout == "uner" and line.content.startswith("#"):
            if rows:
                raise line.error("A comment inside a sentence: put a blank line before it.")
            opens_document = opens_document or bool(_NEW_DOCUMENT.match(line.content))
            if _TEXT.match(line.content):
                if text_line:
                    raise line.error(f"The sentence has a text already (line {text_line.number}).")
                text_line = line
        else:
            rows.append(_read_row(line, layout, len(rows) + 1))


def _is_document_marker(line: Line) -> bool:
    columns = re.split(r"[ \t]", line.content)
    if columns[0] != _DOCUMENT_MARKER:
        return False
    if columns[-1] not in ("O", _DOCUMENT_MARKER):
        raise line.error(f"A {_DOCUMENT_MARKER} line opens a document: its tag must be O.")
    return True


def _read_row(line: Line, layout: str, number: int) -> Row:
    columns = line.content.split(" " if layout == "conll2003" else "\t")
    expected = {"conll2003": (4,), "tsv": (2,), "uner": (3, 5)}[layout]
    if len(columns) not in expected:
        raise line.error(
            f"Found {len(columns)} columns where {layout} has {_COLUMNS[layout]}. Correct the "
            "line, or name another layout."
        )
    if layout == "uner":
        if columns[0] != str(number):
            raise line.error(
                f"Token number {columns[0]!r} where {number} is due: tokens are numbered from 1 in "
                "each sentence; leave out multiword and empty tokens (numbers such as 3-4 and 3.1)."
            )
        if columns[3:4] not in ([], ["-"]):
            raise line.error("The fourth column must be -: further annotation can't be read.")
        token, tag = columns[1:3]
    else:
        token, tag = columns[0], columns[-1]
    if not token:
        raise line.error("The token is empty: write one, or remove the line.")
    if token != token.strip() and not token.isspace():
        raise line.error("The token begins or ends with white space: remove the white space.")
    return Row(token, tag, line)
