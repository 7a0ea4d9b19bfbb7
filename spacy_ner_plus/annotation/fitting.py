"""A record whose entities are tokens: each of its annotations kept, changed or refused."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

from ..records import SpanRecord, TextRecord, among, check_tidy, without_duplicates
from .offsets import TokenEdges
from .overlaps import choose_flat
from .placement import (
    CHANGED,
    KEPT,
    OVERLAPPING,
    REFUSED,
    REPEATED,
    Placement,
    Placing,
    place_span,
)


@dataclass(frozen=True)
class Fitted:
    """What a record says that tokens can say, too.

    record (TextRecord): Its accepted spans start and end where tokens do. Where one is refused,
        annotation is missing: `unknown` has its characters.
    placements (Tuple[Placement, ...]): What became of each accepted span, in their order.
    n_relations_lost (int): Relations of refused ones, which are gone.
    """

    record: TextRecord
    placements: tuple[Placement, ...] = ()
    n_relations_lost: int = 0


def fit_record(record: TextRecord, edges: TokenEdges, placing: Placing, *, is_flat: bool) -> Fitted:
    """Find the tokens of a record's entities. Rejected and ignored ones stay as they are.

    edges (TokenEdges): Of the tokens of its text.
    is_flat (bool): Whether entities must not overlap. If placing says which of them remain, the
        others are refused; with "error", all of them are left for the caller to find.
    RAISES ValueError: A label has white space around it.
    """
    placements: list[Placement] = []
    spans: list[SpanRecord] = []
    seen: set[tuple[int, int, str, str | None]] = set()
    for i, span in enumerate(record.spans or ()):
        check_tidy(f"The label of spans[{i}]", span.label)
        if not span.is_accepted:
            spans.append(span)
            continue
        found = place_span(span, record.text, edges, placing)
        if (placed := found.placed) is not None:
            if placing.merges_repeated and _key(placed) in seen:
                found = replace(found, outcome=CHANGED, done=(*found.done, REPEATED))
            seen.add(_key(placed))
            spans.append(placed)
        placements.append(found)
    if is_flat and placing.overlaps != "error":
        placements, spans = _without_overlaps(placements, spans, placing.overlaps)
    if all(one.outcome == KEPT for one in placements):
        return Fitted(record, tuple(placements))
    fitted = _with_spans(record, spans, placements)
    if placing.merges_repeated:
        return replace(fitted, record=without_duplicates(fitted.record)[0])
    return fitted


def _without_overlaps(
    placements: Sequence[Placement], spans: Sequence[SpanRecord], overlaps: str
) -> tuple[list[Placement], list[SpanRecord]]:
    """Refuse all but one of entities that overlap. Repeated ones go where the first goes."""
    placed = {i: one.placed for i, one in enumerate(placements) if one.placed}
    numbers = [i for i in placed if REPEATED not in placements[i].done]
    chosen = choose_flat([placed[i] for i in numbers], overlaps)
    winners = {
        numbers[i]: placed[numbers[winner]] for i, winner in chosen.items() if winner is not None
    }
    firsts: dict[tuple[int, int, str, str | None], int] = {}
    for i, span in placed.items():
        first = firsts.setdefault(_key(span), i)
        if REPEATED in placements[i].done and first in winners:
            winners[i] = winners[first]
    found = [
        _give_way(one, winners[i]) if i in winners else one for i, one in enumerate(placements)
    ]
    number = iter(placed)  # of the accepted spans, in their order
    return found, [one for one in spans if not one.is_accepted or next(number) not in winners]


def _key(span: SpanRecord) -> tuple[int, int, str, str | None]:
    """What repeated entities have in common."""
    return span.start, span.end, span.label, span.kb_id


def _give_way(one: Placement, winner: SpanRecord) -> Placement:
    its = one.span
    message = (
        f"{its.label} at characters {its.start}-{its.end} overlaps {winner.label} at "
        f"{winner.start}-{winner.end}, which remains"
    )
    return replace(one, outcome=REFUSED, done=(OVERLAPPING,), placed=None, message=message)


def _with_spans(
    record: TextRecord, spans: Sequence[SpanRecord], placements: Sequence[Placement]
) -> Fitted:
    refused = [one.span for one in placements if one.outcome == REFUSED]
    relations = among(record.relations, spans)
    changed = replace(
        record,
        spans=tuple(spans),
        relations=relations,
        unknown=(*record.unknown, *((span.start, span.end) for span in refused)),
    )
    return Fitted(changed, tuple(placements), len(record.relations) - len(relations))
