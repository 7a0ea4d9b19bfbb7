"""How spans lie within and across each other, and how wide they are: the section `nesting`."""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from ..annotation.offsets import TokenEdges
from ..records import OverlapCounts, OverlappingSpans, Place
from .audited import AuditedCorpus, AuditedPart, AuditedText
from .lengths import bin_ends
from .section import Absent

FLAT = Absent("no spans overlap, so a flat model can learn all of them")


@dataclass(frozen=True)
class SpansByLying:
    """Spans, counted by how they lie.

    spans (int): All that fit the tokens; one that is given twice is one.
    nested (int): Those within a longer one.
    in_own_label (int): Of these, those within a longer one of their own label.
    crossing (int): Those that overlap another in part: each has tokens that the other has not.
    shared_places (int): Those on whose tokens there is another label, too.
    deepest (int): The most spans within each other, the outermost among them; 1 if none nest.
    wider (int): Those of more tokens than max_width.
    """

    spans: int
    nested: int
    in_own_label: int
    crossing: int
    shared_places: int
    deepest: int
    wider: int


@dataclass(frozen=True)
class NestingOfPart:
    """The spans of a part.

    total (SpansByLying): All.
    labels (Dict[str, SpansByLying]): By label, the most frequent first.
    bins (List[int]): All by the number of their tokens, see SpanNesting.ends.
    """

    total: SpansByLying
    labels: dict[str, SpansByLying]
    bins: list[int]


@dataclass(frozen=True)
class SpanNesting:
    """The section.

    max_width (int): The most tokens of a span that a classifier of spans is to look at.
    ends (List[int]): The most tokens of each bin of widths; the bins are between these.
    parts (Dict[str, NestingOfPart]): By name.
    """

    max_width: int
    ends: list[int]
    parts: dict[str, NestingOfPart]

    @property
    def warnings(self) -> list[str]:
        """What somebody should act on."""
        return [
            f"{its.total.wider:,} of the {its.total.spans:,} spans of {name} have more than "
            f"{self.max_width} tokens: a classifier of spans up to that width can't learn or find "
            "them. Give it more, or see whether so long ones are meant."
            for name, its in self.parts.items()
            if its.total.wider
        ]


def find_nesting(corpus: AuditedCorpus, max_width: int) -> SpanNesting | Absent:
    """Count how spans lie to each other. Absent if none overlap in any part.

    max_width (int): In tokens, from 1.
    """
    counted = {name: _count(part) for name, part in corpus.parts.items()}
    if not any(counts.total.overlapping for counts in counted.values()):
        return FLAT
    ends = bin_ends(max(max(counts.total.widths, default=0) for counts in counted.values()))
    return SpanNesting(
        max_width,
        ends,
        {
            name: NestingOfPart(
                _by_lying(counts.total, max_width),
                {
                    label: _by_lying(its, max_width)
                    for label, its in sorted(
                        counts.labels.items(), key=lambda one: (-one[1].spans, one[0])
                    )
                },
                _bins(counts.total, ends),
            )
            for name, counts in counted.items()
        },
    )


def _count(part: AuditedPart) -> OverlapCounts:
    counts = OverlapCounts()
    for text in part.annotated:
        counts.add(_places(text))
    return counts


def _places(text: AuditedText) -> Iterator[Place]:
    """The tokens of each entity that starts and ends where tokens do."""
    edges = TokenEdges(text.doc, white_space=text.record.tokens is not None)
    for span in text.record.spans or ():
        tokens = edges.tokens(span.start, span.end) if span.is_accepted else None
        if tokens is not None:
            yield (*tokens, span.label)


def _by_lying(counts: OverlappingSpans, max_width: int) -> SpansByLying:
    return SpansByLying(
        spans=counts.spans,
        nested=counts.nested,
        in_own_label=counts.in_own_label,
        crossing=counts.crossing,
        shared_places=counts.shared_places,
        deepest=max(counts.levels, default=0),
        wider=counts.wider(max_width),
    )


def _bins(counts: OverlappingSpans, ends: list[int]) -> list[int]:
    widths = np.array(list(counts.widths), dtype=np.int64)  # (n_widths,)
    n_spans = np.array(list(counts.widths.values()), dtype=np.int64)  # (n_widths,)
    bins = np.zeros(len(ends), dtype=np.int64)
    np.add.at(bins, np.searchsorted(ends, widths), n_spans)
    found: list[int] = bins.tolist()
    return found
