"""Stretches of texts in their context, on a terminal."""

from collections.abc import Iterable
from shutil import get_terminal_size

from wasabi.util import locale_escape

from ..occurrences import Occurrence


def print_occurrences(occurrences: Iterable[Occurrence], *, indent: str = "  ") -> None:
    """Print each in a line, with where it is in another."""
    for one in occurrences:
        print(locale_escape(f"{indent}{shown_occurrence(one)}"))
        print(locale_escape(f"{indent}  {shown_place(one)}"))


def shown_occurrence(one: Occurrence) -> str:
    """A line: the stretch in brackets, with its label, and what is around it."""
    side = max(10, min(len(one.before) + len(one.after), get_terminal_size().columns // 3))
    before, after = one_line(one.before), one_line(one.after)
    label = "" if one.label is None else f" {one.label}"
    return f"{before[-side:]}[{one_line(one.text)}{label}]{after[:side]}"


def shown_place(one: Occurrence) -> str:
    """Where it is."""
    return f"{one.part}, {one.where}, characters {one.start}-{one.end}"


def one_line(text: str) -> str:
    """A text without its line breaks, and what else takes more than a blank's room."""
    return "".join(" " if char.isspace() else char for char in text)
