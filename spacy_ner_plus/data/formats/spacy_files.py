""".spacy files as records.

What a Doc has no place for is kept in doc.user_data: the id and the keys that the schema does not
know by their names, the rest under RECORD. So are the spans, where those of the Doc say less, and
those that are not on its tokens.
"""

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import srsly
from spacy.attrs import ENT_ID, ENT_KB_ID
from spacy.language import Language
from spacy.tokens import Doc, DocBin
from spacy.vocab import Vocab

from ...annotation.doc_records import span_records, to_doc, to_record
from ...annotation.entity_source import EntitySource
from ...annotation.gold import ANNOTATED_LABELS, register_annotated_labels
from ...annotation.offsets import raise_misaligned
from ...annotation.probabilities import PROBABILITY, PROBABILITY_OF, register_probability
from ...annotation.unknown_group import entity_keys
from ...records import (
    VERSION,
    RelationRecord,
    SpanRecord,
    TextRecord,
    keys_of,
    without_duplicates,
)
from ..doc_files import RECORD, find_files, read_file
from ..refused_annotations import REFUSED
from ..sources.rows import as_plain
from .repairs import Repairs, checked
from .unsound_spans import UnsoundSpan
from .written import Written, among, keys_of_tokens

ATTRS = ("ORTH", "SPACY", "SENT_START", "ENT_IOB", "ENT_TYPE", "ENT_KB_ID", "ENT_ID")
# Of doc.user_data: what a record has a field for, or says of itself.
_TAKEN = {*keys_of(TextRecord), VERSION}
_NO_DATA = srsly.msgpack_dumps({})


@dataclass
class SpacyRecords:
    """The documents of a .spacy file, or of all such files in a folder.

    path (Path): The file or folder.
    spans_key (str): Take doc.spans[spans_key]; None for doc.ents.
    lenient (bool): As in JsonLinesRecords.
    counts (Dict[str, int]): What was repaired, once they were read.
    notes (List[str]): None.
    warnings (List[str]): What Docs have and records don't, and where it was repaired.
    unsound (List[UnsoundSpan]): Stays as it is: all annotations have a place.
    RAISES (ValueError): There is no such file.
    """

    path: Path
    spans_key: str | None = None
    lenient: bool = False
    counts: dict[str, int] = field(default_factory=dict, init=False)
    notes: list[str] = field(default_factory=list, init=False)
    warnings: list[str] = field(default_factory=list, init=False)
    unsound: list[UnsoundSpan] | None = field(default=None, init=False, repr=False)

    def __post_init__(self) -> None:
        self._files = find_files(self.path)

    def records(self) -> Iterator[tuple[str, TextRecord]]:
        """Each document, with its file and number.

        RAISES (ValueError): A file holds something else, or no document has doc.spans[spans_key].
        """
        register_probability()
        register_annotated_labels()
        left_out: Counter[str] = Counter()
        keys: set[str] = set()
        n_docs = 0
        repairs = Repairs()
        for file in self._files:
            for number, doc in enumerate(read_file(file).get_docs(Vocab()), start=1):
                where = f"{file}, document {number}"
                left_out.update(_left_out(doc, self.spans_key))
                keys.update(entity_keys(doc))
                n_docs += 1
                try:
                    record, gone = _with_kept(to_record(doc, self.spans_key), doc, self.spans_key)
                    place = f"document {number}"
                    record = checked(record, place, repairs, lenient=self.lenient)
                except ValueError as error:
                    raise ValueError(f"{where}: {error}") from error
                left_out.update(dict.fromkeys(gone, 1))
                yield where, record
        if n_docs and self.spans_key is not None and self.spans_key not in keys:
            raise ValueError(
                f"{self.path}: none of its {n_docs:,} documents has doc.spans[{self.spans_key!r}]. "
                f"Their keys: {', '.join(map(repr, sorted(keys))) or 'none'}. Give one of them, or "
                "no spans key to take doc.ents."
            )
        self.counts = repairs.counts
        gone_of = (f"{what} of {n:,} documents left out" for what, n in left_out.items())
        self.warnings = [*gone_of, *repairs.told()]


class DocFile:
    """Documents on their way to a .spacy file. The same documents give the same bytes.

    lost (Counter[str]): What the records have and the file has no place for, by name.
    """

    def __init__(self) -> None:
        self.lost: Counter[str] = Counter()
        self._docs = DocBin(attrs=ATTRS, store_user_data=True)

    def add(
        self,
        doc: Doc,
        record: TextRecord,
        spans_key: str | None = None,
        refused: Sequence[SpanRecord] = (),
    ) -> None:
        """Add the Doc of a record, and what it has no place for.

        spans_key (str): Where its spans are.
        refused (Sequence[SpanRecord]): Annotations that are not on tokens, and no longer in the
            record: they are noted beside those that still are.
        RAISES (ValueError): The record holds what spaCy's format can't.
        """
        found = span_records(doc, EntitySource(spans_key))
        places = set(map(_place, found))
        # An entity that has no place on the Doc is not to come back.
        spans = [s for s in record.spans or () if not s.is_accepted or _place(s) in places]
        unplaced = [s for s in record.spans or () if s.is_accepted and _place(s) not in places]
        relations = among(record.relations, spans)
        self.lost["relations of misaligned entities"] += len(record.relations) - len(relations)
        self.lost.update(keys_of_tokens(record))
        kept: dict[str, Any] = {"meta": record.meta} if record.meta else {}
        if relations:
            kept["relations"] = [relation.to_json() for relation in relations]
        if _bare(spans) != _bare(found):
            kept["spans"] = [span.to_json() for span in spans]
        if refused or unplaced:
            kept[REFUSED] = [span.to_json() for span in (*refused, *unplaced)]
        named = {"id": record.id} if record.id is not None else {}
        doc.user_data |= _storable(record.other | named)
        if kept:
            doc.user_data[RECORD] = _storable(kept)
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
) -> Written:
    """Write records as Docs.

    nlp (Language): Its tokenizer cuts texts without tokens; None: there are no such.
    spans_key (str): Put spans in doc.spans[spans_key], where they may nest, and the outermost in
        doc.ents as well; None for doc.ents alone.
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
        record, n_repeated = without_duplicates(record)
        file.lost["repeated annotations"] += n_repeated
        try:
            doc, misaligned = to_doc(record, own, spans_key)
            file.add(doc, record, spans_key)
        except ValueError as error:
            raise ValueError(f"{where}: {error}") from error
        raise_misaligned(misaligned, where)
    file.write(path)
    return Written(number, file.lost)


def _left_out(doc: Doc, spans_key: str | None) -> list[str]:
    """What a record of a Doc does not hold."""
    keys = [f"doc.spans[{key!r}]" for key in entity_keys(doc) if key != spans_key]
    has_ents = spans_key is not None and not _has_ents(doc, spans_key)
    names = ("TAG", "POS", "MORPH", "LEMMA", "DEP") if len(doc) else ()
    attributes = [name for name in names if doc.has_annotation(name)]
    return [*keys, *["doc.ents"] * has_ents, *["doc.cats"] * bool(doc.cats), *attributes]


def _has_ents(doc: Doc, spans_key: str) -> bool:
    """Whether all of doc.ents is in a group, too."""
    group = {(span.start, span.end, span.label) for span in doc.spans.get(spans_key, ())}
    return group.issuperset((ent.start, ent.end, ent.label) for ent in doc.ents)


def _with_kept(record: TextRecord, doc: Doc, spans_key: str | None) -> tuple[TextRecord, list[str]]:
    """With what is in doc.user_data, and what is left out of that."""
    named = {name: value for name, value in doc.user_data.items() if isinstance(name, str)}
    row: dict[str, Any] = as_plain(named)
    kept = _kept(row.pop(RECORD, {}))
    gone = list(_unread(doc))
    meta = kept.get("meta", row.get("meta"))
    spans = record.spans
    if spans is not None and "spans" in kept:
        described = tuple(map(SpanRecord.from_json, kept["spans"]))
        if spans_key is None and entity_keys(doc):  # those of a group, of which doc.ents has some
            places = set(map(_place, spans))
            described = tuple(s for s in described if not s.is_accepted or _place(s) in places)
        if _places(described) == _places(spans):
            spans = (*described, *_further_rejected(spans, described))
        else:
            gone.append("details of changed entities")
    if REFUSED in kept:
        gone.append("annotations that are not on tokens")
    wanted = tuple(map(RelationRecord.from_json, kept.get("relations", ())))
    relations = among(wanted, spans or ())
    if len(relations) < len(wanted):
        gone.append("relations of other entities")
    whole = replace(
        record,
        id=row.get("id"),
        meta=meta if isinstance(meta, dict) else {},
        spans=spans,
        relations=relations,
        other={key: value for key, value in row.items() if key not in _TAKEN},
    )
    return whole, gone


def _kept(value: Any) -> dict[str, Any]:
    """What a file of ours keeps of a record. RAISES ValueError: It is something else."""
    is_ours = isinstance(value, dict) and all(
        isinstance(value.get(key, []), list) for key in ("spans", "relations", REFUSED)
    )
    if not is_ours:
        raise ValueError(
            f"doc.user_data[{RECORD!r}] is {value!r:.100}, but it must be what ner-plus convert "
            "writes there: convert the texts again, or remove the key."
        )
    kept: dict[str, Any] = value
    return kept


def _unread(doc: Doc) -> Iterator[str]:
    """What of doc.user_data no record has."""
    data: dict[Any, Any] = doc.user_data
    for name, value in data.items():
        is_read = name == "id" or (name == "meta" and isinstance(value, dict))
        if isinstance(name, tuple) and name[:1] == ("._.",):
            if name[1] not in (ANNOTATED_LABELS, PROBABILITY, PROBABILITY_OF):
                yield f"._.{name[1]}"
        elif not isinstance(name, str) or (name in _TAKEN and not is_read):
            yield f"doc.user_data[{name!r}]"


def _storable(data: dict[str, Any]) -> dict[str, Any]:
    """A copy. RAISES ValueError: If spaCy's format can't hold it as it is."""
    plain: dict[str, Any] = as_plain(data)
    for key, value in data.items():
        if plain[key] != value:
            raise ValueError(
                f"{key} holds an integer of more than 64 bits, which spaCy's format can't: write "
                "it as a string."
            )
    return plain


def _bare(spans: Iterable[SpanRecord]) -> list[SpanRecord]:
    """Spans without their texts, which their places tell."""
    return [replace(span, text=None) for span in spans]


def _place(span: SpanRecord) -> tuple[int, int, str]:
    return span.start, span.end, span.label


def _further_rejected(
    spans: Iterable[SpanRecord], described: Iterable[SpanRecord]
) -> Iterator[SpanRecord]:
    """Rejected spans of a Doc that somebody has noted since it was made of a record."""
    known = {_place(span) for span in described if span.status == "rejected"}
    for span in spans:
        if span.status == "rejected" and _place(span) not in known:
            yield span


def _places(spans: Iterable[SpanRecord]) -> list[tuple[int, int, str]]:
    return sorted(_place(span) for span in spans if span.is_accepted)
