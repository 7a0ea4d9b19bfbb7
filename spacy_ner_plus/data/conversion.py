"""From annotated texts of any format to a .spacy file to train with."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import spacy
from spacy.language import Language
from spacy.tokens import Doc
from spacy.vocab import Vocab

from ..annotation.doc_records import to_doc
from ..annotation.offsets import hint_of_countings
from ..records import TextRecord, alike, check_tidy, without_duplicates
from ..support.durable import written_whole
from ..support.output_folder import check_output_folder
from .formats.form import RecordSource
from .formats.record_files import find_format, open_records
from .formats.repairs import Errors
from .formats.spacy_files import DocFile
from .formats.written import among, lost_in

POLICIES = ("error", "missing", "skip")
MAX_SHOWN = 20


@dataclass
class Conversion:
    """What was read and written.

    source (RecordSource): The file that was read, with what is worth telling of it.
    output (Path): The file that was written.
    n_documents, n_tokens (int): What was written.
    n_sentences (int): Of documents in which sentence starts are known.
    n_without_annotation (int): Documents about whose entities nothing is known.
    n_skipped (int): Documents that were left out because of misaligned annotations.
    n_repeated (int): Annotations that were there already.
    n_rejected, n_ignored (int): Annotations of that status, which are no entities; the tokens of
        ignored ones count as not annotated.
    entities (Counter[str]): Those that were written, by label.
    mapped (Dict[str, int]): For each type in the label map, the number of its entities.
    misaligned (List[str]): Annotations that do not start and end with tokens, each with where it is
        and the nearest boundaries.
    countings (Counter[Optional[str]]): How those must have been counted to fit, where one can tell.
    n_loose (int): Those that have white space at their edges.
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
    n_repeated: int = 0
    n_rejected: int = 0
    n_ignored: int = 0
    entities: Counter[str] = field(default_factory=Counter)
    mapped: dict[str, int] = field(default_factory=dict)
    misaligned: list[str] = field(default_factory=list)
    countings: Counter[str | None] = field(default_factory=Counter)
    n_loose: int = 0
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
        hint = hint_of_countings(self.countings)
        return [*lost_in(self.output, self.lost), *unused, *similar, *filter(None, [hint])]

    @property
    def shown_misaligned(self) -> str:
        """The first misaligned annotations, a line each, and the count of the others."""
        return _first(self.misaligned)

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
        "missing": their tokens count as not annotated; "skip": leave their documents out.
    RETURNS (Conversion): What was read and written.
    RAISES (ValueError): What is wrong, with file and line, and what to do.
    """
    input, output = Path(input), Path(output)
    if output.suffix != ".spacy":
        raise ValueError(f"The output must be a .spacy file, got {output}: correct its name.")
    if misaligned not in POLICIES:
        raise ValueError(f"--misaligned {misaligned} must be one of {', '.join(POLICIES)}.")
    if misaligned == "missing" and spans_key is not None:
        raise ValueError(
            "--misaligned missing can't be with --spans-key: a group of spans does not know tokens "
            "without annotation. Take skip, or correct the offsets."
        )
    for old, new in (label_map or {}).items():
        check_tidy("A type to be renamed", old)
        check_tidy(f"The new name of {old!r}", new)
    options = {**(options or {}), "lenient": True} if lenient else options
    check_output_folder(output.parent)
    done = Conversion(_opened(input, format, options or {}, spans_key), output)
    done.mapped = dict.fromkeys(label_map or {}, 0)
    bare, tokenizing = Language(Vocab()), blank_pipeline(lang)  # what a language adds is not stored
    file, errors = DocFile(), Errors("texts can't be converted")
    for where, record in done.source.records():
        n_relations = len(record.relations)
        record = _renamed(record, label_map or {}, done.mapped)
        done.lost["relations of dropped types"] += n_relations - len(record.relations)
        record, n_repeated = without_duplicates(record)
        done.n_repeated += n_repeated
        done.look_at(record)
        try:
            doc, unfit = to_doc(record, tokenizing if record.tokens is None else bare, spans_key)
            done.misaligned += [f"{where}: {one}" for one in unfit]
            done.countings.update(one.counting for one in unfit)
            done.n_loose += sum(one.text != one.text.strip() for one in unfit)
            done.uses_tokenizer |= record.tokens is None
            if unfit and misaligned == "skip":
                done.n_skipped += 1
            else:
                done.count(doc, record, spans_key)
                file.add(doc, record, spans_key)
        except ValueError as error:
            errors.add(f"{where}: {error}")
    errors.check()
    done.lost += file.lost
    if done.misaligned and misaligned == "error":
        raise ValueError(_refusal(done, lang))
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


def _first(misaligned: Sequence[str]) -> str:
    more = len(misaligned) - MAX_SHOWN
    lines = [*misaligned[:MAX_SHOWN], *([f"and {more:,} more"] if more > 0 else [])]
    return "\n".join(f"  {line}" for line in lines)


def _refusal(done: Conversion, lang: str) -> str:
    start = (
        f"{len(done.misaligned):,} annotations are not on token boundaries. Correct their offsets, "
        f"take another tokenizer with --lang (now {lang}), or leave them out with --misaligned "
        "missing or skip:"
    )
    hints = [hint_of_countings(done.countings)]
    if done.n_loose:
        hints.append(f"{done.n_loose:,} have white space at their edges: --lenient takes it away.")
    return "\n".join(filter(None, [start, done.shown_misaligned, *hints]))


def blank_pipeline(lang: str) -> Language:
    """A language's tokenizer. RAISES ValueError: If spaCy has none, or a package is missing."""
    try:
        return spacy.blank(lang)
    except ImportError as error:
        raise ValueError(f"--lang {lang}: spaCy has no such language: {error}") from error


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
