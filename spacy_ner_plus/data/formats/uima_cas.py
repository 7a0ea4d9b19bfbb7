"""UIMA CAS as records, as INCEpTION and DKPro write them: XMI with a type system, and JSON.

A .zip file or a folder has a CAS for each text. The package dkpro-cassis reads them; it counts
offsets in characters, the files in UTF-16 units.
"""

import json
import warnings
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import lru_cache
from io import BytesIO
from pathlib import Path, PurePosixPath
from typing import Any
from zipfile import BadZipFile, ZipFile, is_zipfile

from ...support.extras import require
from . import uima_layers as layers
from .form import Format, Sample
from .tool_records import ToolRecords
from .uima_writing import write_uima

_SUFFIXES = (".xmi", ".json", ".zip")


@dataclass
class _Cas:
    """A file with a CAS. type_system: The content of that beside it, which XMI needs."""

    name: str
    content: bytes
    type_system: bytes | None


@dataclass
class UimaRecords(ToolRecords):
    """The texts of a .xmi, .json or .zip file, or of a folder with such.

    If no text has an annotation of the layer, nothing is known about their entities.

    layer, feature (str): The type of annotations that are entities, and its feature with the label.
    type_system (Path): The type system of XMI files; None for TypeSystem.xml beside them.
    """

    layer: str = field(default=layers.NAMED_ENTITY, kw_only=True)
    feature: str = field(default=layers.VALUE, kw_only=True)
    type_system: Path | None = field(default=None, kw_only=True)
    _is_annotated: bool = field(default=True, init=False, repr=False)

    def entries(self) -> Iterator[tuple[str, _Cas]]:
        """See ToolRecords.entries."""
        require("cassis", "uima")
        given = Path(self.type_system).read_bytes() if self.type_system else None
        self._is_annotated = any(self._has_layer(cas) for _, cas in _files(self.path, given))
        yield from _files(self.path, given)

    def _has_layer(self, entry: _Cas) -> bool:
        try:
            cas = _load(entry)
            return any(_all(cas, layers.RECORD)) or any(_all(cas, self.layer))
        except ValueError:  # which is told when it is read
            return False

    def row(self, entry: _Cas, counts: Counter[str]) -> dict[str, Any]:
        """See ToolRecords.row."""
        cas = _load(entry)
        row: dict[str, Any] = {"id": entry.name, "text": cas.sofa_string or ""}
        if names := [one.documentTitle for one in _all(cas, layers.METADATA) if one.documentTitle]:
            row["id"] = names[0]
        if n_views := len(list(cas.views)) - 1:
            counts["further views passed over"] += n_views
        row |= _tokens(cas, row["text"], counts)
        if not self._is_annotated:
            counts["texts in files without the layer, about which nothing is known"] += 1
            return row
        spans, unknown = self._spans(cas, counts)
        relations = list(_relations(cas, spans, counts))
        if unknown:
            row["unknown"] = unknown
        found = {"spans": list(spans.values()), "relations": relations}
        return _merged(row | found, _stored(cas))

    def _spans(
        self, cas: Any, counts: Counter[str]
    ) -> tuple[dict[int, dict[str, Any]], list[list[int]]]:
        """The entities, by the ids that they have in the file, and where some have no label."""
        spans: dict[int, dict[str, Any]] = {}
        unknown = []
        self._check_layer(cas)
        for one in _all(cas, self.layer):
            features = dict(layers.features_of(one))
            label = features.pop(self.feature, None)
            if one.begin == one.end:
                counts["annotations of no characters passed over"] += 1
            elif not isinstance(label, str) or not label:
                counts["annotations without a label passed over"] += 1
                unknown.append([one.begin, one.end])
            else:
                span: dict[str, Any] = {"start": one.begin, "end": one.end, "label": label}
                kb_id = features.pop(layers.IDENTIFIER, None)
                span |= {"kb_id": kb_id} if kb_id is not None else {}
                span |= {"meta": {layers.FEATURES: features}} if features else {}
                spans[one.xmiID] = span
        for name in _layers(cas):
            if name != self.layer:
                counts[f"annotations of {name} passed over"] += len(_all(cas, name))
        return spans, unknown

    def _check_layer(self, cas: Any) -> None:
        """RAISES (ValueError): There is no such layer or feature, and others are there."""
        if not cas.typesystem.contains_type(self.layer):
            if others := list(_layers(cas)):
                raise ValueError(
                    f"there is no layer {self.layer}, but {', '.join(others)}: name one, layer."
                )
            return
        names = [one.name for one in cas.typesystem.get_type(self.layer).all_features]
        if self.feature not in names:
            raise ValueError(
                f"the layer {self.layer} has no feature {self.feature!r}, but "
                f"{', '.join(name for name in names if name not in ('sofa', 'begin', 'end'))}: "
                "name the one with the label, feature."
            )


def _all(cas: Any, layer: str) -> list[Any]:
    return list(cas.select(layer)) if cas.typesystem.contains_type(layer) else []


def _layers(cas: Any) -> Iterator[str]:
    """The other layers that may have entities, and have annotations."""
    known = (layers.TOKEN, layers.SENTENCE, layers.DOCUMENT_ANNOTATION)
    types = {one.type.name: one.type for one in cas.select_all_annotations()}
    for name, type in types.items():
        if name not in known and layers.is_span_layer(name, type):
            yield name


def _tokens(cas: Any, text: str, counts: Counter[str]) -> dict[str, Any]:
    """The tokens, if they hold all but white space and don't overlap."""
    found = sorted((one.begin, one.end) for one in _all(cas, layers.TOKEN) if one.begin < one.end)
    if not found:
        return {}
    before, is_sound = 0, True
    for start, end in [*found, (len(text), len(text))]:
        is_sound = is_sound and start >= before and not text[before:start].strip()
        before = end
    if not is_sound:
        counts["tokens passed over, for they overlap or leave characters out"] += len(found)
        return {}
    starts = {one.begin for one in _all(cas, layers.SENTENCE)}
    more = [{"sentence_start": start in starts} if starts else {} for start, _ in found]
    ends = [{"start": start, "end": end} for start, end in found]
    return {"tokens": [one | other for one, other in zip(ends, more, strict=True)]}


def _relations(
    cas: Any, spans: dict[int, dict[str, Any]], counts: Counter[str]
) -> Iterator[dict[str, Any]]:
    """Those between two entities, which get the ids that they have in the file."""
    for one in cas.select_all_annotations():
        names = {feature.name for feature in one.type.all_features}
        if not {layers.GOVERNOR, layers.DEPENDENT} <= names:
            continue
        ends = [getattr(one[name], "xmiID", None) for name in (layers.GOVERNOR, layers.DEPENDENT)]
        labels = [v for _, v in layers.features_of(one) if isinstance(v, str) and v]
        found = [spans[end] for end in ends if end in spans]
        if len(labels) != 1 or len(found) != 2:
            counts[f"relations of {one.type.name} passed over"] += 1
            continue
        for span, end in zip(found, ends, strict=True):
            span["id"] = end
        yield {"head": ends[0], "tail": ends[1], "label": labels[0]}


def _stored(cas: Any) -> dict[str, Any]:
    """What was written of a record beside what a CAS has."""
    for one in _all(cas, layers.RECORD):
        try:
            return dict(json.loads(one.json))
        except (ValueError, TypeError):
            raise ValueError(
                f"the annotation of {layers.RECORD} is not as it was written: take it out."
            ) from None
    return {}


def _merged(row: dict[str, Any], stored: dict[str, Any]) -> dict[str, Any]:
    """A row with what was stored of it, as far as nobody has changed it since."""
    spans, relations = stored.pop("spans", []), stored.pop("relations", [])
    known = stored.get("unknown", [])
    unknown = [*known, *(one for one in row.get("unknown", []) if one not in known)]
    merged = row | stored | ({"unknown": unknown} if unknown else {})
    if spans is None:
        return merged | {"spans": None, "relations": []}
    ids: dict[Any, Any] = {}
    merged["spans"] = list(_in_order(row["spans"], spans, layers.key_of_span, ids))
    for one in row["relations"]:
        one |= {side: ids.get(one[side], one[side]) for side in ("head", "tail")}
    merged["relations"] = list(_in_order(row["relations"], relations, layers.key_of_relation, {}))
    there = {span.get("id") for span in merged["spans"]}
    merged["relations"] = [r for r in merged["relations"] if {r["head"], r["tail"]} <= there]
    return merged


def _in_order(
    read: list[dict[str, Any]], stored: list[Any], key_of: Any, ids: dict[Any, Any]
) -> Iterator[dict[str, Any]]:
    """What was read in the order in which it was written, and what is new."""
    left: dict[str, list[dict[str, Any]]] = {}
    for one in read:
        left.setdefault(key_of(one), []).append(one)
    for key, more in stored:
        if key is None:
            yield more
        elif ones := left.get(key):
            one = ones.pop(0)
            meta = more.get("meta", {}) | one.get("meta", {})
            # an entity that had no id has that of the file, where relations were added to it
            id = one.get("id") if more.get("id") is None else more["id"]
            ids[one.get("id")] = id
            yield one | more | {"id": id} | ({"meta": meta} if meta else {})
    yield from (one for one in read if any(one is other for other in left[key_of(one)]))


def _load(entry: _Cas) -> Any:
    """RAISES (ValueError): It is no CAS, or has offsets that don't fit."""
    cassis = require("cassis", "uima")
    is_json = entry.content.lstrip(b"\xef\xbb\xbf \t\r\n").startswith(b"{")
    if not is_json and entry.type_system is None:
        raise ValueError(
            f"there is no {layers.TYPE_SYSTEM} beside it, without which XMI can't be read: put it "
            "there, or name one, type_system."
        )
    try:
        with warnings.catch_warnings():
            # cassis only warns of offsets that are within a character or beyond the text
            warnings.filterwarnings("error", message="Not mapping")
            if is_json:
                return cassis.load_cas_from_json(BytesIO(entry.content))
            types = _types(entry.type_system or b"")
            return cassis.load_cas_from_xmi(BytesIO(entry.content), typesystem=types)
    except Exception as error:  # whatever lxml, json and cassis raise of files that are none
        kind = type(error).__name__
        raise ValueError(f"it can't be read as a CAS ({kind}): {str(error)[:200]}") from error


@lru_cache(maxsize=2)  # one for most texts
def _types(content: bytes) -> Any:
    return require("cassis", "uima").load_typesystem(BytesIO(content))


def _files(path: Path, type_system: bytes | None) -> Iterator[tuple[str, _Cas]]:
    """The CAS files at a path, with where each is."""
    if path.is_dir():
        for file in sorted(one for one in path.rglob("*") if one.suffix.lower() in _SUFFIXES):
            name = file.relative_to(path).as_posix()
            yield from _files_of(str(file), name, file.read_bytes(), type_system or _beside(file))
    else:
        content = path.read_bytes()
        yield from _files_of(str(path), path.name, content, type_system or _beside(path))


def _beside(file: Path) -> bytes | None:
    beside = file.with_name(layers.TYPE_SYSTEM)
    return beside.read_bytes() if beside.is_file() else None


def _files_of(
    where: str, name: str, content: bytes, type_system: bytes | None
) -> Iterator[tuple[str, _Cas]]:
    stem = str(PurePosixPath(name).with_suffix(""))
    if not content.startswith(b"PK\x03\x04") and not content.startswith(b"PK\x05\x06"):
        yield where, _Cas(stem, content, type_system)
        return
    try:
        with ZipFile(BytesIO(content)) as archive:
            members = [one for one in archive.namelist() if one.lower().endswith(_SUFFIXES)]
            for member in members:
                beside = str(PurePosixPath(member).with_name(layers.TYPE_SYSTEM))
                own = archive.read(beside) if beside in archive.namelist() else type_system
                # in INCEpTION's export an archive is a document, and the file in it an annotator
                inner = f"{stem}/{member}" if len(members) > 1 or "/" in name else member
                yield from _files_of(f"{where}/{member}", inner, archive.read(member), own)
    except BadZipFile as error:
        raise ValueError(f"{where} can't be unpacked: {error}") from None


def _is_uima(sample: Sample) -> bool:
    if sample.names:
        return any(name.lower().endswith(".xmi") for name in sample.names)
    if sample.path.suffix.lower() == ".zip" and sample.path.is_file() and is_zipfile(sample.path):
        with ZipFile(sample.path) as archive:
            names = [PurePosixPath(one) for one in archive.namelist()]
        return any(one.name == layers.TYPE_SYSTEM or one.suffix == ".xmi" for one in names)
    return isinstance(sample.value, dict) and "%FEATURE_STRUCTURES" in sample.value


FORMAT = Format((".xmi",), UimaRecords, write_uima, recognises=_is_uima)
