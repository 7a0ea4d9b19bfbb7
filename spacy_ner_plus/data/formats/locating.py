"""Where the spans of a tool's file are, if not exactly where it says."""

import re
from collections import Counter
from dataclasses import dataclass, field
from typing import Any

from ...records import TextRecord
from .offset_units import as_offset, in_characters, is_counted_alike, to_characters
from .repairs import Repairs
from .unsound_spans import UnsoundSpan

# So many characters before and behind the place that is given, a span's text is looked for.
NEAR = 100
FOLDED = "annotations whose white space is written in another way"
MOVED = "annotations found nearby"
REFUSED = "annotations without a place left out, taken for unknown"


@dataclass
class Locating:
    """Puts the spans of rows where their texts are.

    lenient (bool): Leave those out that have no place. As nobody knows where they should be, all
        of their text that is in no other span is unknown then.
    unsound (List[UnsoundSpan]): Gets those that are left out, lenient or not; None: they are
        counted if lenient, and otherwise errors.
    found (Repairs): What was not exactly where it should be, with the first places.
    """

    lenient: bool
    unsound: list[UnsoundSpan] | None = None
    found: Repairs = field(default_factory=lambda: Repairs(prefix=""))

    def record(self, row: dict[str, Any], unit: str, where: str) -> TextRecord:
        """The record of a row, with its spans where their texts are.

        RAISES (ValueError): It is none, or as `placed`.
        """
        text = row.get("text")
        if isinstance(text, str) and is_counted_alike(text, unit):
            record = TextRecord.from_plain(row)
            if record is not None:  # and so all is exactly where it should be
                return record
        return TextRecord.from_json(self.placed(row, unit, where))

    def placed(self, row: dict[str, Any], unit: str, where: str) -> dict[str, Any]:
        """A row with its offsets counted in characters.

        RAISES (ValueError): An offset is within a character or beyond the text, unless lenient.
        """
        text, spans = row.get("text"), row.get("spans")
        if not isinstance(text, str):
            return row
        if not isinstance(spans, list) or not spans:
            return in_characters(row, unit)
        places = None if is_counted_alike(text, unit) else to_characters(text, unit)
        if places is None and all(_is_exact(text, span) for span in spans):
            return row
        kept, gone = [], []
        is_unknown = False
        for i, span in enumerate(spans):
            if not isinstance(span, dict):
                kept.append(span)
                continue
            given, span = span, self._placed(text, span, places, where)
            leaves_out = self.lenient or self.unsound is not None
            if not leaves_out or not _is_offset(given) or _fits(text, span):
                _check_units(f"spans[{i}]", given, span)
                kept.append(span)
                continue
            if self.unsound is None:
                self.found.note(REFUSED, where)
            else:
                self.unsound.append(UnsoundSpan(given, _problem(f"spans[{i}]", text, given, span)))
            gone.append(span.get("id"))
            is_unknown |= span.get("status") != "rejected" and text != ""
        row = in_characters({**row, "spans": []}, unit) | {"spans": kept}
        if is_unknown:
            row["unknown"] = [[0, len(text)]]
        return self._without_relations(row, gone, where) if gone else row

    def _placed(
        self, text: str, span: dict[str, Any], places: dict[int, int] | None, where: str
    ) -> dict[str, Any]:
        """With its offsets in characters; those that are none stay as they are."""
        offsets = [as_offset(span.get(side)) for side in ("start", "end")]
        if None in offsets:
            return span
        chars = offsets if places is None else [places.get(one or 0) for one in offsets]
        start, end = chars
        wanted = span.get("text")
        moved = span | {"start": start, "end": end}
        if not isinstance(wanted, str) or not wanted:
            return moved
        if start is not None and end is not None and 0 <= start < end <= len(text):
            if text[start:end] == wanted:
                return moved
            if _folded(text[start:end]) == _folded(wanted):
                self.found.note(FOLDED, where)
                return moved | {"text": text[start:end]}
        if start is None:  # within a character
            before = (char for at, char in (places or {}).items() if at <= (offsets[0] or 0))
            start = max(before, default=0)
        near = find_near(text, wanted, start)
        if near is None:
            return moved
        self.found.note(MOVED, where)
        return moved | {"start": near[0], "end": near[1], "text": text[slice(*near)]}

    def _without_relations(
        self, row: dict[str, Any], gone: list[Any], where: str
    ) -> dict[str, Any]:
        relations = row.get("relations")
        if not isinstance(relations, list):
            return row
        ids = Counter(one.get("id") for one in row["spans"] if isinstance(one, dict))
        lost = {id for id in gone if id is not None and not ids[id]}
        kept = []
        for one in relations:
            if isinstance(one, dict) and (one.get("head") in lost or one.get("tail") in lost):
                self.found.note("relations of annotations without a place left out", where)
            else:
                kept.append(one)
        return row | {"relations": kept}


def find_near(text: str, wanted: str, start: int) -> tuple[int, int] | None:
    """The characters nearest to a place that have a text: as it is, else with other white space.

    RETURNS: None if there are none within NEAR, or two are equally near. Parts of words are none.
    """
    window = max(0, start - NEAR), min(len(text), start + NEAR + 2 * len(wanted))
    words = [re.escape(word) for word in wanted.split()]
    for pattern in (re.escape(wanted), r"\s+".join(words) if words else None):
        if pattern is None:
            continue
        # with a look-ahead, matches may overlap
        found = re.compile(f"(?=({pattern}))").finditer(text, *window)
        ranked = sorted(
            (abs(match.start() - start), *match.span(1))
            for match in found
            if abs(match.start() - start) <= NEAR and _is_whole(text, *match.span(1))
        )
        if ranked and (len(ranked) == 1 or ranked[0][0] < ranked[1][0]):
            return ranked[0][1:]
        if ranked:
            return None
    return None


def _is_whole(text: str, start: int, end: int) -> bool:
    """Whether no word is cut, where words are told apart by white space."""
    return not any(
        0 < at < len(text) and _is_letter(text[at - 1]) and _is_letter(text[at])
        for at in (start, end)
    )


def _is_letter(char: str) -> bool:
    """Of the scripts with capitals, or a digit."""
    return char.lower() != char.upper() or char.isdigit()


def _folded(text: str) -> str:
    return " ".join(text.split())


def _is_exact(text: str, span: Any) -> bool:
    if not isinstance(span, dict):
        return True  # as it is: the record refuses it
    start, end, wanted = span.get("start"), span.get("end"), span.get("text")
    if type(start) is not int or type(end) is not int or not 0 <= start < end <= len(text):
        return False
    return wanted is None or text[start:end] == wanted


def _is_offset(span: dict[str, Any]) -> bool:
    """Whether a span has offsets; if not, it is for the record to refuse."""
    return None not in (as_offset(span.get("start")), as_offset(span.get("end")))


def _fits(text: str, span: dict[str, Any]) -> bool:
    wanted = span.get("text")
    if not _is_within(text, span):
        return False
    return not isinstance(wanted, str) or text[span["start"] : span["end"]] == wanted


def _is_within(text: str, span: dict[str, Any]) -> bool:
    start, end = span["start"], span["end"]
    return start is not None and end is not None and 0 <= start < end <= len(text)


def _problem(name: str, text: str, given: dict[str, Any], span: dict[str, Any]) -> str:
    """Why a span has no place. Its offsets are shown as they are given."""
    place = f"{given['start']}-{given['end']}"
    if not _is_within(text, span):
        return f"{name}: {place} is not within the text of {len(text)} characters"
    found = text[span["start"] : span["end"]]
    return f"{name}: its text is {span['text']!r:.80}, but at {place} is {found!r:.80}"


def _check_units(name: str, given: dict[str, Any], span: dict[str, Any]) -> None:
    """RAISES (ValueError): An offset is within a character, or beyond the text."""
    for side in ("start", "end"):
        if given.get(side) is not None and span[side] is None:
            raise ValueError(f"{name}: {given[side]} is within a character, or beyond the text.")
