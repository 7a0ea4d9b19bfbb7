"""Text of anybody's as Markdown that shows it as it is."""

import re
from collections.abc import Iterator, Sequence
from pathlib import Path

from ..audited import AuditedText
from ..occurrences import occurrence
from .marked_text import MarkedEntity, MarkedText, Words

CONTEXT = 40


def escaped(text: str) -> str:
    """One line without anything that Markdown takes for more than text."""
    text = re.sub(r"[\\`*<>&~|]|(?<!\w)_|_(?!\w)|(?<=\])[(\[]", r"\\\g<0>", text)
    return re.sub(r"\s+", " ", text)


def excerpt(
    text: AuditedText, marked: MarkedText, stretch: Words, entities: Sequence[MarkedEntity]
) -> str:
    """A stretch of a text in its context, entities in bold type, and those within them underlined.

    text (AuditedText), marked (MarkedText): The same text.
    """
    start, end = marked.starts[stretch[0]], marked.ends[stretch[1] - 1]
    around = occurrence(text, start, end, None, CONTEXT)
    middle = "".join(_with_marks(marked, start, end, entities))
    # white space at the ends is told from a cut there
    left = "" if start == len(around.before) else "… "
    right = "" if end + len(around.after) == len(marked.text) else " …"
    line = f"{left}{escaped(around.before.lstrip())}{middle}{escaped(around.after.rstrip())}{right}"
    return f"“{' '.join(line.split())}” ({Path(text.where).name})"


def _with_marks(
    marked: MarkedText, start: int, end: int, entities: Sequence[MarkedEntity]
) -> Iterator[str]:
    opening: dict[int, str] = {}
    closing: dict[int, str] = {}
    for entity in sorted(set(entities), key=lambda one: (one.start, -one.end)):
        is_within = any(other is not entity and _holds(other, entity) for other in entities)
        first, last = marked.starts[entity.start], marked.ends[entity.end - 1]
        opening[first] = opening.get(first, "") + ("<u>" if is_within else "**")
        closing[last] = ("</u>" if is_within else "**") + closing.get(last, "")
    at = start
    for stop in sorted({*opening, *closing, end}):
        yield escaped(marked.text[at:stop])
        yield closing.get(stop, "") + opening.get(stop, "")
        at = stop


def _holds(outer: MarkedEntity, inner: MarkedEntity) -> bool:
    return (
        outer.start <= inner.start
        and inner.end <= outer.end
        and (outer.start, outer.end) != (inner.start, inner.end)
    )
