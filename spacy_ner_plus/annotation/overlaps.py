"""Which of the entities that overlap remain, where only one can."""

from bisect import bisect
from collections.abc import Callable, Sequence

from ..records import SpanRecord

OVERLAPS = ("error", "longest", "first")
LABELS = "labels:"


def check_overlaps(overlaps: str) -> None:
    """RAISES ValueError: It is none of the ways to choose.

    overlaps (str): "longest", in characters, of those as long the one that is given first; "first",
        as they are given; "labels:A,B", those of A before those of B before all others, and of a
        label as longest; "error" for none.
    """
    if overlaps in OVERLAPS:
        return
    if not overlaps.startswith(LABELS) or not all(order := _order(overlaps)):
        raise ValueError(
            f"--overlaps {overlaps} must be one of {', '.join(OVERLAPS)}, or labels:A,B, types in "
            "the order in which they win."
        )
    if len(set(order)) < len(order):
        raise ValueError(f"--overlaps {overlaps} names a type twice: leave one out.")


def choose_flat(spans: Sequence[SpanRecord], overlaps: str) -> dict[int, int | None]:
    """Choose spans that do not overlap.

    spans (Sequence[SpanRecord]): In the order in which they are given.
    overlaps (str): See check_overlaps.
    RETURNS (Dict[int, Optional[int]]): For each span by its number, None if it remains, else the
        number of one that it gives way to.
    """
    rank = _rank(overlaps)
    chosen: list[tuple[int, int]] = []  # start and number, from left to right: none overlap
    found: dict[int, int | None] = {}
    for i in sorted(range(len(spans)), key=lambda i: (*rank(spans[i]), i)):
        at = bisect(chosen, (spans[i].start, i))
        beside = (j for _, j in chosen[max(at - 1, 0) : at + 1])
        found[i] = next((j for j in beside if _overlap(spans[i], spans[j])), None)
        if found[i] is None:
            chosen.insert(at, (spans[i].start, i))
    return found


def _rank(overlaps: str) -> Callable[[SpanRecord], tuple[int, ...]]:
    if overlaps == "first":
        return lambda span: ()
    if overlaps == "longest":
        return lambda span: (span.start - span.end,)
    order = {label: i for i, label in enumerate(_order(overlaps))}
    return lambda span: (order.get(span.label, len(order)), span.start - span.end)


def _order(overlaps: str) -> list[str]:
    return [label.strip() for label in overlaps.removeprefix(LABELS).split(",")]


def _overlap(one: SpanRecord, other: SpanRecord) -> bool:
    return one.start < other.end and other.start < one.end
