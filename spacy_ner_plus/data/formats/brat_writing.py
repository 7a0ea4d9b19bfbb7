"""Records as a folder for brat: .txt and .ann files, their types, and what has no place there."""

import json
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from itertools import count, pairwise
from pathlib import Path
from typing import Any

from ...records import RelationRecord, SpanRecord, TextRecord
from . import brat_folder as folder
from .brat_lines import (
    NOTES,
    REFERENCE,
    BratLine,
    Fragments,
    fragments_of,
    in_line,
    read_line,
    text_of,
)
from .written import Written

GONE = "lines of brat whose annotations are gone"


@dataclass
class _Types:
    """The types that annotation.conf has."""

    labels: folder.StoredLabels = field(default_factory=folder.StoredLabels)
    entities: dict[str, None] = field(default_factory=dict)
    relations: dict[str, None] = field(default_factory=dict)
    events: dict[str, None] = field(default_factory=dict)
    attributes: dict[str, set[str]] = field(default_factory=dict)


def write_brat(records: Iterable[TextRecord], path: Path) -> Written:
    """Write a .txt file for each text, and a .ann file if anything is known about its entities.

    The labels are in annotation.conf. What brat has no place for is in two files beside: see
    brat_folder.

    path (Path): The folder.
    """
    path.mkdir(parents=True, exist_ok=True)
    names, types, lost = folder.FileNames(), _Types(), Counter[str]()
    n_records = 0
    with (path / folder.DOCUMENTS).open("w", encoding="utf8", newline="\n") as documents:
        for record in records:
            name = names.name_for(record.id)
            text = path / f"{name}.txt"
            text.parent.mkdir(parents=True, exist_ok=True)
            text.write_bytes(record.text.encode("utf8"))
            writing = _Writing(record, types, lost)
            if record.spans is not None:
                content = "".join(f"{line}\n" for line in writing.lines())
                text.with_suffix(".ann").write_bytes(content.encode("utf8"))
            row = {"file": name, "record": writing.stored(name)}
            documents.write(json.dumps(row, ensure_ascii=False, allow_nan=False) + "\n")
            n_records += 1
    _write_types(path, types)
    return Written(n_records, +lost)


def _write_types(path: Path, types: _Types) -> None:
    config = folder.config_of(types.entities, types.relations, types.events, types.attributes)
    (path / folder.CONFIG).write_bytes(config.encode("utf8"))
    if renamed := types.labels.renamed():
        labels = json.dumps(renamed, ensure_ascii=False, indent=1) + "\n"
        (path / folder.LABELS).write_bytes(labels.encode("utf8"))
        shown = "".join(f"{name} | {in_line(label)}\n" for name, label in renamed.items())
        (path / folder.VISUAL).write_bytes(f"[labels]\n\n{shown}\n[drawing]\n".encode())


@dataclass
class _Writing:
    """A record on its way to lines of a .ann file, and to what is stored apart."""

    record: TextRecord
    types: _Types
    lost: Counter[str]
    _spans: list[list[Any]] = field(default_factory=list)
    _relations: list[list[Any]] = field(default_factory=list)
    _line_ids: dict[Any, str] = field(default_factory=dict)  # by the ids of spans
    _taken: set[str] = field(default_factory=set)  # of ids of lines
    _reserved: set[Any] = field(default_factory=set)  # those that lines may have later
    _numbers: dict[str, Iterator[int]] = field(default_factory=dict)  # by letter, the next ones
    _has_lines: bool = False

    def lines(self) -> Iterator[str]:
        """The lines of the .ann file."""
        kept = _kept_lines(self.record)
        self._has_lines = kept is not None
        self._taken = {line.id for line in kept or ()}
        self._reserved = {span.id for span in self.record.spans or ()}
        self._reserved |= {relation.id for relation in self.record.relations}
        for span in self.record.spans or ():
            yield from self._span(span)
        for relation in self.record.relations:
            yield from self._relation(relation)
        yield from self._kept(kept or [])

    def stored(self, name: str) -> dict[str, Any]:
        """What the lines, and the file's name, do not tell of the record."""
        row = self.record.to_json()
        for key in ("text", "spans", "relations"):
            row.pop(key, None)
        row.pop("id", None)
        if self.record.id != name:
            row["id"] = self.record.id
        if self._has_lines:
            row["meta"] = {k: v for k, v in row["meta"].items() if k != folder.LINES}
            if not row["meta"]:
                del row["meta"]
        for key, entries in (("spans", self._spans), ("relations", self._relations)):
            if any(line is None or more for line, _, more in entries):
                row[key] = entries
        return row

    def _line_id(self, kind: str, id: Any) -> str:
        """The id of a record's part, if it may be that of a line; else a new one."""
        is_own = isinstance(id, str) and id[:1] == kind and id[1:].isdecimal() and id.isascii()
        if not is_own or id in self._taken:
            return self._new(kind)
        self._taken.add(id)
        return str(id)

    def _new(self, kind: str) -> str:
        """An id that no line has, nor will have."""
        numbers = self._numbers.setdefault(kind, count(1))
        ids = (f"{kind}{n}" for n in numbers)
        id = next(id for id in ids if id not in self._taken and id not in self._reserved)
        self._taken.add(id)
        return id

    def _span(self, span: SpanRecord) -> Iterator[str]:
        if not span.is_accepted:  # brat, and all else that reads its files, would take it for one
            self._spans.append([None, None, span.to_json()])
            return
        line_id = self._line_id("T", span.id)
        if span.id is not None:
            self._line_ids.setdefault(span.id, line_id)
        label = self.types.labels.stored(span.label)
        self.types.entities[label] = None
        more = span.to_json()
        for key in ("start", "end", "label", "text"):
            more.pop(key, None)
        if more.pop("id", None) != line_id:
            more["id"] = span.id
        fragments = _fragments(self.record.text, span)
        if _is_list_of(more.get(folder.FRAGMENTS), fragments):
            del more[folder.FRAGMENTS]
        offsets = ";".join(f"{start} {end}" for start, end in fragments)
        yield f"{line_id}\t{label} {offsets}\t{text_of(self.record.text, fragments)}"
        yield from self._about(line_id, more)
        self._spans.append([line_id, [label, *(list(one) for one in fragments)], more])

    def _about(self, line_id: str, more: dict[str, Any]) -> Iterator[str]:
        """The lines about an entity; what they say is taken out of the rest."""
        meta = more.get("meta", {})
        kb_id = more.get("kb_id")
        if kb_id and len(kb_id.split()) == 1 and kb_id == kb_id.strip() and kb_id == in_line(kb_id):
            database, _, rest = kb_id.partition(":")
            is_full = database and rest and database != folder.NO_DATABASE
            reference = kb_id if is_full else f"{folder.NO_DATABASE}:{kb_id}"
            name = meta.get(folder.KB_NAME)
            name = str(meta.pop(folder.KB_NAME)) if _is_text(name) else ""
            yield f"{self._new('N')}\t{REFERENCE} {line_id} {reference}\t{name}"
            del more["kb_id"]
        attributes = meta.get(folder.ATTRIBUTES)
        if attributes and isinstance(attributes, dict) and all(map(_is_pair, attributes.items())):
            for name, value in meta.pop(folder.ATTRIBUTES).items():
                values = self.types.attributes.setdefault(name, set())
                values.update([] if value is True else [value])
                value = "" if value is True else f" {value}"
                yield f"{self._new('A')}\t{name} {line_id}{value}"
        notes = meta.get(folder.NOTE_TEXTS)
        if notes and isinstance(notes, list) and all(map(_is_text, notes)):
            for note in meta.pop(folder.NOTE_TEXTS):
                yield f"{self._new('#')}\t{NOTES} {line_id}\t{note}"
        if "meta" in more and not meta:
            del more["meta"]

    def _relation(self, relation: RelationRecord) -> Iterator[str]:
        head, tail = (self._line_ids.get(end) for end in (relation.head, relation.tail))
        if head is None or tail is None:
            self._relations.append([None, None, relation.to_json()])
            return
        line_id = self._line_id("R", relation.id)
        label = self.types.labels.stored(relation.label)
        self.types.relations[label] = None
        more = relation.to_json()
        for key in ("head", "tail", "label"):
            del more[key]
        if more.pop("id", None) != line_id:
            more["id"] = relation.id
        first, second = folder.ARGUMENTS
        if _are_roles(more.get(folder.ROLES)):
            first, second = more.pop(folder.ROLES)
        yield f"{line_id}\t{label} {first}:{head} {second}:{tail}\t"
        self._relations.append([line_id, [label, head, tail], more])

    def _kept(self, lines: list[BratLine]) -> Iterator[str]:
        """Lines that a record has of brat, as far as all that they refer to is there."""
        ids = set(self._line_ids.values()) | {one[0] for one in self._spans + self._relations}
        there = [line for line in lines if line.kind != "T" or _fits(self.record.text, line)]
        while True:
            known = ids | {line.id for line in there}
            left = [line for line in there if known.issuperset(line.targets)]
            if len(left) == len(there):
                break
            there = left
        self.lost[GONE] += len(lines) - len(there)
        for line in there:
            if line.kind == "E":
                self.types.events[line.label] = None
            elif line.kind in "AM":
                values = self.types.attributes.setdefault(line.label, set())
                values.update([line.value] if line.value else [])
            elif line.kind == "T":
                self.types.entities[line.label] = None
            yield line.raw


def _fragments(text: str, span: SpanRecord) -> Fragments:
    """The stretches of an entity: those that brat had, or else as brat would write it."""
    given = span.other.get(folder.FRAGMENTS)
    if isinstance(given, list) and len(given) > 1 and all(map(_is_stretch, given)):
        is_whole = (given[0][0], given[-1][1]) == (span.start, span.end)
        if is_whole and all(one[1] <= other[0] for one, other in pairwise(given)):
            return tuple((start, end) for start, end in given)
    return fragments_of(text, span.start, span.end)


def _is_list_of(given: Any, fragments: Fragments) -> bool:
    return len(fragments) > 1 and given == [list(one) for one in fragments]


def _is_stretch(value: Any) -> bool:
    return (
        isinstance(value, list)
        and len(value) == 2
        and all(type(one) is int for one in value)
        and value[0] < value[1]
    )


def _is_text(value: Any) -> bool:
    """Whether the last column of a line may be a value, and gives it back."""
    return isinstance(value, str) and value != "" and in_line(value).strip() == value


def _is_pair(pair: tuple[str, Any]) -> bool:
    """Whether an attribute may stand in a line."""
    name, value = pair
    is_word = isinstance(value, str) and folder.is_stored(value)
    return folder.is_stored(name) and (value is True or is_word)


def _are_roles(value: Any) -> bool:
    is_two = isinstance(value, list) and len(value) == 2 and value != folder.ARGUMENTS
    return is_two and all(isinstance(one, str) and folder.is_stored(one) for one in value)


def _kept_lines(record: TextRecord) -> list[BratLine] | None:
    """The lines that a record has of brat; None if that is something else."""
    raw_lines = record.meta.get(folder.LINES)
    if not raw_lines or not isinstance(raw_lines, list):
        return None
    try:
        lines = [read_line(raw) for raw in raw_lines]
    except (ValueError, TypeError, AttributeError):
        return None
    if any("\n" in raw or raw != raw.rstrip("\r") for raw in raw_lines):
        return None
    return lines


def _fits(text: str, line: BratLine) -> bool:
    """Whether a text has what a line says that it covers."""
    within = line.fragments[-1][1] <= len(text)
    return within and (line.text is None or text_of(text, line.fragments) == in_line(line.text))
