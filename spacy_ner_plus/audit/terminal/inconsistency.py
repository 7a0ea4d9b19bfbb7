"""The section `inconsistency` on a terminal."""

from wasabi.util import locale_escape

from ..inconsistency import Inconsistencies, InconsistentForm
from .in_context import one_line, print_occurrences, shown_occurrence
from .left_out import SAME_PLACE, print_left_out

SHOWN_FORMS = 10
SHOWN_PLACES = 2


def print_inconsistency(result: Inconsistencies) -> None:
    """Print the most surprising forms."""
    print(
        f"{result.varying:,} of {result.forms:,} surface forms of entities have several labels, or "
        f"are no entity elsewhere.\n{result.places:,} of their places have a label that the others "
        f"and the neighbouring words make improbable: {result.strong:,} by\n5 bits and more, "
        f"{result.twins:,} between the same words as one with the suggested label."
    )
    print_left_out(result.left_out, SAME_PLACE)
    for its in result.found[:SHOWN_FORMS]:
        print(
            locale_escape(f"\n{its.surprise:5.1f} bits  {one_line(its.text)}: {shown_counts(its)}")
        )
        for one in its.suspects[:SHOWN_PLACES]:
            hint = ", as between the same words elsewhere" if one.has_twin else ""
            hint += ", or one entity with that of the sentence beside it" if one.is_split else ""
            suggested = one.suggested or "no entity"
            print(locale_escape(f"  suggested: {suggested}{hint} ({one.surprise:.1f} bits)"))
            print_occurrences([one.place], indent="    ")
        if its.usual is not None:
            print(locale_escape(f"  as in {shown_occurrence(its.usual)}"))
    left = len(result.found) - SHOWN_FORMS
    if left > 0:
        print(f"\n... and {left:,} more forms.")


def shown_counts(its: InconsistentForm) -> str:
    """How often it has each label, or none."""
    parts = [f"{label} {n:,}" for label, n in its.labels.items()]
    if its.unlabelled:
        parts.append(f"no entity {its.unlabelled:,}")
    return ", ".join(parts)
