"""The section `cues` on a terminal."""

from wasabi.util import locale_escape

from ...evaluation.tables import print_table
from ..cues import Cues
from .in_context import one_line, print_occurrences
from .left_out import LONGER, print_left_out

SHOWN_CUES, SHOWN_EXAMPLES = 10, 5


def print_cues(result: Cues) -> None:
    """Print the cues whose exceptions are the most surprising."""
    print_left_out(result.left_out, LONGER)
    if not result.cues:
        print("No word goes with a label in at least 10 places and 90 % of them.")
        return
    print(
        f"{result.cues:,} words nearly always go with a label; {len(result.broken):,} of them have "
        f"exceptions, of which {result.unlabelled:,} are in no entity."
    )
    if not result.broken:
        return
    rows = [
        (
            one_line(cue.word),
            f"{cue.side} of {cue.casing.replace('_', ' ')}",
            cue.label,
            f"{cue.places:,}",
            f"{cue.places - cue.with_label:,}",
            f"{cue.unlabelled:,}",
            f"{cue.ratio:,.0f}",
        )
        for cue in result.broken[:SHOWN_CUES]
    ]
    header = ("Word", "Where", "Label", "Places", "Exceptions", "No entity", "LLR")
    print_table(header, rows, left=3)
    for cue in [cue for cue in result.broken if cue.unlabelled][:SHOWN_EXAMPLES]:
        print(locale_escape(f"{one_line(cue.word)} ({cue.label}), but"))
        print_occurrences(cue.exceptions[:1])
