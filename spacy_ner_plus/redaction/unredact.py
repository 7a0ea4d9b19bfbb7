"""The way back: redacted texts and their map to the originals."""

import json
from collections.abc import Iterator
from dataclasses import dataclass, replace
from itertools import zip_longest
from pathlib import Path
from typing import Any

from ..records import TextRecord
from ..support.output_folder import check_output_folder
from ..support.private_files import check_private, written_privately
from .redacted_text import OffsetMap, restored
from .redaction_rows import MAP, MAP_VERSION, text_digest


@dataclass(frozen=True)
class Unredaction:
    """What was restored.

    output (str): The file. documents (int): Texts. replacements (int): What was put back in them.
    """

    output: str
    documents: int
    replacements: int


def unredact(
    redacted: str | Path, map: str | Path, output: str | Path, *, overwrite: bool = False
) -> Unredaction:
    """Restore the texts that `redact` took entities out of, character by character.

    redacted (Union[str, Path]): The output of redact, as it was written: whole, and in its order.
    map (Union[str, Path]): The map of the same run.
    output (Union[str, Path]): The .jsonl file of records to write, which its owner alone may read
        (mode 0600). Its spans are where they were in the originals.
    overwrite (bool): Replace an output that is there.
    RETURNS (Unredaction): Counts.
    RAISES ValueError: The map is of another output, that was changed, or the map may be read by
        others. Nothing is written then. No message has anything of a text.
    """
    redacted, map, output = Path(redacted), Path(map), Path(output)
    if not redacted.is_file():
        raise ValueError(f"There is no file {redacted} with redacted texts.")
    check_private(map, "the way back to originals")
    if output.suffix != ".jsonl":
        raise ValueError(
            f"{output} must be a .jsonl file: `ner-plus convert` writes other formats."
        )
    if output.resolve() in (redacted.resolve(), map.resolve()):
        raise ValueError(f"{output} is one of the files to read: give the output another place.")
    if output.exists() and not overwrite:
        raise ValueError(f"{output} is there already: use --overwrite to replace it.")
    check_output_folder(output.parent)
    n_documents = n_replacements = 0
    with written_privately(output) as file:
        for record, edits in _pairs(redacted, map):
            file.write(json.dumps(_restored(record, edits).to_json(), ensure_ascii=False) + "\n")
            n_documents += 1
            n_replacements += len(edits)
    return Unredaction(str(output), n_documents, n_replacements)


def _pairs(redacted: Path, map: Path) -> Iterator[tuple[TextRecord, list[tuple[int, int, str]]]]:
    """Each redacted text with what was replaced in it. RAISES ValueError: They don't fit."""
    with redacted.open(encoding="utf8") as texts, map.open(encoding="utf8") as ways:
        head = _parsed(ways.readline(), map, 1)
        if head.get(MAP) != MAP_VERSION:
            raise ValueError(f"{map} is no map of this version of `redact`.")
        lines = enumerate(zip_longest(texts, ways), start=1)
        for number, (text, way) in lines:
            if text is None or way is None:
                raise ValueError(
                    f"{redacted} and {map} don't fit: one has more lines. Both must be of one run, "
                    "and whole."
                )
            row, its = _parsed(text, redacted, number), _parsed(way, map, number + 1)
            if row.get("row") != its.get("row") or _digest(row) != its.get("sha256"):
                raise ValueError(
                    f"{redacted}, line {number}: the text is not the one that {map} was written "
                    "for. Both must be of one run, and not changed."
                )
            try:
                edits = [(start, end, original) for start, end, original in its["edits"]]
                record = TextRecord.from_json(row)
            except (KeyError, TypeError, ValueError):  # whose messages quote texts
                raise ValueError(
                    f"{redacted} or {map}, line {number}: it is not as `redact` writes it."
                ) from None
            yield record, edits


def _parsed(line: str, path: Path, number: int) -> dict[str, Any]:
    try:
        row = json.loads(line)
    except ValueError:
        row = None
    if not isinstance(row, dict):
        raise ValueError(f"{path}, line {number}: it is no JSON object.")
    return row


def _digest(row: dict[str, Any]) -> str | None:
    text = row.get("text")
    return text_digest(text) if isinstance(text, str) else None


def _restored(record: TextRecord, edits: list[tuple[int, int, str]]) -> TextRecord:
    places = [(start, end) for start, end, _ in edits]
    text = restored(record.text, places, [original for _, _, original in edits])
    originals, shift = [], 0
    for start, end, original in edits:
        originals.append((start + shift, start + shift + len(original)))
        shift += len(original) - (end - start)
    offsets = OffsetMap(originals, places)
    moved = []
    for span in record.spans or ():
        start, end = offsets.to_original(span.start, span.end)
        moved.append(replace(span, start=start, end=end, text=None))
    return replace(record, text=text, spans=None if record.spans is None else tuple(moved))
