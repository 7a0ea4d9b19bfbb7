"""The section `ambiguous` on a terminal."""

from ...evaluation.tables import print_table
from ..ambiguous import AmbiguousForms, Sense
from .in_context import one_line
from .left_out import SAME_PLACE, print_left_out

SHOWN_FORMS = 10


def print_ambiguous(result: AmbiguousForms) -> None:
    """Print the forms with most places."""
    print_left_out(result.left_out, SAME_PLACE)
    if not result.found:
        print("No surface form has several labels that its neighbours tell apart.")
        return
    print(
        f"{len(result.found):,} of {result.varying:,} surface forms that vary do so rightly: the "
        f"neighbouring words tell their\nlabels apart. {result.several_labels:,} have several "
        f"labels, {result.also_unlabelled:,} are no entity elsewhere."
    )
    rows = [
        (one_line(its.text), ", ".join(map(_shown, its.senses)), f"{its.places:,}")
        for its in result.found[:SHOWN_FORMS]
    ]
    print_table(("Form", "Labels: places (told by neighbours)", "Places"), rows, left=2)
    left = len(result.found) - SHOWN_FORMS
    if left > 0:
        print(f"... and {left:,} more forms.")


def _shown(sense: Sense) -> str:
    return f"{sense.label or 'no entity'} {sense.places:,} ({sense.predicted:,})"
