"""The section `duplicates` on a terminal."""

from wasabi.util import locale_escape

from ...evaluation.tables import print_table
from ..duplicate_texts import DuplicateGroup, DuplicateLevel, Duplicates
from .in_context import one_line, shown_occurrence, shown_place

SHOWN_DIFFERING, SHOWN_OTHERS = 3, 2


def print_duplicates(duplicates: Duplicates) -> None:
    """Print how many repeat others, within and across parts, and the first that differ."""
    if duplicates.note:
        print(duplicates.note)
    for level in duplicates.levels:
        print_table(("Repeated " + level.unit, "Of", "Exactly", "Nearly", "Share"), _rows(level))
        if level.unit == "sentences":
            print(f"Sentences of fewer than {duplicates.shortest} tokens are left out.")
        differing = [group for group in level.groups if group.differing_total]
        others = [group for group in level.groups if not group.differing_total]
        if differing:
            print(f"{level.differing_total:,} groups are annotated differently, such as:")
        for group in differing[:SHOWN_DIFFERING]:
            _print_differing(group)
        if others:
            print(f"{level.groups_total - level.differing_total:,} groups are annotated alike:")
        for group in others[:SHOWN_OTHERS]:
            _print_alike(group)


def _rows(level: DuplicateLevel) -> list[tuple[str, ...]]:
    rows = [
        (f"within {name}", n, level.exact[name], level.near[name])
        for name, n in level.units.items()
    ]
    rows += [
        (f"{leak.part} in {leak.source}", leak.units, leak.exact, leak.near) for leak in level.leaks
    ]
    return [
        (title, f"{n:,}", f"{exact:,}", f"{near:,}", f"{100 * (exact + near) / max(1, n):.1f} %")
        for title, n, exact, near in rows
    ]


def _print_differing(group: DuplicateGroup) -> None:
    first = group.differing[0]
    for side in (first.one, first.other):
        label = "no entity" if side.label is None else side.label
        print(locale_escape(f"  {label}: {shown_occurrence(side)}"))
        print(locale_escape(f"    {shown_place(side)}"))


def _print_alike(group: DuplicateGroup) -> None:
    counts = ", ".join(f"{name} {n:,}" for name, n in group.parts.items())
    kind = "the same" if group.is_exact else "nearly the same"
    print(locale_escape(f"  {kind} ({counts}): {one_line(group.first[0].text)[:70]}"))
