"""Offsets that are not counted in characters, to characters and back.

Code points are what Python and our records count. JavaScript, Java and .NET count UTF-16 units, of
which a character beyond U+FFFF has two; others count the bytes of UTF-8.
"""

from collections.abc import Callable
from typing import Any

CHARACTERS, UTF16, BYTES = "characters", "utf16", "bytes"
UNITS = (CHARACTERS, UTF16, BYTES)
# Of a row: the lists whose elements have a start and an end.
_PLACED = ("spans", "tokens")
_STRETCHES = ("unknown", "blocked")


def in_characters(row: dict[str, Any], unit: str) -> dict[str, Any]:
    """A row of our schema whose offsets are counted in a unit, with them counted in characters.

    RAISES (ValueError): An offset is within a character, or beyond the text.
    """
    return _moved(row, unit, _to_characters)


def from_characters(row: dict[str, Any], unit: str) -> dict[str, Any]:
    """The way back."""
    return _moved(row, unit, _to_units)


def _moved(
    row: dict[str, Any], unit: str, places_of: Callable[[str, str], dict[int, int]]
) -> dict[str, Any]:
    text = row["text"]
    if unit == CHARACTERS or text.isascii() or (unit == UTF16 and max(text) <= "\uffff"):
        return row
    places = places_of(text, unit)

    def at(name: str, offset: Any) -> Any:
        if isinstance(offset, int) and offset not in places:
            raise ValueError(f"{name}: {offset} is within a character, or beyond the text.")
        return places[offset] if isinstance(offset, int) else offset

    moved = dict(row)
    for key in _PLACED:
        if row.get(key):
            moved[key] = [
                one | {side: at(f"{key}[{i}]", one[side]) for side in ("start", "end")}
                for i, one in enumerate(row[key])
            ]
    for key in _STRETCHES:
        if row.get(key):
            moved[key] = [[at(f"{key}[{i}]", one) for one in s] for i, s in enumerate(row[key])]
    return moved


def _to_units(text: str, unit: str) -> dict[int, int]:
    """The units before each character, and before the end."""
    places, n_units = {0: 0}, 0
    for i, char in enumerate(text, start=1):
        n_units += 1 + (char > "\uffff") if unit == UTF16 else len(char.encode("utf8"))
        places[i] = n_units
    return places


def _to_characters(text: str, unit: str) -> dict[int, int]:
    return {units: i for i, units in _to_units(text, unit).items()}
