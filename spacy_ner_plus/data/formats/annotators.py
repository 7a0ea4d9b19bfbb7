"""One text that several people annotated: what they agree on."""

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from ...records import SpanRecord, Stretch, TextRecord

ALL, FIRST, AGREED = "all", "first", "agreed"
CHOICES = (ALL, FIRST, AGREED)
# Of meta: who annotated a record.
ANNOTATOR = "annotator"


def with_annotator(record: TextRecord, name: Any) -> TextRecord:
    """A record that says who annotated it, unless its meta says something else by that."""
    if name is None or ANNOTATOR in record.meta:
        return record
    return replace(record, meta={**record.meta, ANNOTATOR: name})


def agreed(records: Sequence[TextRecord]) -> TextRecord:
    """What annotators of a text agree on; where they differ is unknown.

    records (Sequence[TextRecord]): Of the same text, one an annotator. Those without spans are
        passed over, unless there are no others.
    RETURNS (TextRecord): The first, with the spans that all have in the same place with the same
        label, kb id and status. Keys and meta that are not the same in all are left out.
    """
    voices = [record for record in records if record.spans is not None] or list(records)
    first = voices[0]
    if first.spans is None:
        return first
    keys = [{_key(span) for span in one.spans or ()} for one in voices]
    common = set.intersection(*keys)
    spans = tuple(span for span in first.spans if _key(span) in common)
    disputed = [
        (span.start, span.end)
        for one in voices
        for span in one.spans or ()
        if _key(span) not in common
    ]
    unknown = [stretch for one in voices for stretch in one.unknown]
    ids = {span.id for span in spans}
    return replace(
        first,
        spans=spans,
        unknown=_union([*unknown, *disputed]),
        relations=tuple(
            one
            for one in first.relations
            if one.head in ids and one.tail in ids and all(_has(one, other) for other in voices)
        ),
        meta=_shared([one.meta for one in voices]),
        other=_shared([one.other for one in voices]),
    )


def _key(span: SpanRecord) -> tuple[Any, ...]:
    status = None if span.is_accepted else span.status
    return (span.start, span.end, span.label, span.kb_id, status)


def _has(relation: Any, record: TextRecord) -> bool:
    """Whether a record has a relation with the same label between the same ids."""
    wanted = (relation.head, relation.tail, relation.label)
    return any((one.head, one.tail, one.label) == wanted for one in record.relations)


def _union(stretches: Sequence[Stretch]) -> tuple[Stretch, ...]:
    found: list[Stretch] = []
    for start, end in sorted(stretches):
        if found and start <= found[-1][1]:
            found[-1] = (found[-1][0], max(end, found[-1][1]))
        else:
            found.append((start, end))
    return tuple(found)


def _shared(objects: Sequence[dict[str, Any]]) -> dict[str, Any]:
    first = objects[0]
    return {
        key: value
        for key, value in first.items()
        if all(key in one and one[key] == value for one in objects)
    }
