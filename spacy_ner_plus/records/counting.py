"""What offsets would mean if they were counted in another way than in characters with open ends."""

from collections.abc import Callable, Iterator
from functools import lru_cache, partial
from itertools import accumulate


def other_countings(text: str, start: int, end: int) -> Iterator[tuple[str, int, int]]:
    """Ways of counting that people have, in words, and the characters that would be meant."""
    if not text.isascii():
        yield from _in_units("bytes of UTF-8", _n_bytes, text, start, end)
    if text and max(text) > "\uffff":
        yield from _in_units("UTF-16 units", _n_units, text, start, end)
    yield "if ends were inclusive", start, end + 1
    yield "if they counted from 1, with inclusive ends", start - 1, end
    yield "if they counted from 1", start - 1, end - 1


def find_counting(text: str, start: int, end: int, fits: Callable[[int, int], bool]) -> str | None:
    """The way of counting, in words, in which characters fit; None if there is none.

    fits (Callable[[int, int], bool]): Whether characters are such as an annotation may have.
    """
    for words, first, last in other_countings(text, start, end):
        if 0 <= first < last <= len(text) and fits(first, last):
            return words
    return None


def covers(text: str, surface: str) -> Callable[[int, int], bool]:
    """What find_counting needs to look for characters with a known text."""
    return partial(_is_at, text, surface)


def _is_at(text: str, surface: str, start: int, end: int) -> bool:
    return text[start:end] == surface


def _n_bytes(char: str) -> int:
    return len(char.encode("utf8"))


def _n_units(char: str) -> int:
    return 1 + (char > "\uffff")


def _in_units(
    name: str, width: Callable[[str], int], text: str, start: int, end: int
) -> Iterator[tuple[str, int, int]]:
    """Nothing where the units are no whole characters, or all that is before them is as wide."""
    places = _places(width, text)
    if start in places and end in places:
        yield f"if they counted {name}", places[start], places[end]


@lru_cache(maxsize=2)  # a document's annotations follow each other
def _places(width: Callable[[str], int], text: str) -> dict[int, int]:
    """The character that begins at each number of units."""
    return {at: i for i, at in enumerate(accumulate(map(width, text), initial=0))}
