"""Reading of column files: tokens and tags -> sentences with entity spans."""

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from itertools import accumulate
from pathlib import Path

from ...tags import Span
from .column_blocks import Block, read_blocks, refuse_mixed, tags_of, with_outside
from .column_choice import which_of
from .column_detection import detect_layout
from .column_form import Form, find_form
from .column_layers import are_layers
from .column_lines import FileLines, Findings
from .column_rows import Row
from .column_tags import TagError, column_scheme, detect_scheme, read_tags
from .tag_columns import TagColumn
from .tag_forms import OUTSIDE

AUTO = "auto"


@dataclass(frozen=True)
class Sentence:
    """A sentence of a column file.

    tokens (Tuple[str, ...]): At least one; they may hold white space inside.
    spans (Tuple[Span, ...]): Entities: start token, end token (exclusive), label.
    layers (Tuple[int, ...]): Which of several columns of tags each is in, from 1, in the order in
        which they are read; empty if there is one column.
    text (Optional[str]): The untokenised sentence, where the file gives it.
    space_after (Optional[str]): The white space behind it, where the file gives it.
    opens_document (bool): A document marker stands before the sentence.
    document_id (Optional[str]): What the marker says of the document.
    comments (Tuple[str, ...]): Other comment lines before it.
    where (str): File and first line, for messages.
    """

    tokens: tuple[str, ...]
    spans: tuple[Span, ...]
    layers: tuple[int, ...] = ()
    text: str | None = None
    space_after: str | None = None
    opens_document: bool = False
    document_id: str | None = None
    comments: tuple[str, ...] = ()
    where: str = ""


@dataclass(frozen=True)
class ColumnFile:
    """A column file, and what is known of it before its sentences are read.

    layout, scheme (str): As named or detected.
    tags (Tuple[TagColumn, ...]): The columns with the tags. Entities of several may nest.
    passed_over (Tuple[int, ...]): Columns that are not read, from 1.
    n_sentences (int): How many there are.
    n_marks (int): Sentences before which document markers stand; n_inner_marks (int): those that
        are not the first sentence.
    findings (Findings): What is wrong, repaired and passed over: of tags, once `sentences` is
        through.
    """

    path: Path
    layout: str
    scheme: str
    tags: tuple[TagColumn, ...]
    passed_over: tuple[int, ...]
    n_sentences: int
    n_marks: int
    n_inner_marks: int
    findings: Findings = field(compare=False)
    _blocks: Callable[[], Iterator[Block]] = field(compare=False, repr=False)
    _hint: str = field(default="", compare=False, repr=False)

    @property
    def columns(self) -> tuple[int, ...]:
        """The columns with the tags, from 1."""
        return tuple(tag.index + 1 for tag in self.tags)

    def sentences(self) -> Iterator[Sentence]:
        """The sentences, read one after the other; once. What is wrong with tags is noted."""
        for block in self._blocks():
            yield _make_sentence(block, _read_spans(block, self.scheme, self._hint, self.findings))


def open_columns(
    path: Path,
    *,
    layout: str = AUTO,
    scheme: str = AUTO,
    columns: Sequence[int | str] = (),
    label: str | None = None,
    lenient: bool = False,
) -> ColumnFile:
    """Look through a column file, strictly: nothing is skipped or repaired, unless lenient.

    It is gone through several times, and a sentence at a time is in memory.

    path (Path): UTF-8. See `column_layouts` for what may be in it.
    layout (str): One of LAYOUTS, or "auto" to tell from the lines.
    scheme (str): One of COLUMN_SCHEMES, or another that column_scheme knows, or "auto" to tell from
        all tags.
    columns (Sequence[Union[int, str]]): Those with the tags, from 1, or from the end if negative,
        or their names in the file; none to tell from the values. Entities of several may nest.
    label (str): Of tags that have none, B and I.
    lenient (bool): Repair what is clear: see column_rows.
    RETURNS (ColumnFile): Its sentences may yet have wrong tags. Once all were read,
        `findings.check` raises what is wrong with lines and tags, with file, line number, content
        and what to do.
    RAISES (ValueError): An unknown layout or scheme; it can't be told which columns are meant.
    """
    named = None if scheme == AUTO else column_scheme(scheme)
    lines, findings = FileLines(Path(path)), Findings(lenient)
    name = detect_layout(lines) if layout == AUTO else layout
    form = find_form(lines.path, lines, name, columns, label)
    survey = _Survey(len(form.tags))
    found = detect_scheme(survey.tags(read_blocks(lines, form, findings)))

    def blocks() -> Iterator[Block]:
        """What is wrong with lines was noted in the survey."""
        for block in read_blocks(lines, form, Findings(lenient)):
            yield with_outside(block, survey.with_blank)

    for i in survey.with_both:
        refuse_mixed(read_blocks(lines, form, Findings(lenient)), i, findings)
    chosen = named or ("IO" if any(tag.form.is_bare for tag in form.tags) else found)
    if len(form.tags) > 1 and not columns and not are_layers(map(tags_of, blocks()), chosen):
        labels = [_labels(blocks(), i) for i in range(len(form.tags))]
        raise ValueError(which_of(lines.path, list(zip(form.tags, labels, strict=True))))
    return ColumnFile(
        lines.path,
        form.name,
        chosen,
        form.tags,
        _passed_over(form),
        survey.n_sentences,
        survey.n_marks,
        survey.n_inner_marks,
        findings,
        blocks,
        "" if named else f" (The tags were taken for {chosen}: name the scheme if it is another.)",
    )


class _Survey:
    """What one look through the sentences tells."""

    def __init__(self, n_columns: int) -> None:
        self.n_sentences = self.n_marks = self.n_inner_marks = 0
        self._outside: list[set[str]] = [set() for _ in range(n_columns)]

    def tags(self, blocks: Iterable[Block]) -> Iterator[list[str]]:
        """The tags of each sentence and column, looked at."""
        for block in blocks:
            self.n_marks += block.opens_document
            self.n_inner_marks += block.opens_document and self.n_sentences > 0
            self.n_sentences += 1
            for outside, column in zip(self._outside, tags_of(block), strict=True):
                outside.update(tag for tag in OUTSIDE if tag in column)
                yield column

    @property
    def with_blank(self) -> list[int]:
        """The columns that have the tag `_`."""
        return [i for i, tags in enumerate(self._outside) if "_" in tags]

    @property
    def with_both(self) -> list[int]:
        """The columns that have O, too."""
        return [i for i in self.with_blank if "O" in self._outside[i]]


def _passed_over(form: Form) -> tuple[int, ...]:
    if form.name == "uner":
        return ()
    layout = form.layout
    used = {tag.index for tag in form.tags} | {layout.token, layout.number, layout.misc}
    return tuple(i + 1 for i in range(min(form.n_columns)) if i not in used)


def _labels(blocks: Iterable[Block], column: int) -> Counter[str]:
    """How often each label is in a column."""
    tags = (row.tags[column] for block in blocks for row in block.rows)
    return Counter(tag[2:] for tag in tags if tag != "O")


def _read_spans(block: Block, scheme: str, hint: str, findings: Findings) -> list[tuple[Span, int]]:
    """The entities, on the tokens that are not empty, each with its layer."""
    rows = block.rows
    # before each row, and behind the last
    n_tokens = list(accumulate((bool(row.token) for row in rows), initial=0))
    spans: list[tuple[Span, int]] = []
    for layer, column in enumerate(tags_of(block), start=1):
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
            spans.append(((begin, n_tokens[last], label), layer))
    return sorted(spans, key=lambda one: (one[0][0], -one[0][1]))


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


def _make_sentence(block: Block, spans: Sequence[tuple[Span, int]]) -> Sentence:
    first = block.rows[0].line
    has_layers = len(block.rows[0].tags) > 1
    return Sentence(
        tokens=tuple(row.token for row in block.rows if row.token),
        spans=tuple(span for span, _ in spans),
        layers=tuple(layer for _, layer in spans if has_layers),
        text=block.text,
        space_after=block.space_after,
        opens_document=block.opens_document,
        document_id=block.document_id,
        comments=block.comments,
        where=f"{first.path}, line {first.number}",
    )
