"""Records as UIMA CAS, for INCEpTION: a .zip file with a CAS for each text, and a type system."""

import json
import re
from collections import Counter
from collections.abc import Iterable
from itertools import islice, pairwise
from keyword import iskeyword
from pathlib import Path
from typing import Any
from zipfile import ZIP_DEFLATED, ZipFile, ZipInfo

from ...records import RelationRecord, SpanRecord, TextRecord
from ...support.extras import require
from . import uima_layers as layers
from .brat_folder import FileNames
from .written import Written

XMI, JSON = KINDS = ("xmi", "json")
# What XML 1.0 can't hold.
_NO_XML = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
_SPAN_KEYS = ("start", "end", "label", "text", "kb_id")


def write_uima(
    records: Iterable[TextRecord],
    path: Path,
    *,
    cas: str = XMI,
    layer: str = layers.NAMED_ENTITY,
    feature: str = layers.VALUE,
) -> Written:
    """Write a .zip file with a CAS for each text. To a .json file, the CAS of the only text.

    cas (str): "xmi", or "json", which holds characters that XML has not.
    layer, feature (str): As in UimaRecords.
    RAISES (ValueError): A record that can't be held, and why.
    """
    if cas not in KINDS:
        raise ValueError(f"cas must be one of {', '.join(KINDS)}, got {cas!r}.")
    suffix = Path(path.name.removesuffix(".unfinished")).suffix.lower()
    if suffix == ".xmi":
        raise ValueError(
            f"{path}: XMI needs its type system in a file beside: write a .zip file, or .json."
        )
    types = _Types(layer, feature)
    if suffix == ".json":
        texts = list(islice(records, 2))
        if len(texts) != 1:
            raise ValueError("a CAS is one text: write a .zip file of any number of texts.")
        path.write_text(_checked(types, texts[0], 1, JSON), encoding="utf8")
        return Written(1, Counter())
    n_records, names = 0, FileNames()
    with ZipFile(path, "w", ZIP_DEFLATED) as archive:
        for n_records, record in enumerate(records, start=1):
            name = names.name_for(record.id)
            content = _checked(types, record, n_records, cas)
            archive.writestr(_member(f"{name}.{cas}"), content)
        archive.writestr(_member(layers.TYPE_SYSTEM), types.system.to_xml())
    return Written(n_records, Counter())


def _member(name: str) -> ZipInfo:
    """A file of an archive, with no time in it: the same records make the same bytes."""
    info = ZipInfo(name)
    info.compress_type = ZIP_DEFLATED
    return info


def _checked(types: "_Types", record: TextRecord, number: int, kind: str) -> str:
    try:
        return types.write(record, kind)
    except ValueError as error:
        id = "" if record.id is None else f" ({record.id!r})"
        raise ValueError(f"record {number}{id}: {error}") from None


class _Types:
    """A type system with what records need, which grows with them."""

    def __init__(self, layer: str, feature: str) -> None:
        self.cassis = require("cassis", "uima")
        self.system = self.cassis.TypeSystem()
        self.layer, self.feature = layer, feature
        self.ranges = {feature: layers.RANGES[str], layers.IDENTIFIER: layers.RANGES[str]}
        self.span = self._type(layer, feature, layers.IDENTIFIER)
        self.token = self._type(layers.TOKEN)
        self.sentence = self._type(layers.SENTENCE)
        self.relation = self._type(layers.RELATION, layers.LABEL)
        for name in (layers.GOVERNOR, layers.DEPENDENT):
            self.system.create_feature(self.relation, name, "uima.tcas.Annotation")
        self.metadata = self._type(layers.METADATA, "documentTitle", "documentId")
        self.record = self._type(layers.RECORD, layers.JSON)

    def _type(self, name: str, *features: str) -> Any:
        created = self.system.create_type(name)
        for feature in features:
            self.system.create_feature(created, feature, layers.RANGES[str])
        return created

    def write(self, record: TextRecord, kind: str) -> str:
        """A record as a CAS."""
        cas = self.cassis.Cas(typesystem=self.system)
        cas.sofa_string, cas.sofa_mime = record.text, "text/plain"
        n = len(record.text)
        title = record.id if isinstance(record.id, str) and record.id else None
        cas.add(self.metadata(begin=0, end=n, documentTitle=title, documentId=title))
        starts = [one.start for one in record.tokens or () if one.sentence_start]
        for start, end in pairwise([*starts, n]):
            cas.add(self.sentence(begin=start, end=end))
        cas.add_all(self.token(begin=one.start, end=one.end) for one in record.tokens or ())
        by_id: dict[Any, Any] = {}
        spans = [self._span(cas, span, by_id) for span in record.spans or ()]
        relations = [self._relation(cas, one, by_id) for one in record.relations]
        row = self._stored(record, title, starts) | {"spans": spans, "relations": relations}
        if record.spans is None:
            row["spans"] = None
        cas.add(self.record(begin=0, end=0, json=json.dumps(row, allow_nan=False)))
        if kind == JSON:
            return str(cas.to_json())
        _check_xml(record, spans)
        return str(cas.to_xmi())

    def _span(self, cas: Any, span: SpanRecord, by_id: dict[Any, Any]) -> list[Any]:
        """Add an entity; what is stored of it beside."""
        row = span.to_json()
        if not span.is_accepted:  # to all that read a CAS, an annotation is an entity
            return [None, row]
        key = layers.key_of_span(row | {"meta": {}})
        features = row.get("meta", {}).get(layers.FEATURES)
        if self._takes(features):
            key = layers.key_of_span(row)
            del row["meta"][layers.FEATURES]
            if not row["meta"]:
                del row["meta"]
        else:
            features = {}
        values = {self.feature: span.label, layers.IDENTIFIER: span.kb_id, **features}
        annotation = self.span(begin=span.start, end=span.end, **values)
        cas.add(annotation)
        if span.id is not None:
            by_id[span.id] = annotation
        more = {name: value for name, value in row.items() if name not in _SPAN_KEYS}
        return [key, more | ({"id": None} if span.id is None else {})]

    def _takes(self, features: Any) -> bool:
        """Whether all features can be of the layer; if so, they are from now on."""
        if not isinstance(features, dict) or not features:
            return False
        taken = (self.feature, layers.IDENTIFIER, "begin", "end", "sofa", "type", "xmiID")
        for name, value in features.items():
            range = layers.RANGES.get(type(value))
            is_name = re.fullmatch("[A-Za-z][A-Za-z0-9]*", name) and not iskeyword(name)
            is_whole = type(value) is not int or -(2**31) <= value < 2**31
            is_sound = range and is_name and is_whole and name not in taken
            if not is_sound or self.ranges.get(name, range) != range:
                return False
        for name, value in features.items():
            if name not in self.ranges:
                self.ranges[name] = layers.RANGES[type(value)]
                self.system.create_feature(self.span, name, self.ranges[name])
        return True

    def _relation(self, cas: Any, relation: RelationRecord, by_id: dict[Any, Any]) -> list[Any]:
        row = relation.to_json()
        head, tail = by_id.get(relation.head), by_id.get(relation.tail)
        if head is None or tail is None:
            return [None, row]
        ends = {layers.GOVERNOR: head, layers.DEPENDENT: tail, layers.LABEL: relation.label}
        # as INCEpTION has them, a relation is where it points to
        cas.add(self.relation(begin=tail.begin, end=tail.end, **ends))
        key = layers.key_of_relation(row)
        return [key, {k: v for k, v in row.items() if k not in ("head", "tail", "label")}]

    def _stored(self, record: TextRecord, title: str | None, starts: list[int]) -> dict[str, Any]:
        """What the CAS does not tell of the record."""
        row = record.to_json()
        for key in ("text", "spans", "relations"):
            row.pop(key, None)
        if title is not None:
            del row["id"]
        else:
            row["id"] = record.id
        tokens = [
            {"start": one.start, "end": one.end}
            | ({"sentence_start": one.start in starts} if starts else {})
            for one in record.tokens or ()
        ]
        if record.tokens and row["tokens"] == tokens:
            del row["tokens"]
        return row


def _check_xml(record: TextRecord, spans: list[list[Any]]) -> None:
    """RAISES (ValueError): There are characters that XML can't hold."""
    values = [record.text, record.id if isinstance(record.id, str) else ""]
    values += [span.label for span in record.spans or ()]
    values += [span.kb_id or "" for span in record.spans or ()]
    values += [relation.label for relation in record.relations]
    values += [json.dumps(key, ensure_ascii=False) for key, _ in spans]
    for value in values:
        if found := _NO_XML.search(value):
            raise ValueError(
                f"U+{ord(found[0]):04X} in {value[:60]!r} can't be held by XML: write cas='json', "
                "or take it out."
            )
