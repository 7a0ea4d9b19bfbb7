"""Reading of column files: tokens and tags -> sentences with entity spans."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from itertools import accumulate
from pathlib import Path

from ...tags import Span
from .column_blocks import Block, outside_for, read_blocks
from .column_choice import which_of
from .column_form import find_form
from .column_layers import are_layers
from .column_layouts import detect_layout
from .column_lines import Findings, read_lines
from .column_rows import Row
from .column_tags import TagError, column_scheme, detect_scheme, read_tags
from .tag_columns import TagColumn

AUTO = "auto"


@dataclass(frozen=True)
class Sentence:
    """A sentence of a column file.

    tokens (Tuple[str, ...]): At least one; they may hold white space inside.
    spans (Tuple[Span, ...]): Entities: start token, end token (exclusive), label.
    text (Optional[str]): The untokenised sentence, where the file gives it.
    space_after (Optional[str]): The white space behind it, where the file gives it.
    opens_document (bool): A document marker stands before the sentence.
    document_id (Optional[str]): What the marker says of the document.
    where (str): File and first line, for messages.
    """

    tokens: tuple[str, ...]
    spans: tuple[Span, ...]
    text: str | None = None
    space_after: str | None = None
    opens_document: bool = False
    document_id: str | None = None
    where: str = ""


@dataclass(frozen=True)
class ColumnFile:
    """What a column file holds.

    layout, scheme (str): As named or detected.
    tags (Tuple[TagColumn, ...]): The columns with the tags. Entities of several may nest.
    passed_over (Tuple[int, ...]): Columns that are not read, from 1.
    sentences (Tuple[Sentence, ...]): None if no line has a token.
    findings (Findings): What was repaired and passed over.
    """

    path: Path
    layout: str
    scheme: str
    tags: tuple[TagColumn, ...]
    passed_over: tuple[int, ...]
    sentences: tuple[Sentence, ...]
    findings: Findings = field(compare=False)

    @property
    def columns(self) -> tuple[int, ...]:
        """The columns with the tags, from 1."""
        return tuple(tag.index + 1 for tag in self.tags)


def has_markers(sentences: Iterable[Sentence]) -> bool:
    """Whether document markers stand before any of the sentences."""
    return any(sentence.opens_document for sentence in sentences)


def read_columns(
    path: Path,
    *,
    layout: str = AUTO,
    scheme: str = AUTO,
    columns: Sequence[int | str] = (),
    label: str | None = None,
    lenient: bool = False,
) -> ColumnFile:
    """Read a column file strictly: nothing is skipped or repaired, unless lenient.

    path (Path): UTF-8. See `column_layouts` for what may be in it.
    layout (str): One of LAYOUTS, or "auto" to tell from the lines.
    scheme (str): One of COLUMN_SCHEMES, or another that column_scheme knows, or "auto" to tell from
        all tags.
    columns (Sequence[Union[int, str]]): Those with the tags, from 1, or from the end if negative,
        or their names in the file; none to tell from the values. Entities of several may nest.
    label (str): Of tags that have none, B and I.
    lenient (bool): Repair what is clear: see column_rows.
    RETURNS (ColumnFile): The sentences.
    RAISES (ValueError): Bad lines or tags, with file, line number, content and what to do; an
        unknown layout or scheme.
    """
    path = Path(path)
    lines, findings = read_lines(path), Findings(lenient)
    name = detect_layout(lines) if layout == AUTO else layout
    form = find_form(lines, name, columns, label)
    blocks = outside_for(list(read_blocks(lines, form, findings)), findings)
    if scheme == AUTO:
        scheme = detect_scheme(column for block in blocks for column in _tags(block))
        if any(tag.form.is_bare for tag in form.tags):
            scheme = "IO"
        hint = f" (The tags were taken for {scheme}: name the scheme if it is another.)"
    else:
        scheme, hint = column_scheme(scheme), ""
    if len(form.tags) > 1 and not columns and not are_layers(map(_tags, blocks), scheme):
        labels = [_labels(blocks, i) for i in range(len(form.tags))]
        raise ValueError(which_of(path, list(zip(form.tags, labels, strict=True))))
    sentences = tuple(
        _make_sentence(block, _read_spans(block, scheme, hint, findings)) for block in blocks
    )
    findings.check()
    used = {tag.index for tag in form.tags} | {form.layout.token}
    used |= {one for one in (form.layout.number, form.layout.misc) if one is not None}
    unread = () if name == "uner" else (set(range(min(form.n_columns))) - used)
    passed_over = tuple(i + 1 for i in sorted(unread))
    return ColumnFile(path, form.name, scheme, form.tags, passed_over, sentences, findings)


def _tags(block: Block) -> list[list[str]]:
    """The tags of each column."""
    return [list(column) for column in zip(*(row.tags for row in block.rows), strict=True)]


def _labels(blocks: Sequence[Block], column: int) -> list[str]:
    tags = (row.tags[column] for block in blocks for row in block.rows)
    return [tag[2:] for tag in tags if tag != "O"]


def _read_spans(block: Block, scheme: str, hint: str, findings: Findings) -> tuple[Span, ...]:
    """The entities, on the tokens that are not empty."""
    rows = block.rows
    # before each row, and behind the last
    n_tokens = list(accumulate((bool(row.token) for row in rows), initial=0))
    spans: list[Span] = []
    for column in _tags(block):
        try:
            found = read_tags(column, scheme)
        except TagError as error:
            findings.refuse(rows[error.token].line, f"{error}{hint}")
            continue
        for start, end, label in found:
            first, last = _without_blank_edges(rows, start, end, findings)
            if first == last:
                findings.pass_over("entities on words that are no part of the text")
                continue
            # of a token of several words, an entity has all
            if rows[first].is_part or (last < len(rows) and rows[last].is_part):
                findings.widened += 1
            begin = n_tokens[first] - rows[first].is_part
            spans.append((begin, n_tokens[last], label))
    return tuple(sorted(spans, key=lambda span: (span[0], -span[1])))


def _without_blank_edges(
    rows: Sequence[Row], start: int, end: int, findings: Findings
) -> tuple[int, int]:
    first, last = start, end
    while first < last and not _is_solid(rows[first]):
        first += 1
    while first < last and not _is_solid(rows[last - 1]):
        last -= 1
    for row in (*rows[start:first], *rows[last:end]):
        if row.token:
            findings.repair(
                row.line,
                "white space tokens at the edge of an entity",
                "An entity starts or ends on a white space token: move its tags inwards.",
            )
    return first, last


def _is_solid(row: Row) -> bool:
    return row.is_part or row.token.strip() != ""


def _make_sentence(block: Block, spans: tuple[Span, ...]) -> Sentence:
    first = block.rows[0].line
    return Sentence(
        tokens=tuple(row.token for row in block.rows if row.token),
        spans=spans,
        text=block.text,
        space_after=block.space_after,
        opens_document=block.opens_document,
        document_id=block.document_id,
        where=f"{first.path}, line {first.number}",
    )
