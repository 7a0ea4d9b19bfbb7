"""Which unit the offsets of a file are counted in, by the texts that it gives for its spans."""

from collections import Counter
from collections.abc import Mapping
from typing import Any

from .offset_units import BYTES, CHARACTERS, UNITS, UTF16, as_offset, has_wide, in_words


class UnitEvidence:
    """What the spans of a file say about the unit of its offsets.

    default (str): The unit that the format defines; None if it defines none.
    """

    def __init__(self, default: str | None) -> None:
        self.default = default
        self.n_fitting: Counter[str] = Counter()
        self.n_silent = 0
        self._first_silent = ""

    def look_at(self, where: str, row: Mapping[str, Any]) -> bool:
        """Count what a row says.

        RETURNS (bool): Whether the unit matters to it, and it does not speak for the default alone.
        """
        text = row.get("text")
        if not isinstance(text, str) or text.isascii():
            return False
        reading, is_open = _Text(text), False
        for span in _dicts(row.get("spans")):
            start, end = as_offset(span.get("start")), as_offset(span.get("end"))
            if start is None or end is None or text[:end].isascii():
                continue
            wanted = span.get("text")
            if not isinstance(wanted, str) or not wanted:
                self._note_silent(where, reading, end)
                is_open = True
                continue
            fitting = reading.units_of(start, end, wanted)
            if len(fitting) < len(UNITS):
                self.n_fitting.update(fitting)
            is_open |= not self._speaks_for_default(fitting, reading)
        for token in _dicts(row.get("tokens"))[-1:]:  # before which all others are
            if (end := as_offset(token.get("end"))) is not None and not text[:end].isascii():
                self._note_silent(where, reading, end)
                is_open = True
        for stretch in (*_lists(row.get("unknown")), *_lists(row.get("blocked"))):
            end = as_offset(stretch[-1]) if stretch else None
            if end is not None and not text[:end].isascii():
                self._note_silent(where, reading, end)
                is_open = True
        return is_open

    def _speaks_for_default(self, fitting: set[str], reading: "_Text") -> bool:
        default = self.default or CHARACTERS
        others = fitting - {default}
        if default != BYTES and reading.utf16 is None:
            others -= {CHARACTERS, UTF16}  # which are the same here
        return default in fitting and not others

    def _note_silent(self, where: str, reading: "_Text", end: int) -> None:
        """Bytes are not thought of unless others speak for them."""
        if reading.utf16 is not None and has_wide(reading.text[:end]):
            self._first_silent = self._first_silent or where
            self.n_silent += 1

    def unit(self) -> str:
        """The unit in which most texts of spans fit, else the default.

        RAISES (ValueError): Nothing tells it, and it matters.
        """
        default = self.default or CHARACTERS
        if self.n_fitting:
            order = [default, *UNITS]
            return max(self.n_fitting, key=lambda unit: (self.n_fitting[unit], -order.index(unit)))
        if self.n_silent and self.default is None:
            raise ValueError(
                f"{self._first_silent}: characters beyond U+FFFF, such as emoji, are before or in "
                "annotations, and no annotation gives its text, which would tell how offsets count "
                "them. Say it with --offsets: characters (code points, as Python counts), utf16 "
                "(JavaScript, Java), or bytes (of UTF-8)."
            )
        return default

    def note(self, unit: str) -> str | None:
        """In words, if the unit mattered."""
        if n := self.n_fitting[unit]:
            return f"offsets count {in_words(unit)}, as the texts of {n:,} annotations show"
        if self.n_silent:
            return f"offsets taken for {in_words(unit)}"
        return None


class _Text:
    """A text as each unit counts it.

    utf16 (bytes): None if characters are the same.
    """

    def __init__(self, text: str) -> None:
        self.text = text
        self._bytes = text.encode("utf8", "surrogatepass")
        self.utf16 = text.encode("utf-16-le", "surrogatepass") if has_wide(text) else None

    def units_of(self, start: int, end: int, wanted: str) -> set[str]:
        """The units in which offsets cover a text."""
        found = {CHARACTERS} if self.text[start:end] == wanted else set()
        if self.utf16 is None:
            found |= {UTF16} if found else set()
        elif self.utf16[2 * start : 2 * end] == wanted.encode("utf-16-le", "surrogatepass"):
            found.add(UTF16)
        if self._bytes[start:end] == wanted.encode("utf8", "surrogatepass"):
            found.add(BYTES)
        return found


def _dicts(values: Any) -> list[dict[str, Any]]:
    return [one for one in values if isinstance(one, dict)] if isinstance(values, list) else []


def _lists(values: Any) -> list[list[Any]]:
    return [one for one in values if isinstance(one, list)] if isinstance(values, list) else []
