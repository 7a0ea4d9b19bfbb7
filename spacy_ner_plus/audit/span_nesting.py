"""How spans lie within and across each other, and how wide they are: the section `nesting`."""

import sys
from collections import Counter, defaultdict
from dataclasses import asdict, dataclass

import numpy as np

from ..nesting.chain_spans import DerivedChains, derive_chains
from ..nesting.nesting_counts import NestingCounts, count_nesting_by_label
from .audited import AuditedCorpus, AuditedPart
from .lengths import bin_ends
from .section import Absent

FLAT = Absent("no spans overlap, so a flat model can learn all of them")


@dataclass(frozen=True)
class AuditedNesting(NestingCounts):
    """Spans that fit the tokens, counted by how they lie, and the wide ones.

    wider (int): Those of more tokens than max_width.
    levels (int): How many chains of tags hold those of a label that are within each other; of all
        labels the most. ner_plus_spans has so many with its head "crf_per_label".
    in_no_chain (int): Those that it can't learn with any levels, as they cross longer ones of their
        label.
    """

    wider: int = 0
    levels: int = 0
    in_no_chain: int = 0


@dataclass(frozen=True)
class NestingOfPart:
    """The spans of a part.

    total (AuditedNesting): All.
    labels (Dict[str, AuditedNesting]): By label, the most frequent first.
    bins (List[int]): All by the number of their tokens, see SpanNesting.ends.
    """

    total: AuditedNesting
    labels: dict[str, AuditedNesting]
    bins: list[int]


@dataclass(frozen=True)
class SpanNesting:
    """The section.

    max_width (int): The most tokens of a span that a biaffine head is to look at.
    ends (List[int]): The most tokens of each bin of widths; the bins are between these.
    parts (Dict[str, NestingOfPart]): By name.
    """

    max_width: int
    ends: list[int]
    parts: dict[str, NestingOfPart]

    @property
    def warnings(self) -> list[str]:
        """What somebody should act on."""
        wider = [
            f"{its.total.wider:,} of the {its.total.spans:,} spans of {name} have more than "
            f"{self.max_width} tokens: a biaffine head of that max_width can't learn or find them. "
            'Give it more, take the head "both", or see whether so long ones are meant.'
            for name, its in self.parts.items()
            if its.total.wider
        ]
        crossing = [
            f"{its.total.crossing:,} of the {its.total.spans:,} spans of {name} cross others, "
            "which is often by mistake: look at some. If it is meant, they are found together with "
            'allow = "all" alone.'
            for name, its in self.parts.items()
            if its.total.crossing
        ]
        return wider + crossing


def find_nesting(corpus: AuditedCorpus, max_width: int) -> SpanNesting | Absent:
    """Count how spans lie to each other. Absent if none overlap in any part.

    max_width (int): In tokens, from 1.
    """
    counted = {name: _count(part) for name, part in corpus.parts.items()}
    if not any(its.total(max_width).any_overlap for its in counted.values()):
        return FLAT
    ends = bin_ends(max(max(its.widths(), default=0) for its in counted.values()))
    return SpanNesting(
        max_width,
        ends,
        {
            name: NestingOfPart(its.total(max_width), its.by_label(max_width), its.bins(ends))
            for name, its in counted.items()
        },
    )


@dataclass(frozen=True)
class _Counted:
    """The spans of a part.

    nesting: How they lie, by label.
    widths_of: How many have each number of tokens, by label.
    chains: The chains of tags that hold them; None if there are none.
    """

    nesting: dict[str, NestingCounts]
    widths_of: dict[str, Counter[int]]
    chains: DerivedChains | None

    def widths(self) -> Counter[int]:
        """Of all labels."""
        return sum(self.widths_of.values(), start=Counter())

    def total(self, max_width: int) -> AuditedNesting:
        counts = sum(self.nesting.values(), start=NestingCounts())
        return self._with_rest(counts, self.widths(), max_width, list(self.nesting))

    def by_label(self, max_width: int) -> dict[str, AuditedNesting]:
        """The most frequent first."""
        ordered = sorted(self.nesting.items(), key=lambda one: (-one[1].spans, one[0]))
        return {
            label: self._with_rest(counts, self.widths_of[label], max_width, [label])
            for label, counts in ordered
        }

    def _with_rest(
        self, counts: NestingCounts, widths: Counter[int], max_width: int, labels: list[str]
    ) -> AuditedNesting:
        """With the wide ones, and what of these labels chains hold."""
        levels, in_no_chain = 0, 0
        if self.chains is not None:
            levels = max(self.chains.plan.n_levels((label,)) for label in labels)
            in_no_chain = sum(self.chains.n_crossing.get(label, 0) for label in labels)
        return AuditedNesting(
            **asdict(counts),
            wider=_n_wider(widths, max_width),
            levels=levels,
            in_no_chain=in_no_chain,
        )

    def bins(self, ends: list[int]) -> list[int]:
        """All spans by their number of tokens. ends: See SpanNesting."""
        widths = self.widths()
        bins = np.zeros(len(ends), dtype=np.int64)
        places = np.searchsorted(ends, np.array(list(widths), dtype=np.int64))  # (n_widths,)
        np.add.at(bins, places, np.array(list(widths.values()), dtype=np.int64))
        found: list[int] = bins.tolist()
        return found


def _count(part: AuditedPart) -> _Counted:
    nesting: defaultdict[str, NestingCounts] = defaultdict(NestingCounts)
    widths_of: defaultdict[str, Counter[int]] = defaultdict(Counter)
    texts = [
        {(span.start, span.end, span.label_) for span in text.spans} for text in part.annotated
    ]
    for spans in texts:
        for label, counts in count_nesting_by_label(spans).items():
            nesting[label] += counts
        for start, end, label in spans:
            widths_of[label][end - start] += 1
    chains = None
    if nesting:
        chains = derive_chains(texts, sorted(nesting), most_levels=sys.maxsize, layered=False)
    return _Counted(dict(nesting), dict(widths_of), chains)


def _n_wider(widths: Counter[int], max_width: int) -> int:
    return sum(n for width, n in widths.items() if width > max_width)
