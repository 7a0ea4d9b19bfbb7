"""How the entities of Docs lie to each other, and how wide they are."""

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field

from spacy.tokens import Doc

from ..nesting.nesting_counts import NestingCounts, count_nesting
from .entity_source import EntitySource


@dataclass(frozen=True)
class LyingSpans:
    """Entities of some Docs.

    counts (NestingCounts): How they lie.
    widths (Counter[int]): How many have each number of tokens.
    """

    counts: NestingCounts = field(default_factory=NestingCounts)
    widths: Counter[int] = field(default_factory=Counter)

    def n_wider(self, max_width: int) -> int:
        """How many have more tokens than this."""
        return sum(n for width, n in self.widths.items() if width > max_width)


def lying_spans(docs: Iterable[Doc], source: EntitySource) -> LyingSpans:
    """Count the entities of some Docs. source (EntitySource): Where they are."""
    counts, widths = NestingCounts(), Counter[int]()
    for doc in docs:
        spans = source.spans(doc)
        counts += count_nesting(spans)
        widths.update(end - start for start, end, _ in spans)
    return LyingSpans(counts, widths)
