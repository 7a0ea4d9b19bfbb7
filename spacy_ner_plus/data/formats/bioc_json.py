"""BioC JSON as records, one a document: collections, lists or lines of documents, PubTator's too.

The text is that of all passages, with spaces where the offsets leave some. What has no place in a
record is kept in `bioc` of its meta, from where it is written again: see bioc_passages.
"""

import json
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from itertools import pairwise
from typing import Any

from . import bioc_passages as bioc
from .bioc_documents import DOCUMENTS, documents_of, has_annotations
from .bioc_writing import write_bioc
from .form import Format, Sample
from .offset_units import CHARACTERS, from_characters, in_characters
from .repairs import Errors
from .tool_records import ToolRecords

REFUSE, COVER, SPLIT = DISCONTINUOUS = ("refuse", "cover", "split")
_ENTRY = ("id", "infons", "text", "locations")

Places = list[list[int]]


@dataclass
class BioCRecords(ToolRecords):
    """The documents of a BioC JSON file.

    A document without annotations has no entities; if none has any, nothing is known.

    path (Path): A collection, a list of documents or of collections, or one a line.
    offsets (str): The unit of its offsets; None to find it by the text of annotations.
    label_key, kb_key (str): The infon with an annotation's type, and that with its id.
    discontinuous (str): As in BratRecords.
    """

    label_key: str = field(default="type", kw_only=True)
    kb_key: str = field(default="identifier", kw_only=True)
    discontinuous: str = field(default=REFUSE, kw_only=True)
    _is_annotated: bool = field(default=True, init=False, repr=False)
    _units: tuple[str, ...] = field(default=(), init=False, repr=False)

    def __post_init__(self) -> None:
        if self.discontinuous not in DISCONTINUOUS:
            raise ValueError(
                f"discontinuous must be one of {', '.join(DISCONTINUOUS)}, got "
                f"{self.discontinuous!r}."
            )

    def entries(self) -> Iterator[tuple[str, Any]]:
        """Each document, with what is said of its collection."""
        self._units = bioc.units_to_try(self.offsets)
        self._is_annotated = any(has_annotations(one) for _, (one, _) in documents_of(self.path))
        yield from documents_of(self.path)

    def row(self, entry: Any, counts: Counter[str]) -> dict[str, Any]:
        """See ToolRecords.row."""
        document, collection = entry
        bioc.check_document(document)
        readings = [_Reading(self, document, unit) for unit in self._units]
        fits = [one for one in readings if one.n_wrong == 0]
        reading = fits[0] if fits else min(readings, key=lambda one: one.n_wrong)
        if fits:  # what one document tells of the unit holds for all
            self._units = tuple(one.unit for one in fits)
        if (
            self.offsets is None
            and not reading.is_told
            and max(reading.text, default="") > "\uffff"
        ):
            raise ValueError(
                "its annotations have no text, so that it can't be told what their offsets count: "
                "name the unit, --offsets characters, utf16 or bytes."
            )
        row = reading.row(counts, is_annotated=self._is_annotated)
        if collection:
            row["meta"].setdefault(bioc.BIOC, {})[bioc.COLLECTION] = collection
        return from_characters(_merged(row, document), self.offsets or CHARACTERS)


@dataclass
class _Reading:
    """A document, its offsets counted in some unit.

    n_wrong (int): How many annotations have another text than their characters. is_told (bool):
        Whether any has a text, or there are none.
    """

    source: BioCRecords
    document: dict[str, Any]
    unit: str
    n_wrong: int = field(default=0, init=False)
    is_told: bool = field(default=True, init=False)
    _layout: bioc.PassageLayout = field(init=False)
    _found: list[tuple[int, dict[str, Any], Places]] = field(default_factory=list, init=False)

    def __post_init__(self) -> None:
        passages = self.document["passages"]
        texts = [(one.get("offset", 0), bioc.text_of_passage(one, self.unit)) for one in passages]
        self._layout = bioc.lay_out(texts, self.unit)
        for i, passage in enumerate(passages):
            first = self._layout.units[i] - passage.get("offset", 0)
            for annotation in bioc.annotations_of(passage):
                self._found.append((i, annotation, self._places(first, annotation)))
        told = ["text" in annotation for _, annotation, _ in self._found]
        self.is_told = any(told) or not told
        self.n_wrong = sum(not self._is_as_said(one, at) for _, one, at in self._found)

    @property
    def text(self) -> str:
        """The text of the document."""
        return self._layout.text

    def _places(self, first: int, annotation: dict[str, Any]) -> Places:
        """Where an annotation is, in characters."""
        starts = [first + one["offset"] for one in annotation["locations"]]
        ends = [first + one["offset"] + one["length"] for one in annotation["locations"]]
        spans = [{"start": s, "end": e} for s, e in zip(starts, ends, strict=True)]
        try:
            row = in_characters({"text": self.text, "spans": spans}, self.unit)
        except ValueError:  # this is not the unit, or the file is wrong
            return [[start, end + len(self.text)] for start, end in zip(starts, ends, strict=True)]
        return sorted([one["start"], one["end"]] for one in row["spans"])

    def _is_as_said(self, annotation: dict[str, Any], places: Places) -> bool:
        """Whether an annotation has the characters that it says, but for white space."""
        if any(not 0 <= start < end <= len(self.text) for start, end in places):
            return False
        said = annotation.get("text")
        covered = " ".join(self.text[start:end] for start, end in places)
        return not isinstance(said, str) or not places or said.split() == covered.split()

    def row(self, counts: Counter[str], *, is_annotated: bool) -> dict[str, Any]:
        """The document as a row, with offsets in characters."""
        if self.unit != CHARACTERS and not self.text.isascii():
            counts[f"documents with offsets in {self.unit}"] += 1
        row: dict[str, Any] = {"id": self.document.get("id"), "text": self.text}
        left: list[dict[str, Any]] = [{} for _ in self.document["passages"]]
        spans = self._spans(left, row, counts)
        if is_annotated:
            row["spans"] = spans
        else:
            counts["documents in a file without annotations, about which nothing is known"] += 1
        relations = self._relations(left, Counter(span.get("id") for span in spans), counts)
        row["relations"], document_relations = relations
        rest = self._rest(left, document_relations)
        return row | {"meta": {bioc.BIOC: rest} if rest else {}}

    def _spans(
        self, left: list[dict[str, Any]], row: dict[str, Any], counts: Counter[str]
    ) -> list[dict[str, Any]]:
        spans: list[dict[str, Any]] = []
        errors = Errors("annotations can't be read")
        for i, annotation, places in self._found:
            is_refused = self.source.discontinuous == REFUSE and not self._is_one(places)
            if not self._is_one(places):
                counts[f"discontinuous entities: {self.source.discontinuous}"] += 1
            if not places:
                counts["annotations without a location passed over"] += 1
            if is_refused:
                row.setdefault("unknown", []).append([places[0][0], places[-1][1]])
            if is_refused or not places:
                left[i].setdefault("annotations", []).append(annotation)
                continue
            try:
                spans += self._spans_of(annotation, places)
            except ValueError as error:
                errors.add(f"annotation {annotation.get('id')!r}: {error}")
        errors.check()
        return spans

    def _is_one(self, places: Places) -> bool:
        """Whether there is only white space between stretches."""
        return all(not self.text[one[1] : other[0]].strip() for one, other in pairwise(places))

    def _spans_of(self, annotation: dict[str, Any], places: Places) -> Iterator[dict[str, Any]]:
        infons = dict(annotation.get("infons") or {})
        stored = _stored(infons)
        label = infons.pop(self.source.label_key, None)
        if label is None:
            raise ValueError(
                f"it has no infon {self.source.label_key!r}, but {', '.join(infons) or 'none'}: "
                "name the one with its type, label_key."
            )
        span: dict[str, Any] = {"label": label, **_with_id(annotation)}
        if isinstance(infons.get(self.source.kb_key), str):
            span["kb_id"] = infons.pop(self.source.kb_key)
        span |= {bioc.INFONS: infons} if infons else {}
        if keys := bioc.rest_of(annotation, *_ENTRY):
            span[bioc.KEYS] = keys
        is_split = self.source.discontinuous == SPLIT and not self._is_one(places)
        stretches = places if is_split else [[places[0][0], places[-1][1]]]
        if len(places) > 1 and not is_split:
            span[bioc.LOCATIONS] = places
        is_as_said = self._is_as_said(annotation, places)
        for i, (start, end) in enumerate(stretches):
            text = self.text[start:end] if is_as_said else annotation.get("text")
            ends = {"start": start, "end": end, "text": text}
            yield span | ends | ({"id": None} if i else {}) | stored

    def _relations(
        self, left: list[dict[str, Any]], ids: Counter[Any], counts: Counter[str]
    ) -> tuple[list[dict[str, Any]], list[dict[str, Any]]]:
        """Those between two spans; of the others, those of the document."""
        read, document_relations = [], []
        for i, relation in bioc.relations_of(self.document):
            if _is_between(relation, ids):
                read.append(_relation(relation))
                continue
            counts["relations passed over"] += 1
            if i is None:
                document_relations.append(relation)
            else:
                left[i].setdefault("relations", []).append(relation)
        return read, document_relations

    def _rest(
        self, left: list[dict[str, Any]], document_relations: list[dict[str, Any]]
    ) -> dict[str, Any]:
        """What the record has no place for."""
        rest: dict[str, Any] = {}
        document = bioc.rest_of(self.document, "id", "infons", "passages", "relations")
        document |= bioc.rest_of(
            {
                "infons": _without_stored(self.document.get("infons")),
                "relations": document_relations,
            }
        )
        passages = []
        for i, (passage, start) in enumerate(
            zip(self.document["passages"], self._layout.starts, strict=True)
        ):
            taken = ("offset", "text", "annotations", "relations", "sentences")
            sentences = [
                {
                    key: one
                    for key, one in sentence.items()
                    if key not in ("annotations", "relations")
                }
                for sentence in passage.get("sentences") or ()
            ]
            end = start + len(bioc.text_of_passage(passage, self.unit))
            own = {"start": start, "end": end, **bioc.rest_of(passage, *taken), **left[i]}
            passages.append(own | ({"sentences": sentences} if sentences else {}))
        if passages != [{"start": 0, "end": len(self.text)}]:
            rest[bioc.PASSAGES] = passages
        more = {bioc.DOCUMENT: document, bioc.OFFSET: self._layout.offset}
        return rest | {key: one for key, one in more.items() if one}


def _relation(relation: dict[str, Any]) -> dict[str, Any]:
    infons = dict(relation["infons"])
    stored = _stored(infons)
    head, tail = relation["nodes"]
    row = {"head": head["refid"], "tail": tail["refid"], "label": infons.pop("type")}
    roles = [head.get("role", ""), tail.get("role", "")]
    more = {
        bioc.INFONS: infons,
        bioc.ROLES: roles if any(roles) else [],
        bioc.KEYS: bioc.rest_of(relation, "id", "infons", "nodes"),
    }
    return row | _with_id(relation) | bioc.rest_of(more) | stored


def _is_between(relation: dict[str, Any], ids: Counter[Any]) -> bool:
    """Whether a relation is between two annotations, not between concepts as PubTator's are."""
    infons, nodes = relation.get("infons") or {}, relation.get("nodes")
    if not isinstance(infons.get("type"), str) or not infons["type"] or "role1" in infons:
        return False
    if not isinstance(nodes, list) or len(nodes) != 2:
        return False
    return all(isinstance(node, dict) and _names_one(node.get("refid"), ids) for node in nodes)


def _names_one(refid: Any, ids: Counter[Any]) -> bool:
    return isinstance(refid, (str, int)) and refid != "" and ids[refid] == 1


def _with_id(value: dict[str, Any]) -> dict[str, Any]:
    id = value.get("id")
    return {} if id in (None, "") else {"id": id}


def _stored(infons: dict[str, Any]) -> dict[str, Any]:
    """What was written of a record beside what BioC has; it is taken out of the infons."""
    try:
        stored = json.loads(infons.pop(bioc.RECORD, "{}"))
    except (ValueError, TypeError):
        raise ValueError(
            f"the infon {bioc.RECORD!r} is not as it was written: leave it out."
        ) from None
    return dict(stored)


def _without_stored(infons: dict[str, Any] | None) -> dict[str, Any]:
    return {key: one for key, one in (infons or {}).items() if key != bioc.RECORD}


def _merged(row: dict[str, Any], document: dict[str, Any]) -> dict[str, Any]:
    """A row with what was written of it beside what BioC has."""
    stored = _stored(dict(document.get("infons") or {}))
    apart = {key: stored.pop(key, []) for key in ("spans", "relations")}
    order = stored.pop(bioc.ORDER, None)
    if order and sorted(order) == list(range(len(row.get("spans") or ()))):
        row["spans"] = [row["spans"][i] for i in order]
    meta = stored.pop("meta", {}) | row["meta"]
    known = stored.get("unknown", [])
    unknown = [*known, *(one for one in row.get("unknown", []) if one not in known)]
    merged = row | stored | ({"unknown": unknown} if unknown else {}) | {"meta": meta}
    if apart["spans"] is None:
        return merged | {"spans": None}
    for key, entries in apart.items():
        values = merged.get(key)
        for i, one in entries if values is not None or entries else ():
            values = [] if values is None else values
            values.insert(i, one)
        merged[key] = values
    return merged


def _is_bioc(sample: Sample) -> bool:
    value = sample.value
    if not isinstance(value, dict) or isinstance(value.get("text"), str):
        return False
    documents = next((value[key] for key in DOCUMENTS if isinstance(value.get(key), list)), [value])
    first = documents[0] if documents else {"passages": []}
    return isinstance(first, dict) and isinstance(first.get("passages"), list)


FORMAT = Format((), BioCRecords, write_bioc, recognises=_is_bioc)
