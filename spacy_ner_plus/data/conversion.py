"""From annotated texts of any format to a .spacy file to train with, or to any other format."""

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
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
from .formats.record_files import (
    FORMATS,
    open_several,
    options_known,
    output_format,
    write_counted,
)
from .formats.repairs import Errors
from .formats.spacy_files import DocFile
from .formats.written import among, lost_in
from .record_transfer import DividedOptions, with_tokens
from .standard_streams import STREAM, input_paths, output_path

SPACY = "spacy"
POLICIES = ("error", "missing", "skip")
MAX_SHOWN = 20


@dataclass
class Conversion:
    """What was read and written.

    source (RecordSource): The file that was read, with what is worth telling of it.
    output (Path): The file that was written.
    format (str): Its format.
    n_documents (int): What was written.
    n_tokens (int): Of a .spacy file.
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
    format: str = SPACY
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

    def count_record(self, record: TextRecord) -> None:
        """Count a record that is written as it is."""
        self.n_documents += 1
        self.n_without_annotation += record.spans is None
        self.entities.update(span.label for span in record.spans or () if span.is_accepted)

    def note_tokenizer(self) -> None:
        """A text has no tokens of its own."""
        self.uses_tokenizer = True


def convert(
    input: str | Path | Sequence[str | Path],
    output: str | Path,
    *,
    format: str | None = None,
    to: str | None = None,
    options: Mapping[str, Any] | None = None,
    lenient: bool = False,
    label_map: Mapping[str, str] | None = None,
    lang: str = "en",
    spans_key: str | None = None,
    misaligned: str = "error",
) -> Conversion:
    """Write annotated texts to a .spacy file, or to one of another format.

    The same input gives the same bytes.

    input (str / Path / Sequence): The file or folder, or several; "-" for standard input.
    output (str / Path): The file, which is there whole in the end, or as it was before; it is
        packed if its name ends in .gz. Of some formats, a new folder. "-" for standard output.
    format (str): Of the input: see `read`.
    to (str): Of the output: one of those of `read`; None for what its name says, of standard
        output jsonl.
    options (Mapping[str, Any]): Of the formats, those that are read and that which is written.
    lenient (bool): Repair what is clear, and count it. White space around labels and at the edges
        of entities is taken away; in column files see read_columns, too.
    label_map (Mapping[str, str]): New names of entity types. An empty name drops the type: its
        characters are outside of entities.
    lang (str): The language whose tokenizer cuts texts that have no tokens.
    spans_key (str): Put entities in doc.spans[spans_key], where they may nest, and take them from
        there in a .spacy file; None for doc.ents.
    misaligned (str): In a .spacy file, what to do about annotations that do not start and end with
        tokens; other formats take them as they are. "error"; "missing": their tokens count as not
        annotated; "skip": leave their documents out.
    RETURNS (Conversion): What was read and written.
    RAISES (ValueError): What is wrong, with file and line, and what to do.
    """
    inputs = [Path(one) for one in ([input] if isinstance(input, (str, Path)) else input)]
    output = Path(output)
    to = output_format(output, to or ("jsonl" if output == STREAM else None))
    _check_wanted(to, misaligned, spans_key, options or {}, label_map or {})
    options = {**(options or {}), "lenient": True} if lenient else options
    if output != STREAM:
        check_output_folder(output.parent)
    of_writer = [] if to == SPACY else options_known(FORMATS[to].write)
    divided = DividedOptions(options or {}, of_writer)
    with input_paths(inputs) as paths, output_path(output) as file:
        if any(_holds(path, file) for path in paths):
            raise ValueError(
                f"{output} is an input, too, or within one: the output must be another file."
            )
        source = _opened(paths, format, divided, spans_key, to)
        done = Conversion(source, output, to, mapped=dict.fromkeys(label_map or {}, 0))
        if to == SPACY:
            _write_docs(done, file, label_map or {}, lang, spans_key, misaligned)
        else:
            _write_records(done, file, label_map or {}, lang, divided.for_writer())
    return done


def _check_wanted(
    to: str,
    misaligned: str,
    spans_key: str | None,
    options: Mapping[str, Any],
    label_map: Mapping[str, str],
) -> None:
    """RAISES ValueError: If what is wanted can't be."""
    if misaligned not in POLICIES:
        raise ValueError(f"--misaligned {misaligned} must be one of {', '.join(POLICIES)}.")
    if misaligned != "error" and to != SPACY:
        raise ValueError(
            f"--misaligned {misaligned} is for .spacy files: {to} takes annotations as they are."
        )
    if misaligned == "missing" and spans_key is not None:
        raise ValueError(
            "--misaligned missing can't be with --spans-key: a group of spans does not know tokens "
            "without annotation. Take skip, or correct the offsets."
        )
    if "spans_key" in options:
        raise ValueError("options hold spans_key: give it as an argument of its own.")
    for old, new in label_map.items():
        check_tidy("A type to be renamed", old)
        check_tidy(f"The new name of {old!r}", new)


def _holds(path: Path, output: Path) -> bool:
    """Whether a path is the output's, or that of a folder in which it would be read again."""
    own, other = path.resolve(), output.resolve()
    return own == other or (path.is_dir() and other.is_relative_to(own))


def _write_docs(
    done: Conversion,
    output: Path,
    label_map: Mapping[str, str],
    lang: str,
    spans_key: str | None,
    misaligned: str,
) -> None:
    bare, tokenizing = Language(Vocab()), blank_pipeline(lang)  # what a language adds is not stored
    file, errors = DocFile(), Errors("texts can't be converted")
    for where, record in _all_renamed(done, label_map):
        record, n_repeated = without_duplicates(record)
        done.n_repeated += n_repeated
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


def _write_records(
    done: Conversion,
    output: Path,
    label_map: Mapping[str, str],
    lang: str,
    options: Mapping[str, Any],
) -> None:
    def counted() -> Iterator[TextRecord]:
        for _, record in _all_renamed(done, label_map):
            done.count_record(record)
            yield record

    records = counted()
    if FORMATS[done.format].needs_tokens:
        records = with_tokens(records, blank_pipeline(lang), done.note_tokenizer)
    done.lost += write_counted(records, output, done.format, **options).lost


def _all_renamed(
    done: Conversion, label_map: Mapping[str, str]
) -> Iterator[tuple[str, TextRecord]]:
    """The records of the source with the new names of types."""
    for where, record in done.source.records():
        n_relations = len(record.relations)
        record = _renamed(record, label_map, done.mapped)
        done.lost["relations of dropped types"] += n_relations - len(record.relations)
        done.look_at(record)
        yield where, record


def _opened(
    paths: Sequence[Path],
    format: str | None,
    options: DividedOptions,
    spans_key: str | None,
    to: str,
) -> RecordSource:
    """The reader of the input. Where spans are in .spacy files, they are in the output."""
    formats = set()

    def options_of(name: str) -> dict[str, Any]:
        formats.add(name)
        own = {"spans_key": spans_key} if name == SPACY else {}
        return options.for_reader(name) | own

    source = open_several(paths, format, options_of)
    if spans_key is not None and SPACY not in {to, *formats}:
        raise ValueError("--spans-key is for .spacy files: leave it out.")
    return source


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
