"""Offsets that are not counted in characters, to characters and back.

Code points are what Python and our records count. JavaScript, Java and .NET count UTF-16 units, of
which a character beyond U+FFFF has two; others count the bytes of UTF-8.
"""

from collections.abc import Callable
from typing import Any

CHARACTERS, UTF16, BYTES = "characters", "utf16", "bytes"
UNITS = (CHARACTERS, UTF16, BYTES)
_WORDS = {CHARACTERS: "characters", UTF16: "UTF-16 units", BYTES: "bytes of UTF-8"}
# Of a row: the lists whose elements have a start and an end.
_PLACED = ("spans", "tokens")
_STRETCHES = ("unknown", "blocked")


def in_words(unit: str) -> str:
    """A unit, for messages."""
    return _WORDS[unit]


def check_unit(unit: str | None) -> None:
    """RAISES (ValueError): It is none of UNITS, nor None."""
    if unit is not None and unit not in UNITS:
        raise ValueError(f"--offsets {unit} must be one of {', '.join(UNITS)}.")


def as_offset(value: Any) -> int | None:
    """JSON has one kind of numbers: 3.0 is an integer. None if a value is no integer."""
    if isinstance(value, float) and value.is_integer():
        return int(value)
    return value if isinstance(value, int) and not isinstance(value, bool) else None


def in_characters(row: dict[str, Any], unit: str) -> dict[str, Any]:
    """A row of our schema whose offsets are counted in a unit, with them counted in characters.

    RAISES (ValueError): An offset is within a character, or beyond the text.
    """
    return _moved(row, unit, to_characters)


def from_characters(row: dict[str, Any], unit: str) -> dict[str, Any]:
    """The way back."""
    return _moved(row, unit, _to_units)


def is_counted_alike(text: str, unit: str) -> bool:
    """Whether a unit and characters are the same in a text."""
    return unit == CHARACTERS or text.isascii() or (unit == UTF16 and not has_wide(text))


def has_wide(text: str) -> bool:
    """Whether there are characters beyond U+FFFF."""
    return len(text.encode("utf-16-le", "surrogatepass")) > 2 * len(text)


def _moved(
    row: dict[str, Any], unit: str, places_of: Callable[[str, str], dict[int, int]]
) -> dict[str, Any]:
    text = row["text"]
    if is_counted_alike(text, unit):
        return row
    places = places_of(text, unit)

    def at(name: str, value: Any) -> Any:
        offset = as_offset(value)
        if offset is not None and offset not in places:
            raise ValueError(f"{name}: {offset} is within a character, or beyond the text.")
        return value if offset is None else places[offset]

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


def to_characters(text: str, unit: str) -> dict[int, int]:
    """The character that begins at each number of units, and the end."""
    return {units: i for i, units in _to_units(text, unit).items()}
