"""The section `boundaries` on a terminal."""

from collections.abc import Sequence

from wasabi.util import locale_escape

from ...evaluation.tables import print_table
from ..boundaries import Boundaries, EdgeWord
from ..boundary_pairs import BoundaryPair
from .in_context import one_line, print_occurrences

SHOWN_WORDS, SHOWN_PAIRS, SHOWN_EXAMPLES = 10, 10, 3


def print_boundaries(result: Boundaries) -> None:
    """Print the words and forms whose boundaries vary most."""
    if not result.words and not result.pairs:
        print("No word is inside of some entities and beside others against what is expected.")
    if result.words:
        _print_words(result.words)
    if result.pairs:
        _print_pairs(result.pairs)


def _print_words(words: Sequence[EdgeWord]) -> None:
    print(f"{len(words):,} words are at the edge of some entities, and beside others:")
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
        for its in words[:SHOWN_WORDS]
    ]
    header = ("Word", "Label", "Side", "Inside", "Outside", "Surprising", "Bits")
    print_table(header, rows, left=3)
    for its in words[:SHOWN_EXAMPLES]:
        print(locale_escape(f"{one_line(its.word)}, {its.label}:"))
        print_occurrences(one.place for one in its.places[:2])


def _print_pairs(pairs: Sequence[BoundaryPair]) -> None:
    print(f"\n{len(pairs):,} forms are an entity as a whole here, and in part there:")
    rows = [
        (
            one_line(its.whole),
            one_line(its.part),
            its.label,
            f"{its.as_whole:,}",
            f"{its.in_part:,}",
            f"{its.cut:,}",
        )
        for its in pairs[:SHOWN_PAIRS]
    ]
    print_table(("Whole", "Part", "Label", "As a whole", "In part", "Cut"), rows, left=3)
    if any(its.cut for its in pairs):
        print("Cut: a sentence starts within the whole there, mostly by mistake.")
    for its in pairs[:SHOWN_EXAMPLES]:
        print_occurrences([its.whole_example, its.part_example])
