"""The section `nesting` on a terminal."""

from itertools import pairwise

from ...evaluation.tables import print_table
from ..span_nesting import AuditedNesting, NestingOfPart, SpanNesting


def print_nesting(nesting: SpanNesting) -> None:
    """Print how the spans of each part lie to each other, by label, and how wide they are.

    Chains are those of tags that hold a label's spans within each other.
    """
    header = (
        "Spans", "All", "Nested", "In own label", "Crossing", "Two labels", "Deepest",
        f"> {nesting.max_width} tokens", "Chains", "In none",
    )  # fmt: skip
    rows = []
    for name, part in nesting.parts.items():
        rows.append((name, *_cells(part.total)))
        rows += [(f"  {label}", *_cells(its)) for label, its in part.labels.items()]
    print_table(header, rows)
    for name, part in nesting.parts.items():
        print(f"Widths in {name}, in tokens: {_widths(nesting.ends, part)}.")


def _cells(its: AuditedNesting) -> tuple[str, ...]:
    counts = (
        its.spans, its.nested, its.nested_in_own_label, its.crossing, its.several_labels,
        its.deepest, its.wider, its.levels, its.in_no_chain,
    )  # fmt: skip
    return tuple(f"{count:,}" for count in counts)


def _widths(ends: list[int], part: NestingOfPart) -> str:
    bins = zip(pairwise([0, *ends]), part.bins, strict=True)
    return ", ".join(
        f"{end}: {n:,}" if end == before + 1 else f"{before + 1}-{end}: {n:,}"
        for (before, end), n in bins
        if n
    )
