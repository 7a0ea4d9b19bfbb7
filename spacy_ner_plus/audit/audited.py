"""What is audited: the texts of each part as tokens, with what their annotation says."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from spacy.language import Language
from spacy.tokens import Doc, Span
from tqdm import tqdm

from ..annotation.doc_records import place_record
from ..annotation.offsets import TokenEdges
from ..annotation.placement import OVERLAPPING, Placement, Placing
from ..data.formats.record_files import open_records
from ..records import TextRecord

# Nothing stops an audit: what does not fit is counted, and its tokens are missing.
PLACING = Placing("missing", overlaps="longest", merges_repeated=True)


@dataclass(frozen=True, slots=True)
class AuditedText:
    """A text of a part.

    part (str): The name of the part: "train", "dev" or "test".
    number (int): Its place in the part, from 0.
    where (str): The file, and the line or number in it.
    record (TextRecord): As it was read.
    doc (Doc): Its tokens, and in doc.ents its flat entities: of those that overlap the longest, and
        none of those that do not start and end with tokens, whose tokens are missing. Of a text
        without annotation all are missing.
    placements (Tuple[Placement, ...]): What became of each accepted span.
    """

    part: str
    number: int
    where: str
    record: TextRecord
    doc: Doc
    placements: tuple[Placement, ...] = ()

    @property
    def is_annotated(self) -> bool:
        """Whether anything is known about its entities."""
        return self.record.spans is not None

    @property
    def flat_entities(self) -> tuple[Span, ...]:
        """Its entities from left to right, of those that overlap the longest."""
        return tuple(self.doc.ents)

    @property
    def spans(self) -> tuple[Span, ...]:
        """All its entities that start and end with tokens, each once; they may nest and overlap.

        From left to right, the longer ones first.
        """
        hidden = [one.span for one in self.placements if OVERLAPPING in one.done]
        if not hidden:
            return self.flat_entities
        edges = TokenEdges(self.doc, white_space=self.record.tokens is not None)
        found = {(ent.start, -ent.end, ent.label_) for ent in self.doc.ents}
        for span in hidden:
            if (tokens := edges.tokens(span.start, span.end)) is not None:
                found.add((tokens[0], -tokens[1], span.label))
        return tuple(Span(self.doc, start, -end, label) for start, end, label in sorted(found))

    @property
    def n_hidden(self) -> int:
        """How many of these are not in doc.ents, as they overlap longer ones."""
        return len(self.spans) - len(self.doc.ents)

    def sentences(self) -> Iterator[Span]:
        """Its sentences, where they are marked; else the whole of it."""
        if self.doc.has_annotation("SENT_START"):
            yield from self.doc.sents
        elif len(self.doc):
            yield self.doc[:]


@dataclass(frozen=True)
class AuditedPart:
    """The texts of a file or folder.

    name (str): "train", "dev" or "test".
    path (Path): What they are from.
    texts (List[AuditedText]): All of them, in their order, those without annotation too.
    warnings (List[str]): What the reader of the file has to say of it.
    """

    name: str
    path: Path
    texts: list[AuditedText]
    warnings: list[str] = field(default_factory=list)

    @property
    def annotated(self) -> list[AuditedText]:
        """The texts about which something is known."""
        return [text for text in self.texts if text.is_annotated]


@dataclass(frozen=True)
class AuditedCorpus:
    """Training data, and perhaps development and test data.

    parts (Dict[str, AuditedPart]): By name.
    nlp (Language): Whose tokenizer cut texts that had no tokens.
    """

    parts: dict[str, AuditedPart]
    nlp: Language

    def texts(self) -> Iterator[AuditedText]:
        """The annotated texts of all parts."""
        for part in self.parts.values():
            yield from part.annotated

    @property
    def labels(self) -> list[str]:
        """The entity types, sorted."""
        return sorted({span.label_ for text in self.texts() for span in text.spans})


def read_corpus(paths: Mapping[str, Path], nlp: Language, **options: Any) -> AuditedCorpus:
    """Read the parts.

    paths (Mapping[str, Path]): Files or folders of any format that `read` knows, by the part.
    nlp (Language): Its tokenizer cuts texts that have no tokens.
    options: Of the formats: see `read`, `format` among them.
    RAISES (ValueError): See `read`; or no text has annotation.
    """
    parts = {name: _read_part(name, path, nlp, options) for name, path in paths.items()}
    for part in parts.values():
        if not part.texts:
            raise ValueError(f"There are no texts in {part.path}: name another file.")
        if not part.annotated:
            raise ValueError(
                f"None of the {len(part.texts):,} texts in {part.path} is annotated: name a file "
                "with annotation."
            )
    return AuditedCorpus(parts, nlp)


def _read_part(name: str, path: Path, nlp: Language, options: Mapping[str, Any]) -> AuditedPart:
    source = open_records(path, **options)
    texts = []
    bar = tqdm(source.records(), desc=f"Reading {name}", unit="texts", disable=None, leave=False)
    for number, (where, record) in enumerate(bar):
        try:
            placed = place_record(record, nlp, None, PLACING)
        except ValueError as error:
            raise ValueError(f"{where}: {error}") from error
        texts.append(AuditedText(name, number, where, record, placed.doc, placed.fitted.placements))
    return AuditedPart(name, path, texts, list(source.warnings))
