"""The section `lengths` on a terminal."""

from wasabi.util import locale_escape

from ...evaluation.tables import print_table
from ..lengths import Lengths, LengthTable, WindowFit
from .in_context import shown_occurrence, shown_place

SHOWN_LONGEST = 2


def print_lengths(lengths: Lengths) -> None:
    """Print quantiles, what does not fit in a window, and the longest entities."""
    header = ("Length", "Units", "Mean", "Median", "90 %", "99 %", "Longest")
    print_table(header, [row for table in lengths.tables for row in _rows(table)])
    for fit in lengths.fits:
        _print_fit(fit)
    if lengths.encoder is None:
        print("No encoder is at hand: --encoder NAME_OR_FOLDER counts wordpieces, too.")
    if longest := lengths.longest.get("entities", [])[:SHOWN_LONGEST]:
        print("The longest entities:")
        for one in longest:
            print(locale_escape(f"  {one.length:,} tokens: {shown_occurrence(one.at)}"))
            print(locale_escape(f"    {shown_place(one.at)}"))


def _rows(table: LengthTable) -> list[tuple[str, ...]]:
    rows = []
    for name, its in table.parts.items():
        figures = (its.median, its.p90, its.p99, its.longest)
        title = f"{name}: {table.unit} in {table.measure}"
        shown = (f"{number:,}" for number in figures)
        rows.append((title, f"{its.count:,}", f"{its.mean:,.1f}", *shown))
    return rows


def _print_fit(fit: WindowFit) -> None:
    for name, its in fit.parts.items():
        if its.texts or its.sentences:
            print(
                f"More than {fit.window:,} wordpieces ({fit.what}) in {name}: {its.texts:,} texts, "
                f"read in {its.windows:,} windows; {its.sentences:,} sentences; {its.entities:,} "
                "entities are read in more than one window."
            )
    if not any(its.texts for its in fit.parts.values()):
        print(f"No text has more than {fit.window:,} wordpieces ({fit.what}).")
