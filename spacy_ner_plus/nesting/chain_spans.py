"""Which chain each span of a text is in."""

import sys
from bisect import bisect
from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from .chain_plan import ChainPlan
from .nesting_counts import NestingCounts, count_nesting
from .span_relations import PlacedSpan, chain_lengths

Family = tuple[str, ...]


@dataclass(frozen=True)
class ChainSpans:
    """The spans of a text in chains. Each has a list for each chain, in the plan's order.

    All lists are from left to right.

    held: What the chain holds.
    crossing: What it would hold, did they not cross longer ones that it holds, or as long ones on
        the left.
    too_deep: In the last chain of its labels, what lies deeper than there are levels.
    """

    held: list[list[PlacedSpan]]
    crossing: list[list[PlacedSpan]]
    too_deep: list[list[PlacedSpan]]


@dataclass(frozen=True)
class DerivedChains:
    """The chains that texts need, and what they do not hold.

    plan (ChainPlan): The chains.
    counts (NestingCounts): Of all texts.
    n_at_level: For each label, how many spans lie at each level, deeper ones than there are chains
        of included: *(label, level)* -> count.
    n_crossing: For each label, how many of these are left out because they cross others of their
        chain.
    n_too_deep: For each label, how many are left out because they lie deeper than there are levels.
    """

    plan: ChainPlan
    counts: NestingCounts
    n_at_level: dict[tuple[str, int], int]
    n_crossing: dict[str, int]
    n_too_deep: dict[str, int]

    def describe(self) -> str:
        """What is there and what is left out, in a few lines."""
        counts, plan = self.counts, self.plan
        lines = [
            f"{counts.spans:,} spans: {counts.nested:,} lie within longer ones, "
            f"{counts.nested_in_own_label:,} of them within one of their own label; "
            f"{counts.crossing:,} cross others, {counts.several_labels:,} have the place "
            "of another with another label.",
            f"{len(plan.chains)} chains: "
            + ", ".join(f"{' '.join(f)} x {plan.n_levels(f)}" for f in plan.families),
        ]
        for left_out, why in (
            (self.n_too_deep, "lie deeper than there are levels"),
            (self.n_crossing, "cross others of their label and level"),
        ):
            if left_out:
                each = ", ".join(f"{label} {n:,}" for label, n in sorted(left_out.items()))
                lines.append(f"{sum(left_out.values()):,} can't be learned, they {why}: {each}")
        return "\n".join(lines)


def chain_spans(spans: Iterable[PlacedSpan], plan: ChainPlan) -> ChainSpans:
    """Put the spans of a text into chains. The same span twice counts once.

    RAISES ValueError: A label is in no chain.
    """
    by_level = _by_level(spans, plan.families)
    result = ChainSpans(
        held=[[] for _ in plan.chains],
        crossing=[[] for _ in plan.chains],
        too_deep=[[] for _ in plan.chains],
    )
    for i, chain in enumerate(plan.chains):
        held, crossing = by_level.pop((chain.labels, chain.level), ([], []))
        result.held[i].extend(held)
        result.crossing[i].extend(crossing)
    last = {chain.labels: i for i, chain in enumerate(plan.chains)}
    for (family, _), (held, crossing) in by_level.items():
        result.too_deep[last[family]].extend(held + crossing)
    for too_deep in result.too_deep:
        too_deep.sort()
    return result


def derive_chains(
    texts: Iterable[Iterable[PlacedSpan]],
    labels: Sequence[str],
    *,
    most_levels: int,
    layered: bool,
) -> DerivedChains:
    """The chains that hold the spans of some texts.

    labels (Sequence[str]): Their labels. Those without spans have a chain, too.
    most_levels (int): At most so many chains of a label, or layers.
    layered (bool): Have chains for all labels together, by how many others of any label, one inside
        the other, spans lie within; of those with the same place the first label is the outer one.
        Else each label has chains of its own.
    RAISES ValueError: A label of a span is not among the labels, or there are no labels or levels.
    """
    if not labels or most_levels < 1:
        raise ValueError(
            f"Chains need labels and at least 1 level, got {list(labels)} and most_levels = "
            f"{most_levels}."
        )
    families = [tuple(labels)] if layered else [(label,) for label in labels]
    counts = NestingCounts()
    held: Counter[tuple[str, int]] = Counter()
    crossing: Counter[tuple[str, int]] = Counter()
    n_levels = dict.fromkeys(families, 1)
    for spans in texts:
        spans = list(spans)
        counts += count_nesting(spans)
        for (family, level), (own_held, own_crossing) in _by_level(spans, families).items():
            held.update((span[2], level) for span in own_held)
            crossing.update((span[2], level) for span in own_crossing)
            n_levels[family] = max(n_levels[family], min(level + 1, most_levels))
    plan = ChainPlan.of_levels(n_levels.items())
    return DerivedChains(
        plan=plan,
        counts=counts,
        n_at_level=dict(sorted((held + crossing).items())),
        n_crossing=_by_label(crossing, range(most_levels)),
        n_too_deep=_by_label(held + crossing, range(most_levels, sys.maxsize)),
    )


def _by_label(counts: "Counter[tuple[str, int]]", levels: range) -> dict[str, int]:
    """Sums over some levels, for the labels that have any."""
    sums: Counter[str] = Counter()
    for (label, level), n in counts.items():
        if level in levels:
            sums[label] += n
    return dict(sums)


def _by_level(
    spans: Iterable[PlacedSpan], families: Sequence[Family]
) -> dict[tuple[Family, int], tuple[list[PlacedSpan], list[PlacedSpan]]]:
    """The spans of each family at each level: those that a chain can hold, and the others."""
    family_of = {label: family for family in families for label in family}
    rank = {label: i for i, label in enumerate(family_of)}
    unique = set(spans)
    unknown = {span[2] for span in unique} - set(family_of)
    if unknown:
        raise ValueError(
            f"Spans have the labels {sorted(unknown)}, which no chain has; they have "
            f"{list(family_of)}."
        )
    by_family: defaultdict[Family, list[PlacedSpan]] = defaultdict(list)
    for span in sorted(unique, key=lambda span: (span[0], -span[1], rank[span[2]])):
        by_family[family_of[span[2]]].append(span)
    groups: defaultdict[tuple[Family, int], list[PlacedSpan]] = defaultdict(list)
    for family, ordered in by_family.items():
        # on one place, a label lies inside those before it
        for span, level in zip(ordered, chain_lengths(end for _, end, _ in ordered), strict=True):
            groups[family, level].append(span)
    return {key: _without_crossing(group) for key, group in groups.items()}


def _without_crossing(spans: list[PlacedSpan]) -> tuple[list[PlacedSpan], list[PlacedSpan]]:
    """Spans that do not overlap, and those that give way to them: the longest and first remain.

    RETURNS: Both from left to right.
    """
    held: list[PlacedSpan] = []
    crossing: list[PlacedSpan] = []
    for span in sorted(spans, key=lambda span: (span[0] - span[1], span[0])):
        at = bisect(held, span)
        beside = held[max(at - 1, 0) : at + 1]
        if any(one[0] < span[1] and span[0] < one[1] for one in beside):
            crossing.append(span)
        else:
            held.insert(at, span)
    return held, sorted(crossing)
