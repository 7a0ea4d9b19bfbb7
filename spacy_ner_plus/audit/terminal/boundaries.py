"""The section `boundaries` on a terminal."""

from wasabi.util import locale_escape

from ...evaluation.tables import print_table
from ..boundaries import Boundaries
from .in_context import one_line, print_occurrences

SHOWN_WORDS, SHOWN_PAIRS, SHOWN_EXAMPLES = 10, 10, 3


def print_boundaries(result: Boundaries) -> None:
    """Print the words and forms whose boundaries vary most."""
    if not result.words and not result.pairs:
        print("No word is inside of some entities and beside others against what is expected.")
        return
    if result.words:
        print(f"{len(result.words):,} words are at the edge of some entities, and beside others:")
        rows = [
            (
                one_line(its.word),
                its.label,
                its.side,
                f"{its.inside:,}",
                f"{its.outside:,}",
                f"{its.surprising:,}",
                f"{its.surprise:.1f}",
            )
            for its in result.words[:SHOWN_WORDS]
        ]
        header = ("Word", "Label", "Side", "Inside", "Outside", "Surprising", "Bits")
        print_table(header, rows, left=3)
        for its in result.words[:SHOWN_EXAMPLES]:
            print(locale_escape(f"{one_line(its.word)}, {its.label}:"))
            print_occurrences(one.place for one in its.places[:2])
    if result.pairs:
        print(f"\n{len(result.pairs):,} forms are an entity as a whole here, and in part there:")
        pairs = [
            (
                one_line(its.whole),
                one_line(its.part),
                its.label,
                f"{its.as_whole:,}",
                f"{its.in_part:,}",
            )
            for its in result.pairs[:SHOWN_PAIRS]
        ]
        print_table(("Whole", "Part", "Label", "As a whole", "In part"), pairs, left=3)
        for pair in result.pairs[:SHOWN_EXAMPLES]:
            print_occurrences([pair.whole_example, pair.part_example])
