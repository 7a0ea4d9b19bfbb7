"""What records have and Label Studio has no place for, in the `meta` of tasks.

It comes out of Label Studio as it went in. What is known of the annotation is of use only as long
as the annotation is what it was: it goes with a fingerprint.
"""

import json
import zlib
from collections import Counter
from collections.abc import Iterable
from typing import Any

from ...records import RelationRecord, SpanRecord, TextRecord
from .label_studio_regions import OURS

# How a text was written, where its look would say otherwise.
KIND, PLAIN, HTML = "kind", "text", "html"
ANNOTATION = "annotation_extras"
# Of a row: nothing is known beside its spans.
WHOLE = "all_unknown"
_OF = "of"
_STRETCHES = ("unknown", "blocked")


def fingerprint(spans: Iterable[SpanRecord] | None) -> int | None:
    """What changes if somebody changes the regions of a task."""
    if spans is None:
        return None
    regions = sorted([span.start, span.end, span.label] for span in spans)
    return zlib.crc32(json.dumps(regions).encode("utf8"))


def extras_of(
    record: TextRecord, spans: list[SpanRecord] | None, relations: list[RelationRecord]
) -> dict[str, Any]:
    """What an annotation of these regions and relations does not say of a record's annotation."""
    if (
        len(spans or ()) == len(record.spans or ())
        and len(relations) == len(record.relations)
        and not (record.unknown or record.blocked or record.annotated_labels is not None)
    ):
        return {}  # as most have none
    row = record.to_json()
    extras = {key: row[key] for key in (*_STRETCHES, "annotated_labels") if key in row}
    for name, all_of_it, held in (
        ("spans", record.spans or (), spans or []),
        ("relations", record.relations, relations),
    ):
        is_held = {id(one) for one in held}
        rest = [[i, one.to_json()] for i, one in enumerate(all_of_it) if id(one) not in is_held]
        extras |= {name: rest} if rest else {}
    return {_OF: fingerprint(spans), **extras} if extras else {}


def completed(where: str, record: TextRecord, counts: Counter[str]) -> TextRecord:
    """A record with what its task's meta has of it, under the key OURS of the record.

    RAISES (ValueError): It is not what was written.
    """
    row = record.to_json()
    pending = row.pop(OURS)
    try:
        row = pending.get("other", {}) | row
        row |= {key: pending[key] for key in ("id", "tokens") if key in pending}
        if "meta" in pending:
            row["meta"] = {**row.get("meta", {}), **pending["meta"]}
        if ANNOTATION in pending:
            if pending[ANNOTATION].get(_OF) == fingerprint(record.spans):
                _apply(row, pending[ANNOTATION])
            else:
                counts["annotations changed since they were written, taken for complete"] += 1
        if pending.get(WHOLE):
            if record.text:
                row["unknown"] = [*row.get("unknown", []), [0, len(record.text)]]
            else:
                row.pop("spans", None)
        return TextRecord.from_json(row)
    except (ValueError, TypeError, AttributeError) as error:
        raise ValueError(
            f"{where}: meta's {OURS!r} is not as it was written, {error} Take it out of the task."
        ) from None


def _apply(row: dict[str, Any], extras: dict[str, Any]) -> None:
    for key in _STRETCHES:
        if key in extras:
            row[key] = [*row.get(key, []), *extras[key]]
    if "annotated_labels" in extras:
        row["annotated_labels"] = extras["annotated_labels"]
    for key in ("spans", "relations"):
        for i, one in extras.get(key, []):
            row.setdefault(key, []).insert(i, one)
