"""What tables on a terminal are made of."""

from collections.abc import Sequence

from wasabi import msg

from .score_types import Measures, SchemeScores

NONE = "-"


def print_table(
    header: Sequence[str], rows: Sequence[Sequence[str]], *, left: int = 1, spacing: int = 3
) -> None:
    """Print rows below their header.

    left (int): How many columns are aligned to the left; the others are to the right.
    spacing (int): Blanks between columns.
    """
    aligns = "l" * left + "r" * (len(header) - left)
    msg.table(rows, header=header, divider=True, aligns=tuple(aligns), spacing=spacing, max_col=60)


def scores_in_percent(its: Measures | SchemeScores) -> tuple[str, str, str]:
    """Precision, recall and F1, without those that have no cases."""
    precision, recall, f1 = its.shown
    return percent(precision), percent(recall), percent(f1)


def percent(share: float | None, digits: int = 2) -> str:
    """A share in percent."""
    return NONE if share is None else f"{100 * share:.{digits}f}"
