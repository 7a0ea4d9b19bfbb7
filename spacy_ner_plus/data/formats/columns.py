"""Reading of column files: tokens and tags -> sentences with entity spans."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from itertools import accumulate
from pathlib import Path

from ...tags import Span
from .column_layouts import detect_layout
from .column_lines import Findings, read_lines
from .column_rows import Block, Row, find_form, outside_for, read_blocks
from .column_tags import TagError, column_scheme, detect_scheme, read_tags

AUTO = "auto"


@dataclass(frozen=True)
class Sentence:
    """A sentence of a column file.

    tokens (Tuple[str, ...]): At least one; they may hold white space inside.
    spans (Tuple[Span, ...]): Entities: start token, end token (exclusive), label.
    text (Optional[str]): The untokenised sentence, where the file gives it.
    opens_document (bool): A document marker stands before the sentence.
    where (str): File and first line, for messages.
    """

    tokens: tuple[str, ...]
    spans: tuple[Span, ...]
    text: str | None = None
    opens_document: bool = False
    where: str = ""


@dataclass(frozen=True)
class ColumnFile:
    """What a column file holds.

    layout, scheme (str): As named or detected.
    columns (Tuple[int, ...]): Those that hold the tags, from 1.
    sentences (Tuple[Sentence, ...]): At least one.
    findings (Findings): What was repaired and passed over.
    """

    path: Path
    layout: str
    scheme: str
    columns: tuple[int, ...]
    sentences: tuple[Sentence, ...]
    findings: Findings = field(compare=False)


def has_markers(sentences: Iterable[Sentence]) -> bool:
    """Whether document markers stand before any of the sentences."""
    return any(sentence.opens_document for sentence in sentences)


def read_columns(
    path: Path,
    *,
    layout: str = AUTO,
    scheme: str = AUTO,
    columns: Sequence[int] = (),
    lenient: bool = False,
) -> ColumnFile:
    """Read a column file strictly: nothing is skipped or repaired, unless lenient.

    path (Path): UTF-8. See `column_layouts` for what may be in it.
    layout (str): One of LAYOUTS, or "auto" to tell from the lines.
    scheme (str): One of COLUMN_SCHEMES, or "auto" to tell from all tags.
    columns (Sequence[int]): Those with the tags, from 1, or from the end if negative; none to tell
        from the values. Entities of several may nest.
    lenient (bool): Repair what is clear: see column_rows.
    RETURNS (ColumnFile): The sentences.
    RAISES (ValueError): Bad lines or tags, with file, line number, content and what to do; an
        empty file; an unknown layout or scheme.
    """
    path = Path(path)
    lines, findings = read_lines(path), Findings(lenient)
    form = find_form(lines, detect_layout(lines) if layout == AUTO else layout, columns)
    blocks = outside_for(list(read_blocks(lines, form, findings)), findings)
    if not blocks:
        findings.check()
        raise ValueError(f"{path} is empty: it has no line with a token. Check the file.")
    if scheme == AUTO:
        scheme = detect_scheme(column for block in blocks for column in _tags(block))
        hint = f" (The tags were taken for {scheme}: name the scheme if it is another.)"
    else:
        scheme, hint = column_scheme(scheme), ""
    sentences = tuple(
        _make_sentence(block, _read_spans(block, scheme, hint, findings)) for block in blocks
    )
    findings.check()
    tags = tuple(i + 1 for i in form.tags)
    return ColumnFile(path, form.name, scheme, tags, sentences, findings)


def _tags(block: Block) -> list[list[str]]:
    """The tags of each column."""
    return [list(column) for column in zip(*(row.tags for row in block.rows), strict=True)]


def _read_spans(block: Block, scheme: str, hint: str, findings: Findings) -> tuple[Span, ...]:
    """The entities, on the tokens that are not empty."""
    # before each row, and behind the last
    n_tokens = list(accumulate((bool(row.token) for row in block.rows), initial=0))
    spans: list[Span] = []
    for column in _tags(block):
        try:
            found = read_tags(column, scheme)
        except TagError as error:
            findings.refuse(block.rows[error.token].line, f"{error}{hint}")
            continue
        for start, end, label in found:
            first, last = _without_blank_edges(block.rows, start, end, findings)
            if n_tokens[first] < n_tokens[last]:
                spans.append((n_tokens[first], n_tokens[last], label))
    return tuple(sorted(spans, key=lambda span: (span[0], -span[1])))


def _without_blank_edges(
    rows: Sequence[Row], start: int, end: int, findings: Findings
) -> tuple[int, int]:
    first, last = start, end
    while first < last and not rows[first].token.strip():
        first += 1
    while first < last and not rows[last - 1].token.strip():
        last -= 1
    for row in (*rows[start:first], *rows[last:end]):
        if row.token:
            findings.repair(
                row.line,
                "white space tokens at the edge of an entity",
                "An entity starts or ends on a white space token: move its tags inwards.",
            )
    return first, last


def _make_sentence(block: Block, spans: tuple[Span, ...]) -> Sentence:
    first = block.rows[0].line
    return Sentence(
        tokens=tuple(row.token for row in block.rows if row.token),
        spans=spans,
        text=block.text,
        opens_document=block.opens_document,
        where=f"{first.path}, line {first.number}",
    )
