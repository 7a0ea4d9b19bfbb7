"""Records as a BioC JSON collection, a document each.

What BioC has no place for is, as JSON, in the infon RECORD of a document, annotation or relation.
Offsets count characters.
"""

import json
from collections import Counter
from collections.abc import Iterable
from itertools import pairwise
from pathlib import Path
from typing import Any

from ...records import RelationRecord, SpanRecord, TextRecord
from . import bioc_passages as bioc
from .written import Written

_COLLECTION = {"source": "", "date": "", "key": "", "infons": {}}


def write_bioc(
    records: Iterable[TextRecord],
    path: Path,
    *,
    label_key: str = "type",
    kb_key: str = "identifier",
) -> Written:
    """Write one collection, with a document a line.

    label_key, kb_key (str): As in BioCRecords.
    """
    lost = Counter[str]()
    n_records, collection = 0, None
    with path.open("w", encoding="utf8", newline="\n") as file:
        for record in records:
            rest = record.meta.get(bioc.BIOC)
            said = rest.get(bioc.COLLECTION) if isinstance(rest, dict) else None
            said = said if isinstance(said, dict) else {}
            if collection is None:
                collection = said
                head = {k: v for k, v in (_COLLECTION | said).items() if k != "documents"}
                file.write(f'{_json(head)[:-1]}, "documents": [')
            lost["sources of further collections"] += said != collection
            writing = _Writing(record, label_key, kb_key)
            file.write(",\n" if n_records else "\n")
            file.write(_json(writing.document()))
            n_records += 1
        if not n_records:
            file.write(f'{_json(_COLLECTION)[:-1]}, "documents": [')
        file.write("\n]}\n")
    return Written(n_records, +lost)


def _json(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False, allow_nan=False)


class _Writing:
    """A record on its way to a document."""

    def __init__(self, record: TextRecord, label_key: str, kb_key: str) -> None:
        self.record = record
        self.label_key, self.kb_key = label_key, kb_key
        self.meta = dict(record.meta)
        rest = self.meta.get(bioc.BIOC)
        self.rest: dict[str, Any] = {}
        if _is_rest(rest, record.text):
            self.rest = self.meta.pop(bioc.BIOC)
        self.apart: dict[str, list[Any]] = {"spans": [], "relations": []}

    def document(self) -> dict[str, Any]:
        """The document as JSON data."""
        document = dict(self.rest.get(bioc.DOCUMENT, {}))
        given = self.rest.get(bioc.PASSAGES) or [{"start": 0, "end": len(self.record.text)}]
        offset = self.rest.get(bioc.OFFSET, 0)
        passages = [self._passage(passage, offset) for passage in given]
        written, order = set(), list[int]()
        for i, span in enumerate(self.record.spans or ()):
            if span.is_accepted:
                order.append(_passage_of(span, given))
                passages[order[-1]]["annotations"].append(self._annotation(span, offset))
                written.add(_plain_id(span.id))
            else:  # to all that read BioC, an annotation is an entity
                self.apart["spans"].append([i, span.to_json()])
        relations = []
        for i, relation in enumerate(self.record.relations):
            if {relation.head, relation.tail} <= written - {None}:
                relations.append(self._relation(relation))
            else:
                self.apart["relations"].append([i, relation.to_json()])
        infons = dict(document.get("infons", {}))
        stored = self._stored()
        if order != sorted(order):
            places = sorted(range(len(order)), key=lambda i: order[i])
            stored[bioc.ORDER] = [places.index(i) for i in range(len(order))]
        if stored or not order:  # without, it might be a text that nobody has looked at
            infons[bioc.RECORD] = _json(stored)
        id = self.record.id if isinstance(self.record.id, str) else str(self.record.id or "")
        more = {"passages": passages, "relations": relations + document.get("relations", [])}
        return {"id": id, **document, "infons": infons, **more}

    def _passage(self, given: dict[str, Any], offset: int) -> dict[str, Any]:
        start, end = given["start"], given["end"]
        rest = {key: one for key, one in given.items() if key not in ("start", "end")}
        own = {"offset": offset + start, "text": self.record.text[start:end]}
        annotations = list(rest.pop("annotations", []))
        relations = rest.pop("relations", [])
        more = {"annotations": annotations, "relations": relations}
        return {"infons": {}, "sentences": []} | rest | own | more

    def _annotation(self, span: SpanRecord, offset: int) -> dict[str, Any]:
        row = span.to_json()
        for key in ("start", "end", "label", "text", "id", "kb_id"):
            row.pop(key, None)
        places = [[span.start, span.end]]
        if _are_places(row.get(bioc.LOCATIONS), span):
            places = row.pop(bioc.LOCATIONS)
        own = {self.label_key: span.label}
        has_kb_id = span.kb_id is not None
        infons, keys = self._taken(row, own, "text", "locations", has_kb_id=has_kb_id)
        if span.kb_id is not None:
            infons[self.kb_key] = span.kb_id
        if (id := _plain_id(span.id)) is None and span.id is not None:
            row["id"] = span.id
        infons |= {bioc.RECORD: _json(row)} if row else {}
        text = " ".join(self.record.text[start:end] for start, end in places)
        locations = [{"offset": offset + s, "length": e - s} for s, e in places]
        told = {"id": "" if id is None else id, "infons": infons, "text": text}
        return {**keys, **told, "locations": locations}

    def _relation(self, relation: RelationRecord) -> dict[str, Any]:
        row = relation.to_json()
        for key in ("head", "tail", "label", "id"):
            row.pop(key, None)
        roles = row.get(bioc.ROLES)
        if isinstance(roles, list) and len(roles) == 2 and any(roles) and all(map(_is_text, roles)):
            del row[bioc.ROLES]
        else:
            roles = ["", ""]
        infons, keys = self._taken(row, {"type": relation.label}, "nodes")
        if (id := _plain_id(relation.id)) is None and relation.id is not None:
            row["id"] = relation.id
        infons |= {bioc.RECORD: _json(row)} if row else {}
        ends = zip((relation.head, relation.tail), roles, strict=True)
        nodes = [{"refid": end, "role": role} for end, role in ends]
        return {**keys, "id": "" if id is None else id, "infons": infons, "nodes": nodes}

    def _taken(
        self, row: dict[str, Any], own: dict[str, Any], *used: str, has_kb_id: bool = False
    ) -> tuple[dict[str, Any], dict[str, Any]]:
        """The infons and the further keys of a row, if they can stand where they did."""
        infons = dict(own)
        given, keys = row.get(bioc.INFONS), row.get(bioc.KEYS)
        taken = {*own, bioc.RECORD, "role1", self.kb_key}
        is_null_id = isinstance(given, dict) and given.get(self.kb_key, "") is None
        taken -= {self.kb_key} if is_null_id and not has_kb_id else set()
        if isinstance(given, dict) and given and not taken & given.keys():
            infons |= row.pop(bioc.INFONS)
        if not isinstance(keys, dict) or not keys or {"id", "infons", *used} & keys.keys():
            return infons, {}
        if bioc.rest_of(keys) != keys:
            return infons, {}
        return infons, row.pop(bioc.KEYS)

    def _stored(self) -> dict[str, Any]:
        """What the document does not tell of the record."""
        row = self.record.to_json()
        for key in ("text", "spans", "relations"):
            row.pop(key, None)
        row.pop("meta", None)
        if isinstance(row.get("id"), str) and row["id"]:
            del row["id"]
        else:
            row["id"] = self.record.id
        if self.meta:
            row["meta"] = self.meta
        if self.record.spans is None:
            row["spans"] = None
        row |= {key: entries for key, entries in self.apart.items() if entries}
        return row


def _passage_of(span: SpanRecord, passages: list[dict[str, Any]]) -> int:
    """The last passage that begins before a span does."""
    starts = (i for i, one in enumerate(passages) if one["start"] <= span.start)
    return max(starts, default=0)


def _plain_id(id: Any) -> Any:
    """An id as BioC may have it; None if it has none."""
    return id if id != "" and id is not None else None


def _is_text(value: Any) -> bool:
    return isinstance(value, str)


def _are_places(value: Any, span: SpanRecord) -> bool:
    """Whether stretches are those of a span, in their order."""
    if not isinstance(value, list) or len(value) < 2:
        return False
    if not all(isinstance(one, list) and [type(x) for x in one] == [int, int] for one in value):
        return False
    is_whole = (value[0][0], value[-1][1]) == (span.start, span.end)
    is_sound = all(start < end for start, end in value) and value == sorted(value)
    return is_whole and is_sound and max(end for _, end in value) == span.end


def _is_rest(rest: Any, text: str) -> bool:
    """Whether a document can say what is under BIOC again, as it stands there."""
    if not isinstance(rest, dict) or not rest:
        return False
    known = {bioc.PASSAGES, bioc.DOCUMENT, bioc.COLLECTION, bioc.OFFSET}
    if not rest.keys() <= known or type(rest.get(bioc.OFFSET, 0)) is not int:
        return False
    if not all(isinstance(rest.get(key, {}), dict) for key in (bioc.DOCUMENT, bioc.COLLECTION)):
        return False
    passages = rest.get(bioc.PASSAGES, [{"start": 0, "end": len(text)}])
    if not isinstance(passages, list) or not passages:
        return False
    for one in passages:
        if not isinstance(one, dict) or not all(type(one.get(x)) is int for x in ("start", "end")):
            return False
    ends = [(one["start"], one["end"]) for one in passages]
    edges = [(0, 0), *ends, (len(text), len(text))]
    gaps = [(one[1], other[0]) for one, other in pairwise(edges)]
    is_sound = all(start <= end for start, end in (*ends, *gaps))
    is_whole = ends[0][0] == 0 and ends[-1][1] == len(text)
    return is_sound and is_whole and all(not text[s:e].strip(" ") for s, e in gaps)
