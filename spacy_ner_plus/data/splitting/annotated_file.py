"""A file of annotated texts to Docs, with all that is wrong with it."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import NamedTuple

from spacy.language import Language
from spacy.tokens import Doc

from ...annotation.doc_records import place_record
from ...annotation.entity_source import EntitySource
from ...annotation.existing import entity_spans
from ...annotation.offsets import hint_of_countings
from ...annotation.placement import OVERLAPPING, Placement, Placing
from ...records import SpanRecord, TextRecord, among, without_duplicates
from ...tags import Span as EntitySpan
from ..overlapping_texts import open_annotated

MOST_SHOWN = 10


class AnnotatedText(NamedTuple):
    """A text as spaCy has it, as the file has it, and where in the file it is.

    hidden (Tuple[SpanRecord, ...]): Entities that gave way to others, and so are in neither.
    """

    doc: Doc
    record: TextRecord
    where: str
    hidden: tuple[SpanRecord, ...] = ()

    @property
    def all_spans(self) -> list[EntitySpan]:
        """The tokens and label of its entities in doc.ents and of those that are hidden.

        Hidden ones that do not start and end with tokens are left out.
        """
        placed = (self.doc.char_span(its.start, its.end, its.label) for its in self.hidden)
        hidden = {(span.start, span.end, span.label_) for span in placed if span is not None}
        return sorted(hidden.union(entity_spans(self.doc)))


@dataclass(frozen=True)
class AnnotatedFile:
    """The annotated texts of a file.

    path (Path): The file.
    texts (List[AnnotatedText]): Its texts, without those that are empty or not annotated.
    n_left_out (int): How many those are.
    countings (Counter[Optional[str]]): How entities that do not fit must have been counted to fit.
    misaligned (List[str]): Where and what the entities are that do not start and end with tokens,
        and so are not in the Docs. Tokens that they touch are missing.
    warnings (List[str]): What the reader of the file has to say of it, and its division.
    spans_key (Optional[str]): The entities of the Docs are in doc.spans[spans_key], where they may
        overlap; None for doc.ents.
    n_overlapping (int): Entities that are not in doc.ents, because others overlap them.
    """

    path: Path
    texts: list[AnnotatedText] = field(default_factory=list)
    n_left_out: int = 0
    misaligned: list[str] = field(default_factory=list)
    countings: Counter[str | None] = field(default_factory=Counter)
    warnings: list[str] = field(default_factory=list)
    spans_key: str | None = None
    n_overlapping: int = 0

    def check(self) -> None:
        """RAISES ValueError: If there are no entities, or most do not start and end with tokens."""
        if not self.texts and not self.n_left_out:
            raise ValueError(f"{self.path} is empty: it has no text.")
        if not self.texts:
            lacks = (
                "nothing is known of their doc.ents (--nested takes doc.spans). ([] there"
                if self.path.suffix == ".spacy"
                else 'they have no key "spans". (An empty list there'
            )
            raise ValueError(
                f"None of the {self.n_left_out:,} texts in {self.path} is annotated: {lacks} says "
                "that a text has no entities.)"
            )
        source = EntitySource(self.spans_key)
        n_entities = sum(len(source.spans(text.doc)) for text in self.texts)
        if len(self.misaligned) > n_entities:
            start = (
                f"Of {n_entities + len(self.misaligned):,} entities in {self.path}, "
                f"{len(self.misaligned):,} do not start and end where tokens do. Offsets count "
                "characters (code points) from 0, not bytes, and ends are exclusive; the tokens "
                "are those of --lang:"
            )
            hint = hint_of_countings(self.countings)
            raise ValueError("\n".join(filter(None, [listed(start, self.misaligned), hint])))
        if not n_entities:
            raise ValueError(
                f"{self.path} has no annotated entities: there is nothing to learn or to score."
            )


def read_annotated(
    path: Path,
    nlp: Language,
    *,
    group: int | None = None,
    spans_key: str | None = None,
    overlaps: str = "error",
) -> AnnotatedFile:
    """Read a file or folder of any format that `read` knows.

    nlp (Language): Its tokenizer cuts texts that have no tokens.
    group (int): Sentences a document, in a column file that marks none; None for one.
    spans_key (str): Put entities in doc.spans[spans_key], where they may overlap, and the outermost
        in doc.ents as well; take them from there in .spacy files. None for doc.ents alone.
    overlaps (str): Without spans_key, which of entities that overlap remain: see check_overlaps.
    RAISES (ValueError): There is no such file, it can't be read, it has no annotated text or no
        entity, entities overlap and nothing says which remain, or most do not start and end with
        tokens: with where that is.
    """
    if not path.exists():
        raise ValueError(f"There is no file {path}.")
    source = open_annotated(path, group=group, spans_key=spans_key)
    placing = Placing(overlaps=overlaps)
    texts: list[AnnotatedText] = []
    placements: list[Placement] = []
    misaligned: list[str] = []
    n_repeated = 0
    wrong: list[str] = []
    n_left_out = 0
    for where, record in source.records():
        if not record.text.strip() or record.spans is None:
            n_left_out += 1
            continue
        record, n = without_duplicates(record)
        n_repeated += n
        try:
            placed = place_record(record, nlp, spans_key, placing)
        except ValueError as error:
            wrong.append(f"{where}: {error}")
        else:
            refused = [one for one in placed.fitted.placements if one.placed is None]
            hidden = [one.span for one in refused if OVERLAPPING in one.done]
            own = _without(record, hidden)
            texts.append(AnnotatedText(placed.doc, own, where, tuple(hidden)))
            misaligned += [f"{where}: {one.misfit}" for one in refused if one.misfit]
            placements += refused
    if wrong:
        raise ValueError(listed(f"{path} has {len(wrong):,} texts that can't be used:", wrong))
    warnings = list(source.warnings)
    if n_repeated:
        warnings.append(f"{n_repeated:,} annotations are there twice and count once")
    file = AnnotatedFile(
        path,
        texts,
        n_left_out,
        misaligned,
        Counter(one.misfit.counting for one in placements if one.misfit),
        warnings,
        spans_key,
        sum(OVERLAPPING in one.done for one in placements),
    )
    file.check()
    return file


def _without(record: TextRecord, hidden: Sequence[SpanRecord]) -> TextRecord:
    """A record without the entities that gave way to others, and the relations of these."""
    if not hidden:
        return record
    spans = tuple(span for span in record.spans or () if span not in hidden)
    return replace(record, spans=spans, relations=among(record.relations, spans))


def listed(start: str, lines: list[str], n_lines: int | None = None) -> str:
    """A sentence and the first of some lines, with how many more there are.

    n_lines (int): How many there are of all; None for as many as there are lines.
    """
    shown = [f"  {line}" for line in lines[:MOST_SHOWN]]
    n_more = (len(lines) if n_lines is None else n_lines) - len(shown)
    if n_more:
        shown.append(f"  and {n_more:,} more")
    return "\n".join([start, *shown])
