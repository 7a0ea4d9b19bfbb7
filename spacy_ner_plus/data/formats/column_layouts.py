"""The layouts of column files: which columns a line has, and where the token is.

- `tsv`: columns parted by tabs, the token in the first, as in WNUT-17 and BC5CDR.
- `blanks`: the same, parted by blanks or runs of them, as doccano and CoNLL-2002 have it.
- `conll2003`: four columns parted by single spaces (token, part of speech, chunk, tag), as in
  Tjong Kim Sang & De Meulder (2003).
- `uner`: the CoNLL-U-like files of Universal NER: token number, token, tag, and mostly `-` and the
  annotator.
- `numbered`: token number, token, and further columns, as in GermEval 2014.
- `conllu`: the ten columns of CoNLL-U, or those that `# global.columns` names (CoNLL-U Plus). Tags
  are in a column, or in MISC, as in `NE=B-PER`. `SpaceAfter=No` there, and UDPipe's `SpacesAfter`
  and `SpacesBefore`, give the text.

Where tokens are numbered, a token may be several words (`3-4`, which come behind it) and words may
be no part of the text (`3.1`). In the first three, lines whose token is `-DOCSTART-` open a
document; their other columns differ from file to file. In all, `# newdoc` opens a document, which
may have an id, `# text = ` gives the untokenised sentence, and other comments before a sentence are
passed over. A blank line, which may hold spaces and tabs, ends a sentence.
"""

import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass

from .column_lines import Line

DOCUMENT_MARKER = "-DOCSTART-"
_BLANKS = re.compile("[ \t]+")
_GLOBAL_COLUMNS = re.compile(r"#\s*global\.columns\s*=\s*(.+)")


@dataclass(frozen=True)
class ColumnLayout:
    """How lines are cut into columns.

    split (Callable[[str], List[str]]): A line to its columns.
    n_columns (Tuple[int, ...]): How many there may be; empty: as many as most lines have.
    token (int): The token's column, from 0.
    tag (int): The tag's column, from 0; None if that is to be found out.
    described (str): The same in words.
    number (int), misc (int): The columns of the token's number and of CoNLL-U's MISC, if any.
    names (Tuple[str, ...]): Of all columns, if they have some.
    """

    split: Callable[[str], list[str]]
    n_columns: tuple[int, ...]
    token: int
    tag: int | None
    described: str
    number: int | None = None
    misc: int | None = None
    names: tuple[str, ...] = ()

    @property
    def is_numbered(self) -> bool:
        """Whether tokens have numbers."""
        return self.number is not None


def by_tabs(content: str) -> list[str]:
    """A line cut at tabs."""
    return content.split("\t")


def by_blanks(content: str) -> list[str]:
    """A line cut at runs of spaces and tabs."""
    return _BLANKS.split(content.rstrip(" \t"))


def _by_spaces(content: str) -> list[str]:
    return content.split(" ")


def _by_either(content: str) -> list[str]:
    return by_tabs(content) if "\t" in content else by_blanks(content)


CONLLU = (
    "ID", "FORM", "LEMMA", "UPOS", "XPOS", "FEATS", "HEAD", "DEPREL", "DEPS", "MISC"
)  # fmt: skip
LAYOUTS = {
    "conll2003": ColumnLayout(
        _by_spaces, (4,), 0, None,
        "4 columns parted by single spaces (token, part of speech, chunk, tag)",
    ),
    "tsv": ColumnLayout(by_tabs, (), 0, None, "columns parted by tabs (token, ..., tag)"),
    "blanks": ColumnLayout(by_blanks, (), 0, None, "columns parted by blanks (token, ..., tag)"),
    "uner": ColumnLayout(
        by_tabs, (3, 5), 1, 2,
        "3 or 5 columns parted by tabs (token number, token, tag, and perhaps -, annotator)", 0,
    ),
    "numbered": ColumnLayout(
        _by_either, (), 1, None,
        "columns parted by tabs or blanks (token number, token, ..., tag)", 0,
    ),
    "conllu": ColumnLayout(
        by_tabs, (10,), 1, None, "10 columns parted by tabs (ID, FORM, ..., MISC)", 0, 9, CONLLU
    ),
}  # fmt: skip


def find_layout(name: str) -> ColumnLayout:
    """A layout by its name. RAISES (ValueError): There is none."""
    if name not in LAYOUTS:
        raise ValueError(f"Unknown layout {name!r}: use one of {list(LAYOUTS)}.")
    return LAYOUTS[name]


def find_plus_layout(lines: Iterable[Line]) -> ColumnLayout | None:
    """The layout that a CoNLL-U Plus file gives itself; None if it gives none.

    RAISES (ValueError): It names no FORM, or a column twice.
    """
    for line in lines:
        if match := _GLOBAL_COLUMNS.match(line.content):
            names = tuple(match[1].split())
            known = [name.upper() for name in names]
            if "FORM" not in known or len(set(known)) < len(known):
                raise line.error("The columns must be named once each, and FORM be among them.")
            number, misc = (known.index(name) if name in known else None for name in ("ID", "MISC"))
            described = f"{len(names)} columns parted by tabs ({', '.join(names)})"
            token = known.index("FORM")
            return ColumnLayout(by_tabs, (len(names),), token, None, described, number, misc, names)
        if not line.is_blank and not line.content.startswith("#"):
            return None
    return None


def is_global(line: Line) -> bool:
    """Whether a comment names the columns of the file."""
    return _GLOBAL_COLUMNS.match(line.content) is not None


def is_document_marker(line: Line) -> bool:
    """Whether a line opens a document. RAISES (ValueError): It does, and has a tag."""
    if not line.content.startswith(DOCUMENT_MARKER):
        return False
    columns = re.split(r"[ \t]", line.content)
    if columns[0] != DOCUMENT_MARKER:
        return False
    if columns[-1] not in ("O", "_", "", DOCUMENT_MARKER):
        raise line.error(f"A {DOCUMENT_MARKER} line opens a document: its tag must be O.")
    return True
