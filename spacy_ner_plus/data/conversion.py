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
from ..records import TextRecord
from .formats.record_files import RecordSource, find_format, open_records, written_whole
from .formats.spacy_files import DocFile

POLICIES = ("error", "missing", "skip")
MAX_SHOWN = 20


@dataclass
class Conversion:
    """What was read and written.

    source (RecordSource): The file that was read, with what is worth telling of it.
    n_documents, n_tokens (int): What was written.
    n_sentences (int): Of documents in which sentence starts are known.
    n_without_annotation (int): Documents about whose entities nothing is known.
    n_skipped (int): Documents that were left out because of misaligned annotations.
    entities (Counter[str]): Those that were written, by label.
    mapped (Dict[str, int]): For each type in the label map, the number of its entities.
    misaligned (List[str]): Annotations that do not start and end with tokens, each with where it is
        and the nearest boundaries.
    uses_tokenizer (bool): Whether a text had no tokens of its own.
    """

    source: RecordSource
    n_documents: int = 0
    n_tokens: int = 0
    n_sentences: int = 0
    n_without_annotation: int = 0
    n_skipped: int = 0
    entities: Counter[str] = field(default_factory=Counter)
    mapped: dict[str, int] = field(default_factory=dict)
    misaligned: list[str] = field(default_factory=list)
    uses_tokenizer: bool = False

    @property
    def shown_misaligned(self) -> str:
        """The first misaligned annotations, a line each, and the count of the others."""
        return _first(self.misaligned)

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
    label_map: Mapping[str, str] | None = None,
    lang: str = "en",
    spans_key: str | None = None,
    misaligned: str = "error",
) -> Conversion:
    """Write annotated texts to a .spacy file; the same input gives the same bytes.

    input (str / Path), format (str), options (Mapping[str, Any]): See `read`.
    output (str / Path): The file, which is there whole in the end, or as it was before.
    label_map (Mapping[str, str]): New names of entity types. An empty name drops the type: its
        characters are outside of entities.
    lang (str): The language whose tokenizer cuts texts that have no tokens.
    spans_key (str): Put entities in doc.spans[spans_key], where they may nest; None for doc.ents.
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
    format = format or find_format(input)
    at_key = {"spans_key": spans_key} if format == "spacy" else {}
    done = Conversion(open_records(input, format, **at_key, **(options or {})))
    done.mapped = dict.fromkeys(label_map or {}, 0)
    bare, tokenizing = Language(Vocab()), blank_pipeline(lang)  # what a language adds is not stored
    file = DocFile()
    for where, record in done.source.records():
        record = _renamed(record, label_map or {}, done.mapped)
        try:
            doc, lost = to_doc(record, bare if record.tokens is not None else tokenizing, spans_key)
        except ValueError as error:
            raise ValueError(f"{where}: {error}") from error
        done.misaligned += [f"{where}: {one}" for one in lost]
        done.uses_tokenizer |= record.tokens is None
        if lost and misaligned == "skip":
            done.n_skipped += 1
        else:
            done.count(doc, record, spans_key)
            file.add(doc, record, spans_key)
    if done.misaligned and misaligned == "error":
        raise ValueError(_refusal(done.misaligned, lang))
    with written_whole(output) as unfinished:
        file.write(unfinished)
    return done


def _first(misaligned: Sequence[str]) -> str:
    more = len(misaligned) - MAX_SHOWN
    lines = [*misaligned[:MAX_SHOWN], *([f"and {more:,} more"] if more > 0 else [])]
    return "\n".join(f"  {line}" for line in lines)


def _refusal(misaligned: Sequence[str], lang: str) -> str:
    return (
        f"{len(misaligned):,} annotations are not on token boundaries. Correct their offsets, take "
        f"another tokenizer with --lang (now {lang}), or leave them out with --misaligned missing "
        f"or skip:\n{_first(misaligned)}"
    )


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
    if not label_map or record.spans is None:
        return record
    for span in record.spans:
        if span.label in mapped:
            mapped[span.label] += 1
    pairs = [(span, label_map.get(span.label, span.label)) for span in record.spans]
    spans = tuple(replace(span, label=label) for span, label in pairs if label)
    ids = {span.id for span in spans}
    labels = record.annotated_labels
    if labels is not None:
        labels = tuple(dict.fromkeys(new for old in labels if (new := label_map.get(old, old))))
    relations = tuple(r for r in record.relations if r.head in ids and r.tail in ids)
    return replace(record, spans=spans, annotated_labels=labels, relations=relations)
