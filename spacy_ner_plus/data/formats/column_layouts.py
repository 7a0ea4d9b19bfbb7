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
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

from .column_lines import Line
from .tag_forms import OUTSIDE, is_tag

DOCUMENT_MARKER = "-DOCSTART-"
_NUMBER = re.compile(r"\d+([-.]\d+)?")
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


def _by_tabs(content: str) -> list[str]:
    return content.split("\t")


def _by_blanks(content: str) -> list[str]:
    return _BLANKS.split(content.rstrip(" \t"))


def _by_spaces(content: str) -> list[str]:
    return content.split(" ")


def _by_either(content: str) -> list[str]:
    return _by_tabs(content) if "\t" in content else _by_blanks(content)


CONLLU = (
    "ID", "FORM", "LEMMA", "UPOS", "XPOS", "FEATS", "HEAD", "DEPREL", "DEPS", "MISC"
)  # fmt: skip
LAYOUTS = {
    "conll2003": ColumnLayout(
        _by_spaces, (4,), 0, None,
        "4 columns parted by single spaces (token, part of speech, chunk, tag)",
    ),
    "tsv": ColumnLayout(_by_tabs, (), 0, None, "columns parted by tabs (token, ..., tag)"),
    "blanks": ColumnLayout(_by_blanks, (), 0, None, "columns parted by blanks (token, ..., tag)"),
    "uner": ColumnLayout(
        _by_tabs, (3, 5), 1, 2,
        "3 or 5 columns parted by tabs (token number, token, tag, and perhaps -, annotator)", 0,
    ),
    "numbered": ColumnLayout(
        _by_either, (), 1, None,
        "columns parted by tabs or blanks (token number, token, ..., tag)", 0,
    ),
    "conllu": ColumnLayout(
        _by_tabs, (10,), 1, None, "10 columns parted by tabs (ID, FORM, ..., MISC)", 0, 9, CONLLU
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
            return ColumnLayout(
                _by_tabs, (len(names),), token, None, described, number, misc, names
            )
        if not line.is_blank and not line.content.startswith("#"):
            return None
    return None


def is_global(line: Line) -> bool:
    """Whether a comment names the columns of the file."""
    return _GLOBAL_COLUMNS.match(line.content) is not None


def detect_layout(lines: Sequence[Line]) -> str:
    """The layout of a file, from most of its lines.

    RETURNS (str): One of `LAYOUTS`; "tsv" if there is no line with a token.
    RAISES (ValueError): The lines fit no layout.
    """
    if find_plus_layout(lines) is not None:
        return "conllu"
    rows = [line for line in lines if not line.is_blank and not is_document_marker(line)]
    solid = [line for line in rows if not line.content.startswith("#")]
    if not solid:
        return _layout_of_hashes(rows)
    n_tabs = sum("\t" in line.content for line in solid)
    if n_tabs * 2 >= len(solid):
        return _layout_of_tabs([_by_tabs(line.content) for line in solid if "\t" in line.content])
    if _are_parted_by_commas(solid):
        raise solid[0].error(
            "The columns seem to be parted by commas: save the file with tabs between them, and "
            "with a blank line behind each sentence."
        )
    blanks = [_by_blanks(line.content) for line in solid]
    if most_common_length(blanks) < 2:
        known = "; ".join(f"{name}: {layout.described}" for name, layout in LAYOUTS.items())
        line = next(line for line, row in zip(solid, blanks, strict=True) if len(row) < 2)
        raise line.error(f"This fits no known layout. Convert the file to one of them ({known}).")
    if _are_numbered(blanks):
        return "numbered"
    is_plain = all(len(line.content.split(" ")) == 4 for line in solid)
    return "conll2003" if is_plain and all(len(row) == 4 for row in blanks) else "blanks"


def most_common_length(rows: Iterable[Sequence[str]]) -> int:
    """How many columns most rows have: of several equally frequent numbers, the first."""
    [(length, _)] = Counter(map(len, rows)).most_common(1)
    return length


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


def _are_parted_by_commas(lines: Sequence[Line]) -> bool:
    n_commas = {line.content.count(",") for line in lines}
    return len(lines) > 1 and n_commas not in ({0}, set()) and len(n_commas) == 1


def _layout_of_hashes(rows: Sequence[Line]) -> str:
    """Of a file in which all lines begin with a hash: tokens, or comments."""
    columns = [_by_tabs(line.content) for line in rows]
    if all(len(one) == 2 for one in columns):
        return "tsv"
    is_tagged = all(len(one) > 2 and (is_tag(one[-1]) or one[-1] in OUTSIDE) for one in columns)
    return "tsv" if is_tagged else "uner"


def _layout_of_tabs(rows: list[list[str]]) -> str:
    if not _are_numbered(rows):
        return "tsv"
    if most_common_length(rows) == len(CONLLU):
        return "conllu"
    n_marked = sum(row[3] == "-" for row in rows if len(row) > 3)
    is_uner = most_common_length(rows) in (3, 5) and n_marked * 2 >= sum(len(r) > 3 for r in rows)
    return "uner" if is_uner else "numbered"


def _are_numbered(rows: list[list[str]]) -> bool:
    n_numbered = sum(len(row) > 2 and _NUMBER.fullmatch(row[0]) is not None for row in rows)
    return n_numbered * 2 > len(rows)
