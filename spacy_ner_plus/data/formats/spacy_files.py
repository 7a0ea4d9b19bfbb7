""".spacy files as records.

What a Doc has no place for is kept in doc.user_data: the id and the keys that the schema does not
know by their names, the rest under RECORD. So are the spans, where those of the Doc say less.
"""

from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import srsly
from spacy.attrs import ENT_ID, ENT_KB_ID
from spacy.language import Language
from spacy.tokens import Doc, DocBin
from spacy.vocab import Vocab

from ...annotation.doc_records import span_records, to_doc, to_record
from ...annotation.gold import register_annotated_labels
from ...annotation.offsets import raise_misaligned
from ...annotation.probabilities import register_probability
from ...records import RelationRecord, SpanRecord, TextRecord, keys_of
from ..doc_files import RECORD, find_files, read_file
from ..sources.rows import as_plain

ATTRS = ("ORTH", "SPACY", "SENT_START", "ENT_IOB", "ENT_TYPE", "ENT_KB_ID", "ENT_ID")
KEPT = ("meta", "relations")
_NO_DATA = srsly.msgpack_dumps({})


@dataclass
class SpacyRecords:
    """The documents of a .spacy file, or of all such files in a folder.

    path (Path): The file or folder.
    spans_key (str): Take doc.spans[spans_key]; None for doc.ents.
    counts (Dict[str, int]), notes (List[str]): None.
    warnings (List[str]): What Docs have and records don't, once they were read.
    """

    path: Path
    spans_key: str | None = None
    counts: dict[str, int] = field(default_factory=dict, init=False)
    notes: list[str] = field(default_factory=list, init=False)
    warnings: list[str] = field(default_factory=list, init=False)

    def records(self) -> Iterator[tuple[str, TextRecord]]:
        """Each document, with its file and number.

        RAISES (ValueError): There is no such file, or it holds something else.
        """
        register_probability()
        register_annotated_labels()
        left_out: Counter[str] = Counter()
        for file in find_files(self.path):
            for number, doc in enumerate(read_file(file).get_docs(Vocab()), start=1):
                where = f"{file}, document {number}"
                left_out.update(_left_out(doc, self.spans_key))
                try:
                    record = _with_kept(to_record(doc, self.spans_key), doc)
                except ValueError as error:
                    raise ValueError(f"{where}: {error}") from error
                yield where, record
        self.warnings = [f"{what} of {n:,} documents left out" for what, n in left_out.items()]


class DocFile:
    """Documents on their way to a .spacy file. The same documents give the same bytes."""

    def __init__(self) -> None:
        self._docs = DocBin(attrs=ATTRS, store_user_data=True)

    def add(self, doc: Doc, record: TextRecord, spans_key: str | None = None) -> None:
        """Add the Doc of a record, and what it has no place for.

        spans_key (str): Where its spans are.
        """
        row = record.to_json()
        kept = {key: row[key] for key in KEPT if key in row}
        found = span_records(doc, spans_key)
        spans = record.spans or ()
        # those that are not on the Doc, but should be, are not to come back
        if _places(spans) == _places(found) and _bare(spans) != _bare(found):
            kept["spans"] = row["spans"]
        named = {"id": record.id} if record.id is not None else {}
        doc.user_data |= as_plain(record.other | named | ({RECORD: kept} if kept else {}))
        self._docs.add(doc)

    def write(self, path: Path) -> None:
        """Write the file. What no document has is left out of it."""
        docs = self._docs
        for attr in (ENT_KB_ID, ENT_ID):
            column = docs.attrs.index(attr)
            if not any(tokens[:, column].any() for tokens in docs.tokens):
                kept = [i for i in range(len(docs.attrs)) if i != column]
                docs.attrs = [docs.attrs[i] for i in kept]
                docs.tokens = [tokens[:, kept] for tokens in docs.tokens]
        docs.store_user_data = any(data != _NO_DATA for data in docs.user_data)
        docs.to_disk(path)


def write_spacy(
    records: Iterable[TextRecord],
    path: Path,
    nlp: Language | None = None,
    spans_key: str | None = None,
) -> int:
    """Write records as Docs.

    nlp (Language): Its tokenizer cuts texts without tokens; None: there are no such.
    spans_key (str): Put spans in doc.spans[spans_key], where they may nest; None for doc.ents.
    RETURNS (int): How many.
    RAISES (ValueError): A record that a Doc can't hold, and why.
    """
    file, number = DocFile(), 0
    own = nlp or Language(Vocab())
    for number, record in enumerate(records, start=1):
        where = f"Record {number}, {record.text[:60]!r}"
        if record.tokens is None and nlp is None:
            raise ValueError(
                f"{where}, has no tokens: give nlp, a pipeline whose tokenizer makes them."
            )
        try:
            doc, misaligned = to_doc(record, own, spans_key)
        except ValueError as error:
            raise ValueError(f"{where}: {error}") from error
        raise_misaligned(misaligned, where)
        file.add(doc, record, spans_key)
    file.write(path)
    return number


def _left_out(doc: Doc, spans_key: str | None) -> list[str]:
    """What a record of a Doc does not hold."""
    keys = [f"doc.spans[{key!r}]" for key in doc.spans if key != spans_key]
    has_ents = spans_key is not None and len(doc.ents) > 0
    names = ("TAG", "POS", "MORPH", "LEMMA", "DEP") if len(doc) else ()
    attributes = [name for name in names if doc.has_annotation(name)]
    return [*keys, *["doc.ents"] * has_ents, *["doc.cats"] * bool(doc.cats), *attributes]


def _with_kept(record: TextRecord, doc: Doc) -> TextRecord:
    """With what is in doc.user_data."""
    named = {name: value for name, value in doc.user_data.items() if isinstance(name, str)}
    row: dict[str, Any] = as_plain(named)
    kept = row.pop(RECORD, {})
    meta = kept.get("meta", row.get("meta"))
    spans = tuple(map(SpanRecord.from_json, kept.get("spans", ())))
    is_same = record.spans is not None and _places(spans) == _places(record.spans)
    return replace(
        record,
        id=row.get("id"),
        meta=meta if isinstance(meta, dict) else {},
        spans=spans if is_same else record.spans,
        relations=tuple(map(RelationRecord.from_json, kept.get("relations", ()))),
        other={key: value for key, value in row.items() if key not in keys_of(TextRecord)},
    )


def _bare(spans: Iterable[SpanRecord]) -> list[SpanRecord]:
    """Spans without their texts, which their places tell."""
    return [replace(span, text=None) for span in spans]


def _places(spans: Iterable[SpanRecord]) -> list[tuple[int, int, str]]:
    return sorted((span.start, span.end, span.label) for span in spans if span.is_accepted)
