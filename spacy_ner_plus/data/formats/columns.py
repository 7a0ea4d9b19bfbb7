"""Reading of column files: tokens and tags -> sentences with entity spans."""

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from ...tags import Span
from .column_layouts import Block, detect_layout, read_blocks, read_lines
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
    sentences (Tuple[Sentence, ...]): At least one.
    """

    path: Path
    layout: str
    scheme: str
    sentences: tuple[Sentence, ...]


def has_markers(sentences: Iterable[Sentence]) -> bool:
    """Whether document markers stand before any of the sentences."""
    return any(sentence.opens_document for sentence in sentences)


def read_columns(path: Path, *, layout: str = AUTO, scheme: str = AUTO) -> ColumnFile:
    """Read a column file strictly: nothing is skipped or repaired.

    path (Path): UTF-8. See `column_layouts` for what may be in it.
    layout (str): "conll2003", "tsv" or "uner", or "auto" to tell from the first line.
    scheme (str): "IOB1", "BIO" (or "IOB2"), "BILOU" or "BIOES", or "auto" to tell from all tags.
    RETURNS (ColumnFile): The sentences.
    RAISES (ValueError): A bad line or tag, with file, line number, content and what to do; an
        empty file; an unknown layout or scheme.
    """
    path = Path(path)
    lines = read_lines(path)
    layout = detect_layout(lines) if layout == AUTO else layout
    blocks = list(read_blocks(lines, layout))
    if not blocks:
        raise ValueError(f"{path} is empty: it has no line with a token. Check the file.")
    if scheme == AUTO:
        scheme = detect_scheme([row.tag for row in block.rows] for block in blocks)
        hint = f" (The tags were taken for {scheme}: name the scheme if it is another.)"
    else:
        scheme, hint = column_scheme(scheme), ""
    sentences = tuple(_make_sentence(block, _read_spans(block, scheme, hint)) for block in blocks)
    return ColumnFile(path, layout, scheme, sentences)


def _read_spans(block: Block, scheme: str, hint: str) -> tuple[Span, ...]:
    try:
        spans = read_tags([row.tag for row in block.rows], scheme)
    except TagError as error:
        raise block.rows[error.token].line.error(f"{error}{hint}") from error
    for start, end, _ in spans:
        for row in (block.rows[start], block.rows[end - 1]):
            if row.token.isspace():
                raise row.line.error(
                    "An entity starts or ends on a white space token: move its tags inwards."
                )
    return tuple(spans)


def _make_sentence(block: Block, spans: tuple[Span, ...]) -> Sentence:
    first = block.rows[0].line
    return Sentence(
        tokens=tuple(row.token for row in block.rows),
        spans=spans,
        text=block.text,
        opens_document=block.opens_document,
        where=f"{first.path}, line {first.number}",
    )
