"""An annotation that is given twice is one, and relations are between those that are there."""

from collections import Counter
from collections.abc import Iterable
from dataclasses import replace

from .span_records import RelationRecord, SpanRecord
from .text_record import TextRecord


def without_duplicates(record: TextRecord) -> tuple[TextRecord, int]:
    """A record without accepted spans that repeat one before them, and how many those are.

    They have the same characters, label and kb id. What else the first says is kept; if it has no
    id, it gets theirs, and relations of theirs are its own.
    """
    places: dict[tuple[object, ...], int] = {}
    spans: list[SpanRecord] = []
    ids: dict[str | int, str | int] = {}
    for span in record.spans or ():
        key = (span.start, span.end, span.label, span.kb_id)
        if not span.is_accepted or key not in places:
            if span.is_accepted:
                places[key] = len(spans)
            spans.append(span)
        elif span.id is not None:
            first = spans[places[key]]
            if first.id is None:
                spans[places[key]] = replace(first, id=span.id)
            else:
                ids[span.id] = first.id
    n_repeated = len(record.spans or ()) - len(spans)
    if not n_repeated:
        return record, 0
    ids |= {span.id: span.id for span in spans if span.id is not None}
    relations = tuple(
        replace(one, head=ids[one.head], tail=ids[one.tail]) for one in record.relations
    )
    return replace(record, spans=tuple(spans), relations=relations), n_repeated


def among(
    relations: Iterable[RelationRecord], spans: Iterable[SpanRecord]
) -> tuple[RelationRecord, ...]:
    """The relations whose ends are among the spans."""
    n_spans = Counter(span.id for span in spans)
    return tuple(one for one in relations if n_spans[one.head] == n_spans[one.tail] == 1)
