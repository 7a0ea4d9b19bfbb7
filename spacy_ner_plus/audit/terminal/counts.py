"""The section `counts` on a terminal."""

from collections.abc import Callable

from ...evaluation.tables import NONE, percent, print_table
from ..counts import Counts, PartCounts
from .in_context import print_occurrences

SHOWN_PLACES = 2
# What is left out where all parts have none of it.
ROWS: tuple[tuple[str, Callable[[PartCounts], int | None], bool], ...] = (
    ("Texts", lambda part: part.texts, False),
    ("  not annotated", lambda part: part.not_annotated, True),
    ("  some labels annotated only", lambda part: part.partly_annotated, True),
    ("  empty", lambda part: part.empty, True),
    ("  without entities", lambda part: part.without_entities, False),
    ("Sentences", lambda part: part.sentences, True),
    ("  without entities", lambda part: part.sentences_without_entities, True),
    ("Tokens", lambda part: part.tokens, False),
    ("  of which nothing is known", lambda part: part.unknown_tokens, True),
    ("Entities", lambda part: part.entities, False),
    ("  different texts", lambda part: part.forms, False),
    ("Rejected spans", lambda part: part.rejected, True),
    ("Ignored spans", lambda part: part.ignored, True),
)


def print_counts(counts: Counts) -> None:
    """Print what the parts have, and entities by label."""
    parts = counts.parts
    rows = []
    for name, value, is_optional in ROWS:
        values = [value(part) for part in parts.values()]
        if any(values) or not is_optional:
            rows.append((name, *(NONE if n is None else f"{n:,}" for n in values)))
    print_table(("", *parts), rows)
    labels = dict.fromkeys(label for part in parts.values() for label in part.labels)
    if labels:
        header = ("Label", *(cell for name in parts for cell in (name, "%")))
        print_table(header, [_label_row(label, list(parts.values())) for label in labels])
    _print_misfits(counts)


def _label_row(label: str, parts: list[PartCounts]) -> tuple[str, ...]:
    cells = [label]
    for part in parts:
        n = part.labels.get(label, 0)
        cells += [f"{n:,}", percent(n / part.entities if part.entities else None, 1)]
    return tuple(cells)


def _print_misfits(counts: Counts) -> None:
    for kind in counts.misfits:
        print(f"Spans {kind.what}: {kind.count:,}, such as")
        print_occurrences(kind.first[:SHOWN_PLACES])
