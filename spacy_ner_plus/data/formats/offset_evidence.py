"""Which unit the offsets of a file are counted in, by the texts that it gives for its spans."""

from collections import Counter
from collections.abc import Mapping
from typing import Any

from .offset_units import BYTES, CHARACTERS, UNITS, UTF16, in_words, slices

# What a span's text is, in order, if offsets of the file may be read in several units.
Readings = Mapping[str, str | None]


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
        is_open = False
        readings: Readings
        for span in _dicts(row.get("spans")):
            readings = slices(text, span.get("start"), span.get("end"))
            wanted = span.get("text")
            if isinstance(wanted, str) and wanted:
                fitting = {unit for unit in UNITS if readings[unit] == wanted}
                if len(fitting) < len(UNITS):
                    self.n_fitting.update(fitting)
                    is_open |= not self._speaks_for_default(fitting, text)
            else:
                is_open |= self._look_at_silent(where, readings)
        for token in _dicts(row.get("tokens"))[-1:]:  # before which all others are
            readings = slices(text, token.get("start"), token.get("end"))
            is_open |= self._look_at_silent(where, readings)
        return is_open

    def _speaks_for_default(self, fitting: set[str], text: str) -> bool:
        default = self.default or CHARACTERS
        others = fitting - {default}
        if default != BYTES and max(text) <= "\uffff":
            others -= {CHARACTERS, UTF16}  # which are the same here
        return default in fitting and not others

    def _look_at_silent(self, where: str, readings: Readings) -> bool:
        """What gives no text: bytes are not thought of unless others speak for them."""
        if readings[CHARACTERS] != readings[UTF16]:
            self._first_silent = self._first_silent or where
            self.n_silent += 1
        return len(set(readings.values())) > 1

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


def _dicts(values: Any) -> list[dict[str, Any]]:
    return [one for one in values if isinstance(one, dict)] if isinstance(values, list) else []
