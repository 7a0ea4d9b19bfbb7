"""From annotated texts of any format to a .spacy file to train with."""

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import spacy
from spacy.language import Language
from spacy.tokens import Doc

from ..annotation.placement import Placing
from ..records import TextRecord, alike, check_tidy
from ..support.durable import write_atomically, written_whole
from ..support.output_folder import check_output_folder
from ..text.exceptions_tokenizer import EXCEPTIONS_TOKENIZER
from ..text.token_exceptions import exceptions_text, read_exceptions
from .formats.form import RecordSource
from .formats.record_files import find_format, open_records
from .formats.repairs import Errors
from .formats.spacy_files import DocFile
from .formats.unsound_spans import UnsoundSpan
from .formats.written import among, lost_in
from .needed_exceptions import NeededExceptions, find_exceptions
from .placed_texts import TextPlacer
from .placement_report import PlacementReport, limit_of, refusal, reporting


@dataclass
class Conversion:
    """What was read and written.

    source (RecordSource): The file that was read, with what is worth telling of it.
    output (Path): The file that was written.
    n_documents, n_tokens (int): What was written.
    n_sentences (int): Of documents in which sentence starts are known.
    n_without_annotation (int): Documents about whose entities nothing is known.
    n_skipped (int): Documents that were left out because of misaligned annotations.
    n_rejected, n_ignored (int): Annotations of that status, which are no entities; the tokens of
        ignored ones count as not annotated.
    entities (Counter[str]): Those that were written, by label.
    mapped (Dict[str, int]): For each type in the label map, the number of its entities.
    placements (PlacementReport): What became of the annotations: kept, changed or refused.
    needed (NeededExceptions): Those of the tokenizer that were found; None if none were looked for.
    lost (Counter[str]): What texts have and the output has no place for, by name.
    uses_tokenizer (bool): Whether a text had no tokens of its own.
    """

    source: RecordSource
    output: Path
    n_documents: int = 0
    n_tokens: int = 0
    n_sentences: int = 0
    n_without_annotation: int = 0
    n_skipped: int = 0
    n_rejected: int = 0
    n_ignored: int = 0
    entities: Counter[str] = field(default_factory=Counter)
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
        return [*lost_in(self.output, self.lost), *unused, *similar, *self.placements.hints]

    def look_at(self, record: TextRecord) -> None:
        """Count what is in a text and no entity."""
        statuses = Counter(span.status for span in record.spans or ())
        self.n_rejected += statuses["rejected"]
        self.n_ignored += statuses["ignored"]

    def count(self, doc: Doc, record: TextRecord, spans_key: str | None) -> None:
        """Count a document that is written."""
        self.n_documents += 1
        self.n_tokens += len(doc)
        self.n_without_annotation += record.spans is None
        self.n_sentences += sum(token.is_sent_start is True for token in doc)
        spans = doc.ents if spans_key is None else doc.spans.get(spans_key, [])
        self.entities.update(span.label_ for span in spans)


def convert(
    input: str | Path,
    output: str | Path,
    *,
    format: str | None = None,
    options: Mapping[str, Any] | None = None,
    lenient: bool = False,
    label_map: Mapping[str, str] | None = None,
    lang: str = "en",
    spans_key: str | None = None,
    misaligned: str = "error",
    trim: str = "off",
    overlaps: str = "error",
    max_refused: float | None = None,
    report: str | Path | None = None,
    exceptions: str | Path | None = None,
) -> Conversion:
    """Write annotated texts to a .spacy file; the same input gives the same bytes.

    input (str / Path), format (str), options (Mapping[str, Any]): See `read`.
    output (str / Path): The file, which is there whole in the end, or as it was before.
    lenient (bool): Repair what is clear, and count it. White space around labels and at the edges
        of entities is taken away; in column files see read_columns, too.
    label_map (Mapping[str, str]): New names of entity types. An empty name drops the type: its
        characters are outside of entities.
    lang (str): The language whose tokenizer cuts texts that have no tokens.
    spans_key (str): Put entities in doc.spans[spans_key], where they may nest, and take them from
        there in a .spacy file; None for doc.ents.
    misaligned (str): What to do about annotations that do not start and end with tokens. "error";
        "snap": take the smallest run of whole tokens that covers them; "contract": the largest
        within them; "missing": their tokens count as not annotated; "skip": leave their documents
        out; "split": cut the tokens, by exceptions of the tokenizer.
    trim (str): What to take off the edges of annotations first: "off", "space", or "punctuation":
        white space, and marks, quotes and brackets that are not paired within.
    overlaps (str): Which of overlapping entities remain in doc.ents: "longest", "first", or
        "labels:A,B" for types in the order in which they win. With spans_key, all go there, and
        these to doc.ents as well.
    max_refused (float): The share of annotations that may be refused, from 0 to 1. None: none, or
        any with "missing" and "skip". If it is given, annotations that have no place in their text
        are refused, too, where the format permits, and are no errors of their own; the rest of
        their text is unknown then.
    report (str / Path): A .jsonl file for what became of each annotation.
    exceptions (str / Path): A file of the tokenizer's exceptions: those there are used, and with
        "split", what more is needed is written to it. `init_project` and `init_config` take it.
    RETURNS (Conversion): What was read and written.
    RAISES (ValueError): What is wrong, with file and line, and what to do. Nothing is written then
        but the report.
    """
    input, output = Path(input), Path(output)
    report, exceptions = (None if path is None else Path(path) for path in (report, exceptions))
    if output.suffix != ".spacy":
        raise ValueError(f"The output must be a .spacy file, got {output}: correct its name.")
    placing = Placing(misaligned, trim=trim, overlaps=overlaps, merges_repeated=True)
    limit = limit_of(misaligned, max_refused)
    if misaligned == "missing" and spans_key is not None:
        raise ValueError(
            "--misaligned missing can't be with --spans-key: a group of spans does not know tokens "
            "without annotation. Take skip, or correct the offsets."
        )
    if misaligned == "split" and exceptions is None:
        raise ValueError("--misaligned split needs --exceptions: a file to write them to.")
    for old, new in (label_map or {}).items():
        check_tidy("A type to be renamed", old)
        check_tidy(f"The new name of {old!r}", new)
    options = {**(options or {}), "lenient": True} if lenient else options
    for path in (output, report, exceptions):
        if path is not None:
            check_output_folder(path.parent)
    done = Conversion(_opened(input, format, options or {}, spans_key), output)
    unsound: list[UnsoundSpan] | None = None if max_refused is None else []
    if hasattr(done.source, "unsound"):
        done.source.unsound = unsound
    done.mapped = dict.fromkeys(label_map or {}, 0)
    is_known = exceptions is not None and (exceptions.exists() or misaligned != "split")
    known = read_exceptions(exceptions) if exceptions is not None and is_known else {}
    if misaligned == "split":
        source = _opened(input, format, options or {}, spans_key)
        if hasattr(source, "unsound"):
            source.unsound = None if unsound is None else []
        renamed = (_renamed(record, label_map or {}, {}) for _, record in source.records())
        done.needed = find_exceptions(renamed, blank_pipeline(lang), known, trim)
        known = done.needed.exceptions
    file, errors = DocFile(), Errors("texts can't be converted")
    with reporting(report) as done.placements:
        placer = TextPlacer(blank_pipeline(lang, known), placing, spans_key, done.placements)
        for where, record in done.source.records():
            n_relations = len(record.relations)
            record = _renamed(record, label_map or {}, done.mapped)
            done.lost["relations of dropped types"] += n_relations - len(record.relations)
            done.look_at(record)
            if unsound:
                done.placements.refuse_unsound(where, record, unsound)
                unsound.clear()
            try:
                placed = placer.place(where, record)
                done.uses_tokenizer |= record.tokens is None
                if placed is None:
                    done.n_skipped += 1
                    continue
                done.lost["relations of refused annotations"] += placed.fitted.n_relations_lost
                done.count(placed.doc, record, spans_key)
                file.add(placed.doc, placed.fitted.record, spans_key)
            except ValueError as error:
                errors.add(f"{where}: {error}")
        errors.check()
        done.lost += file.lost
        if done.placements.exceeds(limit):
            raise ValueError(refusal(done.placements, limit, lang))
    if misaligned == "split" and exceptions is not None:
        write_atomically(exceptions, exceptions_text(known))
    with written_whole(output) as unfinished:
        file.write(unfinished)
    return done


def _opened(
    path: Path, format: str | None, options: Mapping[str, Any], spans_key: str | None
) -> RecordSource:
    """The reader of the input. Where spans are in .spacy files, they are in the output."""
    if "spans_key" in options:
        raise ValueError("options hold spans_key: give it as an argument of its own.")
    if path.exists() and (format or find_format(path)) == "spacy":
        options = {**options, "spans_key": spans_key}
    return open_records(path, format, **options)


def blank_pipeline(lang: str, exceptions: Mapping[str, Iterable[str]] | None = None) -> Language:
    """A language's tokenizer.

    exceptions (Mapping[str, Iterable[str]]): Tokens that it cuts further, with their pieces.
    RAISES ValueError: If spaCy has none, or a package is missing.
    """
    try:
        nlp = spacy.blank(lang)
        if exceptions:
            tokenizer = {
                "@tokenizers": EXCEPTIONS_TOKENIZER,
                "base": nlp.config["nlp"]["tokenizer"],
            }
            nlp = spacy.blank(lang, config={"nlp": {"tokenizer": tokenizer}})
            made: Any = nlp.tokenizer
            made.initialize(exceptions=exceptions)
    except ImportError as error:
        raise ValueError(f"--lang {lang}: spaCy has no such language: {error}") from error
    return nlp


def _renamed(
    record: TextRecord, label_map: Mapping[str, str], mapped: dict[str, int]
) -> TextRecord:
    """A record with the new names of types, and without those that have none.

    mapped (Dict[str, int]): Entities of each type in the map, counted on.
    """
    labels = record.annotated_labels
    if labels is not None:
        labels = tuple(dict.fromkeys(new for old in labels if (new := label_map.get(old, old))))
    if record.spans is None:
        return replace(record, annotated_labels=labels)
    for span in record.spans:
        if span.is_accepted and span.label in mapped:
            mapped[span.label] += 1
    pairs = [(span, label_map.get(span.label, span.label)) for span in record.spans]
    spans = tuple(replace(span, label=label) for span, label in pairs if label)
    relations = among(record.relations, spans)
    return replace(record, spans=spans, annotated_labels=labels, relations=relations)
