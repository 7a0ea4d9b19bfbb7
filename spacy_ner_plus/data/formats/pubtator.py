"""PubTator files as records, and back: title, abstract, mentions with ids, relations between ids.

    6794356|t|Lithium carbonate toxicity in a newborn infant.
    6794356|a|A newborn with massive tricuspid regurgitation ...
    6794356	0	17	Lithium carbonate	Chemical	D016651
    6794356	CID	D016651	D014262

A mention's id is its `kb_id`, several as they stand there (`D1|D2`); "-1", which stands for none,
is kept in NO_ID of the span, and the seventh column in PARTS of its meta. Of the record's meta,
RELATIONS has the lines that are no mentions, and PASSAGES where title and abstract are.
"""

import re
from codecs import BOM_UTF8
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from ...records import SpanRecord, TextRecord, keys_of
from ..sources.raw_files import open_bytes
from ..sources.rows import decode
from .form import Format, Sample
from .repairs import Errors
from .tool_records import ToolRecords
from .written import Written, keys_of_tokens

PASSAGES, RELATIONS = "passages", "pubtator_relations"
PARTS, NO_ID, COLUMNS = "individual_mentions", "pubtator_id", "pubtator_columns"
_TITLE, _ABSTRACT = "t", "a"
_NO_IDS = ("-1", "-", "")
_PASSAGE = re.compile(r"([^\t|]*)\|([A-Za-z])\|(.*)", re.DOTALL)
_MENTION = re.compile(rb"[^\t\n]*\t\d+\t\d+\t")
_BREAKS = re.compile("[\t\r\n]")
# Of records and of spans: what the format holds, or what is refused or counted by itself.
_HELD = ("id", "text", "spans", "meta", "tokens", "relations", "annotated_labels", "unknown")
_HELD_OF_SPANS = ("start", "end", "label", "text", "status", "kb_id", "meta", NO_ID, COLUMNS)

_Lines = list[tuple[int, str]]


@dataclass
class PubTatorRecords(ToolRecords):
    """The documents of a PubTator file.

    The text is the title, a space and the abstract, and any further passages. A document without
    mentions has no entities; if no document has any, nothing is known.
    """

    _is_annotated: bool = field(default=True, init=False, repr=False)

    def entries(self) -> Iterator[tuple[str, _Lines]]:
        """The lines of each document, with their numbers."""
        with open_bytes(self.path) as file:
            self._is_annotated = any(_MENTION.match(line) for line in file)
        lines: _Lines = []
        for number, line in self._lines():
            passage = _PASSAGE.match(line)
            is_next = lines and passage and passage[1] != _id_of(lines[0][1])
            if lines and (is_next or not line.strip()):
                yield f"{self.path}, line {lines[0][0]}", lines
                lines = []
            if line.strip():
                lines.append((number, line))
        if lines:
            yield f"{self.path}, line {lines[0][0]}", lines

    def _lines(self) -> Iterator[tuple[int, str]]:
        with open_bytes(self.path) as file:
            for number, data in enumerate(file, start=1):
                data = data.removesuffix(b"\n").removesuffix(b"\r")
                data = data.removeprefix(BOM_UTF8) if number == 1 else data
                try:
                    yield number, decode(data)
                except ValueError as error:
                    raise ValueError(f"{self.path}, line {number}: {error}") from None

    def row(self, entry: _Lines, counts: Counter[str]) -> dict[str, Any]:
        """See ToolRecords.row."""
        id = _id_of(entry[0][1])
        passages: list[tuple[str, str]] = []
        spans: list[dict[str, Any]] = []
        relations: list[list[str]] = []
        errors = Errors("lines can't be read")
        for number, line in entry:
            if passage := _PASSAGE.fullmatch(line):
                passages.append((passage[2], passage[3]))
                continue
            own_id, *columns = line.split("\t")
            try:
                if own_id != id or len(columns) < 2:
                    raise ValueError(f"it should begin with {id!r} and a tab, or {id}|{_TITLE}|.")
                if _is_mention(columns):
                    spans.append(_span(columns))
                else:
                    relations.append(columns)
            except ValueError as error:
                errors.add(f"line {number}, {line[:80]!r}: {error}")
        if not passages:
            errors.add(f"a document begins with a title, {id}|{_TITLE}|Title.")
        errors.check()
        text, places = _joined(passages)
        meta: dict[str, Any] = {}
        if places != _usual_places(text):
            meta[PASSAGES] = places
        if relations:
            meta[RELATIONS] = relations
        if not self._is_annotated:
            counts["texts in a file without mentions, about which nothing is known"] += 1
        return {
            "id": id,
            "text": text,
            "spans": spans if self._is_annotated else None,
            "meta": meta,
        }


def _is_mention(columns: list[str]) -> bool:
    return all(re.fullmatch("[0-9]+", column) for column in columns[:2])


def _id_of(line: str) -> str:
    return re.split(r"[\t|]", line, maxsplit=1)[0]


def _span(columns: list[str]) -> dict[str, Any]:
    if len(columns) < 4:
        raise ValueError("a mention has an id of the text, start, end, text and type, with tabs.")
    start, end, text, label, *more = columns
    span: dict[str, Any] = {"start": int(start), "end": int(end), "label": label, "text": text}
    if more:
        span["kb_id" if more[0] not in _NO_IDS else NO_ID] = more[0]
    if len(more) > 1:
        span["meta"] = {PARTS: more[1]}
    if len(more) > 2:
        span[COLUMNS] = more[2:]
    return span


def _joined(passages: list[tuple[str, str]]) -> tuple[str, list[list[Any]]]:
    """The text, and where its passages are; empty ones at the end have no space before them."""
    n = max((i for i, (_, part) in enumerate(passages, start=1) if part), default=1)
    text = " ".join(part for _, part in passages[:n])
    places: list[list[Any]] = []
    start = 0
    for i, (kind, part) in enumerate(passages):
        start = start if i < n else len(text)
        places.append([kind, start, start + len(part)])
        start += len(part) + 1
    return text, places


def _usual_places(text: str) -> list[list[Any]]:
    """A title alone, and an empty abstract: what is written of a text without passages."""
    return [[_TITLE, 0, len(text)], [_ABSTRACT, len(text), len(text)]]


def write_pubtator(records: Iterable[TextRecord], path: Path) -> Written:
    """Write a block for each text, with a blank line between.

    A text without PASSAGES in its meta is a title. Line breaks and tabs become spaces.

    RAISES (ValueError): A record of which the file would say something else, and why.
    """
    lost = Counter[str]()
    n_records = n_mentions = n_unknown = 0
    with path.open("w", encoding="utf8", newline="\n") as file:
        for n_records, record in enumerate(records, start=1):
            try:
                lines = list(_block(record, n_records, lost))
            except ValueError as error:
                id = "" if record.id is None else f" ({record.id!r})"
                raise ValueError(f"record {n_records}{id}: {error}") from None
            n_mentions += sum(span.is_accepted for span in record.spans or ())
            n_unknown += record.spans is None
            if n_unknown and n_mentions:
                raise ValueError(
                    f"record {n_records}: PubTator can't tell texts about which nothing is known "
                    "from texts without entities: leave the former out, or write .jsonl."
                )
            file.write("\n" * (n_records > 1) + "".join(f"{line}\n" for line in lines))
    if n_records > n_unknown and not n_mentions:
        raise ValueError(
            "no text has an entity, and a PubTator file without mentions says that nothing is "
            "known: write .jsonl."
        )
    return Written(n_records, +lost)


def _block(record: TextRecord, number: int, lost: Counter[str]) -> Iterator[str]:
    _check_complete(record)
    id = record.id
    if not isinstance(id, str) or not re.fullmatch(r"[^\t|\r\n\ufeff]+", id) or not id.strip():
        lost["ids"] += 1
        id = _BREAKS.sub(" ", str(number if id is None else id)).replace("|", " ").strip()
        id = id or str(number)
    text = _BREAKS.sub(" ", record.text)
    if text != record.text:
        lost["texts' line breaks and tabs"] += sum(map(record.text.count, "\t\r\n"))
    meta = dict(record.meta)
    places = _usual_places(text)
    if _are_places(meta.get(PASSAGES), text):
        places = meta.pop(PASSAGES)
    for kind, start, end in places:
        yield f"{id}|{kind}|{text[start:end]}"
    for span in record.spans or ():
        if span.is_accepted:
            yield "\t".join([id, *_columns(span, text, lost)])
        else:
            lost[f"{span.status} spans"] += 1
    if _are_relations(meta.get(RELATIONS)):
        for columns in meta.pop(RELATIONS):
            yield "\t".join([id, *columns])
    row = record.to_json()
    lost.update(key for key in keys_of(TextRecord) if key not in _HELD and key in row)
    lost.update(["meta"] * bool(meta) + ["tokens"] * (record.tokens is not None))
    lost.update(["relations"] * len(record.relations))
    lost.update(keys_of_tokens(record))
    lost.update(sorted(record.other))


def _columns(span: SpanRecord, text: str, lost: Counter[str]) -> Iterator[str]:
    meta, other = dict(span.meta), span.other
    _check("label", span.label)
    yield from (str(span.start), str(span.end), text[span.start : span.end], span.label)
    more: list[str] = []
    parts, rest = meta.get(PARTS), other.get(COLUMNS)
    if span.kb_id is not None and span.kb_id not in _NO_IDS:
        _check("kb_id", span.kb_id)
        more = [span.kb_id]
    elif other.get(NO_ID) in _NO_IDS:
        more = [other[NO_ID]]
    # further columns mean nothing without those before them
    if more and _is_column(parts):
        more.append(meta.pop(PARTS))
        if isinstance(rest, list) and rest and all(map(_is_column, rest)):
            more += rest
    yield from more
    told = ["kb_id"] * bool(more and more[0] == span.kb_id)
    told += [NO_ID] * bool(more and more[0] == other.get(NO_ID) and not told)
    told += [COLUMNS] * (len(more) > 2)
    kept = {"start", "end", "label", "text", "status", "meta", *told}
    lost.update(f"{key} of spans" for key in span.to_json() if key not in kept)
    lost.update(["meta of spans"] * bool(meta))


def _check_complete(record: TextRecord) -> None:
    """RAISES (ValueError): It is not known everywhere whether there are entities."""
    gaps = []
    if record.annotated_labels is not None:
        gaps.append(f"it is annotated for {', '.join(record.annotated_labels) or 'no type'} only")
    gaps += [f"characters {start}-{end} are unknown" for start, end in record.unknown]
    gaps += [
        f"{span.label} at characters {span.start}-{span.end} is ignored"
        for span in record.spans or ()
        if span.status == "ignored"
    ]
    if gaps:
        raise ValueError(
            f"its annotation is not complete, which PubTator can't say: {', '.join(gaps)}. "
            "Complete it, leave the record out, or write .jsonl."
        )


def _check(name: str, value: str) -> None:
    if _BREAKS.search(value):
        raise ValueError(f"{name} is {value!r}, with tabs or line breaks, which part the columns.")


def _is_column(value: Any) -> bool:
    return isinstance(value, str) and not _BREAKS.search(value)


def _are_places(value: Any, text: str) -> bool:
    """Whether the lines of these passages give the text, and the places, again."""
    if not isinstance(value, list) or not value:
        return False
    for place in value:
        if not isinstance(place, list) or [type(one) for one in place] != [str, int, int]:
            return False
        if not re.fullmatch("[A-Za-z]", place[0]):
            return False
    passages = [(kind, text[start:end]) for kind, start, end in value]
    return _joined(passages) == (text, value)


def _are_relations(value: Any) -> bool:
    """Whether lines of these columns are read as such again."""
    return isinstance(value, list) and bool(value) and all(map(_is_relation, value))


def _is_relation(columns: Any) -> bool:
    if not isinstance(columns, list) or len(columns) < 2 or not all(map(_is_column, columns)):
        return False
    return not _is_mention(columns)


def _is_pubtator(sample: Sample) -> bool:
    return bool(sample.lines) and re.match(r"[^\t|]*\|t\|", sample.lines[0]) is not None


FORMAT = Format((".pubtator",), PubTatorRecords, write_pubtator, recognises=_is_pubtator)
