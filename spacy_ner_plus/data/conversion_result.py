"""What a conversion has read and written."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

from spacy.tokens import Doc

from ..annotation.unknown_group import unknown_key
from ..nesting.nesting_counts import NestingCounts, count_nesting
from ..records import TextRecord, alike
from .formats.form import RecordSource
from .formats.repairs import MOST_PLACES
from .formats.written import lost_in
from .needed_exceptions import NeededExceptions
from .placement_report import PlacementReport
from .standard_streams import STREAM


@dataclass
class Conversion:
    """What was read and written.

    inputs (Sequence[Path]): What was read, as it was named.
    source (RecordSource): Its texts, with what is worth telling of them.
    output (Path): The file that was written.
    format (str): Its format.
    n_read (int): Texts of the input.
    n_documents (int): What was written.
    n_tokens (int): Of a .spacy file.
    n_sentences (int): Of documents in which sentence starts are known.
    n_without_annotation (int): Documents about whose entities nothing is known.
    n_skipped (int): Documents that were left out because of misaligned annotations.
    n_rejected, n_ignored (int): Annotations of that status, which are no entities; the tokens of
        ignored ones count as not annotated. Rejected ones go to doc.spans["incorrect_spans"] of a
        .spacy file, if they start and end with tokens.
    n_partly_unknown (int): Documents with stretches that nobody has annotated, beside a group of
        spans.
    entities (Counter[str]): Those that were written, by label.
    nesting (NestingCounts): How those of each text lie to each other.
    mapped (Dict[str, int]): For each type in the label map, the number of its entities.
    placements (PlacementReport): What became of the annotations in a .spacy file: kept, changed or
        refused.
    needed (NeededExceptions): Those of the tokenizer that were found; None if none were looked for.
    lost (Counter[str]): What texts have and the output has no place for, by name.
    uses_tokenizer (bool): Whether a text had no tokens of its own.
    """

    inputs: Sequence[Path]
    source: RecordSource
    output: Path
    format: str = "spacy"
    n_read: int = 0
    n_documents: int = 0
    n_tokens: int = 0
    n_sentences: int = 0
    n_without_annotation: int = 0
    n_skipped: int = 0
    n_rejected: int = 0
    n_ignored: int = 0
    n_partly_unknown: int = 0
    entities: Counter[str] = field(default_factory=Counter)
    nesting: NestingCounts = field(default_factory=NestingCounts)
    mapped: dict[str, int] = field(default_factory=dict)
    placements: PlacementReport = field(default_factory=PlacementReport)
    needed: NeededExceptions | None = None
    lost: Counter[str] = field(default_factory=Counter)
    uses_tokenizer: bool = False

    @property
    def warnings(self) -> list[str]:
        """What the output lacks of the texts, and what is odd about types of entities."""
        types = ", ".join(sorted(self.entities)) or "none"
        unused = [
            f"no entity has the type {old!r} that is to be renamed; there are: {types}"
            for old, count in self.mapped.items()
            if not count
        ]
        similar = [
            f"types that differ only in case or in how Unicode writes them: {shown}. If they are "
            "one, rename them with --map"
            for shown in (
                ", ".join(f"{label!r} ({self.entities[label]:,})" for label in group)
                for group in alike(sorted(self.entities))
            )
        ]
        odd = []
        if "O" in self.entities:
            odd.append("a type is named 'O', as tags outside are: drop it with --map O=")
        if self.n_partly_unknown:
            odd.append(
                f"{self.n_partly_unknown:,} documents have stretches that nobody has annotated, "
                "which are in a group of their own. spaCy's spancat, which does not look there, "
                "takes them for text without entities"
            )
        return [*odd, *lost_in(self.output, self.lost), *unused, *similar, *self.placements.hints]

    def look_at(self, record: TextRecord) -> None:
        """Count a text that was read, and what is in it and no entity."""
        self.n_read += 1
        for span in record.spans or ():
            self.n_rejected += span.status == "rejected"
            self.n_ignored += span.status == "ignored"

    def check_read(self) -> None:
        """RAISES (ValueError): All was read, and there was no text."""
        if self.n_read:
            return
        names = ["standard input" if one == STREAM else str(one) for one in self.inputs]
        more = f" and {len(names) - MOST_PLACES:,} more" * (len(names) > MOST_PLACES)
        raise ValueError(
            f"There is no text in {', '.join(names[:MOST_PLACES])}{more}: there is nothing to "
            "convert."
        )

    def count(self, doc: Doc, record: TextRecord, spans_key: str | None) -> None:
        """Count a document that is written."""
        self.n_documents += 1
        self.n_tokens += len(doc)
        self.n_without_annotation += record.spans is None
        self.n_sentences += sum(token.is_sent_start is True for token in doc)
        spans = list(doc.ents if spans_key is None else doc.spans.get(spans_key, []))
        self.entities.update(span.label_ for span in spans)
        self.nesting += count_nesting((span.start, span.end, span.label_) for span in spans)
        self.n_partly_unknown += spans_key is not None and unknown_key(spans_key) in doc.spans

    def count_record(self, record: TextRecord) -> None:
        """Count a record that is written as it is."""
        self.n_documents += 1
        self.n_without_annotation += record.spans is None
        spans = [span for span in record.spans or () if span.is_accepted]
        self.entities.update(span.label for span in spans)
        self.nesting += count_nesting((span.start, span.end, span.label) for span in spans)

    def note_tokenizer(self) -> None:
        """A text has no tokens of its own."""
        self.uses_tokenizer = True
