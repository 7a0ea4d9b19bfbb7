"""Texts of Label Studio's tasks, and where its regions are in them."""

import re
from collections.abc import Iterator
from typing import Any, NamedTuple, Protocol

from .offset_units import as_offset

_LINE_BREAK = "\\n"


class RegionPlace(NamedTuple):
    """Where a region is, and what it says that it covers."""

    start: Any
    end: Any
    text: Any


class LabelledText(Protocol):
    """A text that is labelled.

    text (str): As our records have it.
    labels_key (str): What Label Studio calls labels of such a text.
    """

    text: str
    labels_key: str

    def find(self, value: dict[str, Any]) -> RegionPlace | None:
        """Where a region is; None if it can't be told."""

    def value(self, start: int, end: int) -> dict[str, Any]:
        """How Label Studio says where characters are."""


class PlainText:
    """A text as it stands. Offsets are counted in the file's unit."""

    labels_key = "labels"

    def __init__(self, text: str) -> None:
        self.text = text

    def find(self, value: dict[str, Any]) -> RegionPlace | None:
        """Where a region is. An XPath is nowhere in plain text."""
        start, end, stated = value.get("start"), value.get("end"), value.get("text")
        if isinstance(start, str) or isinstance(end, str):
            return None
        if type(start) is not int or type(end) is not int:
            for side, offset in (("start", start), ("end", end)):
                if as_offset(offset) is None:
                    raise ValueError(f"{side} must be an integer, got {str(offset)[:80]}.")
        if isinstance(stated, str) and _LINE_BREAK in stated:
            stated = self._with_line_breaks(start, end, stated)
        return RegionPlace(start, end, stated)

    def _with_line_breaks(self, start: Any, end: Any, stated: str) -> str:
        """Label Studio writes a backslash and an n for each line feed and carriage return."""
        if type(start) is type(end) is int:
            for covered in (self.text[start:end], in_utf16(self.text, start, end)):
                if covered and _same_lines(covered, stated):
                    return covered
        return stated if stated in self.text else stated.replace(_LINE_BREAK, "\n")

    def value(self, start: int, end: int) -> dict[str, Any]:
        """Code points, which is what Label Studio counts since 2022."""
        return {"start": start, "end": end}


class Dialogue:
    """Paragraphs, each with an author and what was said: the latter is the text, a line each.

    Regions have the number of the paragraph and, in it, UTF-16 units (HtxParagraphs.jsx of
    HumanSignal/label-studio), or code points where that fits.
    """

    labels_key = "paragraphlabels"

    def __init__(self, paragraphs: list[Any], text_key: str) -> None:
        self._paragraphs = []
        for i, one in enumerate(paragraphs):
            said = one.get(text_key) if isinstance(one, dict) else None
            if not isinstance(said, str):
                raise ValueError(
                    f"paragraph {i} of the dialogue has no text under {text_key!r}: say with "
                    "ls_config where it is (textKey of Paragraphs)."
                )
            self._paragraphs.append(said)
        self.text = "\n".join(self._paragraphs)
        self._starts = [0]
        for said in self._paragraphs:
            self._starts.append(self._starts[-1] + len(said) + 1)

    def find(self, value: dict[str, Any]) -> RegionPlace | None:
        """Where a region is: the first of the ways to count that fits the text it has."""
        stated = value.get("text")
        for start, end in self._readings(value):
            covered = self.text[start:end]
            if covered and (not isinstance(stated, str) or squashed(covered) == squashed(stated)):
                return RegionPlace(start, end, covered)
        return None

    def _readings(self, value: dict[str, Any]) -> Iterator[tuple[int, int]]:
        numbers = [_number(value.get(side)) for side in ("start", "end")]
        offsets = [value.get(side) for side in ("startOffset", "endOffset")]
        if not all(0 <= number < len(self._paragraphs) for number in numbers):
            return
        if not all(type(offset) is int and offset >= 0 for offset in offsets):
            return
        heads = [
            in_utf16(self._paragraphs[number], 0, int(str(offset)))
            for number, offset in zip(numbers, offsets, strict=True)
        ]
        first, last = (self._starts[number] for number in numbers)
        if heads[0] is not None and heads[1] is not None:
            yield first + len(heads[0]), last + len(heads[1])
        yield first + int(str(offsets[0])), last + int(str(offsets[1]))

    def value(self, start: int, end: int) -> dict[str, Any]:
        """The paragraphs, and UTF-16 units in them."""
        first, last = self._paragraph(start), self._paragraph(end - 1)
        places = [
            units_before(self._paragraphs[number], at - self._starts[number])
            for number, at in ((first, start), (last, end))
        ]
        return {
            "start": str(first),
            "end": str(last),
            "startOffset": places[0],
            "endOffset": places[1],
        }

    def _paragraph(self, at: int) -> int:
        number = max(i for i, start in enumerate(self._starts[:-1]) if start <= at)
        if at - self._starts[number] >= len(self._paragraphs[number]):
            raise ValueError(
                f"character {at} stands between two paragraphs, where no region can start or end: "
                "correct the span."
            )
        return number


def _number(value: Any) -> int:
    """Numbers of paragraphs are strings."""
    if isinstance(value, str) and value.isascii() and value.isdigit():
        return int(value)
    return value if type(value) is int else -1


def in_utf16(text: str, start: int, end: int) -> str | None:
    """What UTF-16 units of a text are; None if they are not there, or no whole characters."""
    units = text.encode("utf-16-le")
    if not 0 <= start <= end <= len(units) // 2:
        return None
    try:
        return units[2 * start : 2 * end].decode("utf-16-le")
    except UnicodeDecodeError:
        return None


def units_before(text: str, n_characters: int) -> int:
    """The UTF-16 units of a text's first characters."""
    return sum(1 + (char > "\uffff") for char in text[:n_characters])


def squashed(text: str) -> str:
    """A text without white space, and without what Label Studio has for line breaks.

    What is selected in a browser has other white space than the document.
    """
    return "".join(text.replace(_LINE_BREAK, " ").split())


def _same_lines(covered: str, stated: str) -> bool:
    return covered.replace("\r", "\n") == stated.replace(_LINE_BREAK, "\n") or (
        covered.replace("\r\n", "\n") == stated.replace(_LINE_BREAK, "\n")
    )


def looks_like_address(text: str) -> bool:
    """Whether a text is the address of a file."""
    return _ADDRESS.fullmatch(text.strip()) is not None


_ADDRESS = re.compile(
    r"(?:(?:https?|s3|gs|azure-blob)://[^\s/]+/|/data/(?:upload|local-files))\S*\.[a-z0-9]{2,5}"
    r"(?:\?\S*)?",
    re.IGNORECASE,
)
