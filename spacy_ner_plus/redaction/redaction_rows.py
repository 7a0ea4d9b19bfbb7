"""Redacted texts as rows of files: of the chunks of a run, of its output, and of the map back."""

import json
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field
from hashlib import sha256
from pathlib import Path
from typing import Any

from ..data.sources.rows import SourceDocument
from ..records import SpanRecord, TextRecord
from ..support.private_files import written_privately
from .redacted_text import FOUND, LIKELY, REPEATED, RedactedText, Replacement

# Of the meta of a span of the output.
KIND, ORIGINAL, WITHOUT_SURROGATE = "redaction", "original", "without_surrogate"
# The first line of a map.
MAP, MAP_VERSION = "redaction_map", 1
# What a chunk's row has.
_RECORD, _WAY_BACK = "record", "way_back"


@dataclass
class TypeCounts:
    """What was taken out of one type.

    found (int): Entities that were found; those that overlap are one.
    likely (int): Stretches beside them that were likely enough.
    repeated (int): Further occurrences of the same words.
    characters (int): Of the originals of all of these.
    without_surrogate (int): For which there was no other name, so that the label stands there.
    """

    found: int = 0
    likely: int = 0
    repeated: int = 0
    characters: int = 0
    without_surrogate: int = 0


def redacted_record(
    document: SourceDocument, redacted: RedactedText, *, has_offsets: bool
) -> TextRecord:
    """A redacted text, with what stands in the place of entities as its spans.

    No field of the input but the id is in it.

    has_offsets (bool): Whether the meta of each span has the characters of the original, which
        tell its length.
    """
    spans = tuple(_span(one, has_offsets=has_offsets) for one in redacted.replacements)
    return TextRecord(redacted.text, id=document.id, spans=spans, other={"row": document.row})


def _span(one: Replacement, *, has_offsets: bool) -> SpanRecord:
    meta: dict[str, Any] = {KIND: one.hidden.kind}
    if has_offsets:
        meta[ORIGINAL] = [one.hidden.start, one.hidden.end]
    if one.without_surrogate:
        meta[WITHOUT_SURROGATE] = True
    probability = one.hidden.probability
    return SpanRecord(one.start, one.end, one.hidden.label, probability=probability, meta=meta)


def way_back(redacted: RedactedText, row: int) -> dict[str, Any]:
    """What leads from a redacted text to the original: a line of the map."""
    edits = [
        [one.start, one.end, original]
        for one, original in zip(redacted.replacements, redacted.originals, strict=True)
    ]
    return {"row": row, "sha256": text_digest(redacted.text), "edits": edits}


def text_digest(text: str) -> str:
    """SHA-256 of a redacted text, which nothing in it gives away."""
    return sha256(text.encode("utf8")).hexdigest()


@dataclass(frozen=True)
class RedactionRows:
    """Writes the redacted texts of a run.

    has_offsets (bool): See redacted_record.
    map (Path): Where the way back goes; None for none. Without it, no original is in any file.
    counts (Dict[str, TypeCounts]): Of the whole output, by type, once it is joined.
    """

    has_offsets: bool = False
    map: Path | None = None
    counts: dict[str, TypeCounts] = field(default_factory=dict)

    def write(self, path: Path, chunk: Sequence[tuple[SourceDocument, RedactedText]]) -> None:
        """Write the rows of a chunk."""
        with path.open("w", encoding="utf8", newline="\n") as file:
            for document, redacted in chunk:
                record = redacted_record(document, redacted, has_offsets=self.has_offsets)
                row: dict[str, Any] = {_RECORD: record.to_json(), "counts": _counted(redacted)}
                if self.map is not None:
                    row[_WAY_BACK] = way_back(redacted, document.row)
                file.write(json.dumps(row, ensure_ascii=False) + "\n")

    def join(self, parts: Sequence[Path], path: Path) -> None:
        """Write the output, and before it the map, if there is to be one."""
        self.counts.clear()
        with ExitStack() as stack:
            output = stack.enter_context(path.open("w", encoding="utf8", newline="\n"))
            back = None
            if self.map is not None:
                back = stack.enter_context(written_privately(self.map))
                back.write(json.dumps({MAP: MAP_VERSION}) + "\n")
            for row in _rows(parts):
                output.write(json.dumps(row[_RECORD], ensure_ascii=False) + "\n")
                if back is not None:
                    back.write(json.dumps(row[_WAY_BACK], ensure_ascii=False) + "\n")
                self._count(row["counts"])

    def _count(self, counts: dict[str, dict[str, int]]) -> None:
        for label, its in counts.items():
            total = self.counts.setdefault(label, TypeCounts())
            for name, n in its.items():
                setattr(total, name, getattr(total, name) + n)


def _rows(parts: Sequence[Path]) -> Iterator[dict[str, Any]]:
    for part in parts:
        with part.open(encoding="utf8") as file:
            for line in file:
                yield json.loads(line)


def _counted(redacted: RedactedText) -> dict[str, dict[str, int]]:
    """By label, the fields of TypeCounts."""
    found: dict[str, Counter[str]] = {}
    for one in redacted.replacements:
        its = found.setdefault(one.hidden.label, Counter())
        its[_FIELDS[one.hidden.kind]] += 1
        its["characters"] += one.hidden.end - one.hidden.start
        its[WITHOUT_SURROGATE] += one.without_surrogate
    return {label: dict(its) for label, its in found.items()}


_FIELDS = {FOUND: "found", LIKELY: "likely", REPEATED: "repeated"}
