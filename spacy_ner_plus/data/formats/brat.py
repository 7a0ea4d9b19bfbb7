"""brat's folders of .txt and .ann files, as records.

An entity's id is that of its line (T1). What refers to it goes to its `kb_id`, and to `attributes`,
`notes` and `kb_name` of its meta. Lines that have no place in a record (events with their triggers,
equivalences, what refers to such) are counted, and kept as they are in `brat` of the record's meta,
from where they are written again.
"""

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from itertools import islice
from pathlib import Path
from typing import Any

from ..sources.raw_files import HEAD, check_head
from . import brat_folder as folder
from .brat_lines import (
    KINDS,
    NOTES,
    REFERENCE,
    Annotations,
    BratLine,
    Fragments,
    fragments_of,
    in_line,
    is_joined,
    read_annotations,
    text_of,
)
from .brat_merging import check_of, merged
from .brat_writing import write_brat
from .form import Format, Sample
from .offset_units import CHARACTERS, from_characters, in_characters
from .tool_records import ToolRecords

TEXT, ANNOTATION = ".txt", ".ann"
REFUSE, COVER, SPLIT = DISCONTINUOUS = ("refuse", "cover", "split")


@dataclass
class _Document:
    """id: Of the text, if DOCUMENTS does not tell another. stored: What DOCUMENTS tells of it."""

    id: str
    file: Path
    annotation: Path | None
    labels: dict[str, str]
    stored: dict[str, Any]


@dataclass
class BratRecords(ToolRecords):
    """The texts of a folder and all that are in it, or one .txt or .ann file.

    Without a .ann file nothing is known about a text; with an empty one it has no entities.

    path (Path): The folder or file.
    discontinuous (str): An entity of several stretches: "refuse" it, so that it is counted and its
        characters are unknown; "cover" it from its first character to its last; or "split" it, to
        an entity each.
    triggers (bool): Take the triggers of events for entities.
    """

    discontinuous: str = field(default=REFUSE, kw_only=True)
    triggers: bool = field(default=False, kw_only=True)

    def __post_init__(self) -> None:
        if self.discontinuous not in DISCONTINUOUS:
            raise ValueError(
                f"discontinuous must be one of {', '.join(DISCONTINUOUS)}, got "
                f"{self.discontinuous!r}."
            )

    def entries(self) -> Iterator[tuple[str, _Document]]:
        """The texts in the order of DOCUMENTS, and then of their names."""
        base = self.path if self.path.is_dir() else self.path.parent
        root = folder.find_root(base)
        stored = folder.read_documents(root) if root else {}
        labels = folder.read_labels(root) if root else {}
        prefix = base.resolve().relative_to(root).as_posix() + "/" if root else ""
        prefix = prefix.removeprefix("./")
        named = {file.relative_to(base).with_suffix("").as_posix(): file for file in self._files()}
        places = {name: i for i, name in enumerate(stored)}
        if not prefix and self.path.is_dir() and (n_gone := len(places.keys() - named.keys())):
            self.counts["texts that are no longer there"] += n_gone
        for id in sorted(named, key=lambda id: (places.get(prefix + id, len(places)), id)):
            annotation = named[id].with_suffix(ANNOTATION)
            is_annotated = annotation.is_file()
            yield (
                str(annotation if is_annotated else named[id]),
                _Document(
                    id,
                    named[id],
                    annotation if is_annotated else None,
                    labels,
                    stored.get(prefix + id, {}),
                ),
            )

    def _files(self) -> list[Path]:
        """The .txt files. RAISES (ValueError): A .ann file has none."""
        is_folder = self.path.is_dir()
        alone = self.path.rglob(f"*{ANNOTATION}") if is_folder else [self.path]
        if gone := [one for one in sorted(alone) if not one.with_suffix(TEXT).is_file()]:
            raise ValueError(
                f"{', '.join(map(str, gone[:3]))}{', ...' * (len(gone) > 3)}: there is no {TEXT} "
                "file of the same name beside it, which has the text."
            )
        files = self.path.rglob(f"*{TEXT}") if is_folder else [self.path.with_suffix(TEXT)]
        return [file for file in files if file.is_file()]

    def row(self, entry: _Document, counts: Counter[str]) -> dict[str, Any]:
        """See ToolRecords.row."""
        row: dict[str, Any] = {"id": entry.id, "text": _decoded(entry.file)}
        if entry.annotation is None:
            counts[f"texts without {ANNOTATION}, about which nothing is known"] += 1
            return merged(row, entry.stored, {})
        unit = self.offsets or CHARACTERS
        found = read_annotations(_decoded(entry.annotation).removeprefix("\ufeff"))
        reading = _Reading(
            row["text"], entry.labels, found, unit, self.discontinuous, self.triggers, counts
        )
        row |= reading.row()
        return from_characters(merged(row, entry.stored, reading.checks()), unit)


@dataclass
class _Reading:
    """What a .ann file says, on the way to a row."""

    text: str
    labels: dict[str, str]
    found: Annotations
    unit: str
    discontinuous: str
    triggers: bool
    counts: Counter[str]
    spans: list[dict[str, Any]] = field(default_factory=list)
    relations: list[dict[str, Any]] = field(default_factory=list)
    unknown: list[list[int]] = field(default_factory=list)
    _by_id: dict[str, dict[str, Any]] = field(default_factory=dict)
    _kept: set[str] = field(default_factory=set)  # ids of lines

    def row(self) -> dict[str, Any]:
        """Spans, relations, and in meta the lines that have no place there."""
        events = list(self.found.of_kind("E"))
        triggers = {line.targets[0] for line in events} if not self.triggers else set()
        for line in self._in_characters():
            if line.id in triggers:
                self.counts["event triggers passed over"] += 1
            else:
                self._read_text_bound(line)
        for line in self.found.lines:
            if self._is_read(line):
                self._kept.add(line.id)
            elif line.kind != "T":
                self.counts[f"{KINDS.get(line.kind, 'lines of other kinds')} passed over"] += 1
        row: dict[str, Any] = {"spans": self.spans}
        if lines := [line.raw for line in self.found.lines if line.id not in self._kept]:
            row["meta"] = {folder.LINES: lines}
        if self.unknown:
            row["unknown"] = self.unknown
        if self.relations:
            row["relations"] = self.relations
        return row

    def checks(self) -> dict[str, list[Any]]:
        """What each line says, by its id, as it was written to DOCUMENTS."""
        lines = [line for line in self.found.lines if line.id in self._kept]
        return {line.id: check_of(line) for line in lines if line.kind in "TR"}

    def _in_characters(self) -> Iterator[BratLine]:
        lines = list(self.found.of_kind("T"))
        pairs = [{"start": s, "end": e} for line in lines for s, e in line.fragments]
        row = in_characters({"text": self.text, "spans": pairs}, self.unit)
        places = iter(row["spans"])
        for line in lines:
            moved = tuple((one["start"], one["end"]) for one in islice(places, len(line.fragments)))
            yield line if moved == line.fragments else _moved(line, moved)

    def _read_text_bound(self, line: BratLine) -> None:
        fragments = line.fragments
        start, end = fragments[0][0], fragments[-1][1]
        if is_joined(self.text, fragments):
            is_usual = fragments in (fragments_of(self.text, start, end), ((start, end),))
            self._add(line, ((start, end),), {} if is_usual else _fragments(fragments))
            return
        self.counts[f"discontinuous entities: {self.discontinuous}"] += 1
        if self.discontinuous == REFUSE:
            self.unknown.append([start, end])
            return
        if line.text is not None and not self._is_as_said(line):
            raise ValueError(
                f"{line.id}: its text is {line.text!r}, but its fragments of the text are "
                f"{text_of(self.text, fragments)!r}. Offsets count characters from 0, and the end "
                "is exclusive."
            )
        if self.discontinuous == COVER:
            self._add(line, ((start, end),), _fragments(fragments))
        else:
            self._add(line, fragments, {})

    def _add(self, line: BratLine, stretches: Fragments, other: dict[str, Any]) -> None:
        """Add an entity for each stretch; the first has the id."""
        label = self.labels.get(line.label, line.label)
        for i, (start, end) in enumerate(stretches):
            span = {"start": start, "end": end, "label": label, **other}
            is_told = line.text is None or self._is_as_said(line)
            span["text"] = self.text[start:end] if is_told else line.text
            if i == 0:
                span["id"] = line.id
                self._by_id[line.id] = span
            self.spans.append(span)
        self._kept.add(line.id)

    def _is_as_said(self, line: BratLine) -> bool:
        """Whether the last column has the characters, but for blanks in place of line ends."""
        return text_of(self.text, line.fragments) == in_line(line.text or "")

    def _is_read(self, line: BratLine) -> bool:
        """Whether a line could be put into the row."""
        if line.kind == "R" and all(target in self._by_id for target in line.targets):
            head, tail = line.targets
            label = self.labels.get(line.label, line.label)
            relation: dict[str, Any] = {"head": head, "tail": tail, "label": label, "id": line.id}
            if list(line.roles) != folder.ARGUMENTS:
                relation[folder.ROLES] = list(line.roles)
            self.relations.append(relation)
            return True
        if line.kind not in "AMN#" or line.targets[0] not in self._by_id:
            return line.id in self._kept
        span = self._by_id[line.targets[0]]
        if line.kind == "N":
            return _read_reference(span, line)
        meta = span.setdefault("meta", {})
        if line.kind == "#":
            if is_note := line.label == NOTES and bool((line.text or "").strip()):
                meta.setdefault(folder.NOTE_TEXTS, []).append(line.text)
            return is_note
        attributes = meta.setdefault(folder.ATTRIBUTES, {})
        if is_new := line.label not in attributes:
            attributes[line.label] = line.value or True
        return is_new


def _read_reference(span: dict[str, Any], line: BratLine) -> bool:
    if "kb_id" in span or line.label != REFERENCE or not line.value or " " in line.value:
        return False
    database, _, rest = line.value.partition(":")
    span["kb_id"] = rest if database == folder.NO_DATABASE and rest else line.value
    if line.text:
        span.setdefault("meta", {})[folder.KB_NAME] = line.text
    return True


def _fragments(fragments: Fragments) -> dict[str, Any]:
    return {folder.FRAGMENTS: [list(one) for one in fragments]}


def _moved(line: BratLine, fragments: Fragments) -> BratLine:
    return BratLine(line.raw, line.id, line.label, fragments=fragments, text=line.text)


def _decoded(path: Path) -> str:
    """The characters of a file, each as it stands there: offsets count line ends as they are."""
    data = path.read_bytes()
    try:
        return data.decode("utf8")
    except UnicodeDecodeError as error:
        check_head(path, data[:HEAD])
        raise ValueError(
            f"{path}: byte {error.start + 1}, 0x{data[error.start]:02x}, is not UTF-8: convert it."
        ) from None


def _is_brat(sample: Sample) -> bool:
    if sample.names:
        return any(name.endswith(ANNOTATION) for name in sample.names) or {
            folder.DOCUMENTS,
            folder.CONFIG,
        }.issubset(sample.names)
    suffix = sample.path.suffix
    is_text = suffix == TEXT and sample.path.with_suffix(ANNOTATION).is_file()
    return is_text or suffix == ANNOTATION


# Beside .txt and .ann.
OWN_FILES = (folder.LABELS, folder.DOCUMENTS)

FORMAT = Format((), BratRecords, write_brat, recognises=_is_brat, writes_folder=True)
