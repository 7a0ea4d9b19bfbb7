"""Texts that go against decisions, as tasks for annotation tools."""

from collections.abc import Iterator
from dataclasses import replace
from functools import partial
from typing import Any

from ..records import RelationRecord, SpanRecord, TextRecord
from ..support.typed_json import to_json
from .audited import AuditedCorpus
from .decisions import CorrectedText, DecisionFindings
from .plain_span import PlainSpan
from .review_tasks import ReviewTask

Key = tuple[int, int, str]
"""Start, end and type of a span, without white space around it."""


def decision_tasks(corpus: AuditedCorpus, result: DecisionFindings) -> Iterator[ReviewTask]:
    """The texts that go against decisions, with their entities as these would have them.

    Told is, for each place: the decision, its line, the entities there now, and those suggested;
    and how many relations had to go with entities. All else is as it was.
    """
    reasons: dict[tuple[str, int], list[dict[str, Any]]] = {}
    for decision in result.decisions:
        for one in decision.against:
            reasons.setdefault((one.found.part, one.found.number), []).append(
                {
                    "decision": decision.said,
                    "line": decision.line,
                    "now": to_json(one.now),
                    "suggested": to_json(one.suggested),
                }
            )
    for text in result.corrected:
        record = corpus.parts[text.part].texts[text.number].record
        kept = _revised(record, text).relations
        told = {
            "places": reasons[text.part, text.number],
            "relations_left_out": len(record.relations) - len(kept),
        }
        yield ReviewTask(text.part, text.number, told, partial(_revised, text=text))


def _revised(record: TextRecord, text: CorrectedText) -> TextRecord:
    spans = tuple(_spans(record, text))
    return replace(record, spans=spans, relations=tuple(_relations(record, spans)))


def _spans(record: TextRecord, text: CorrectedText) -> Iterator[SpanRecord]:
    """What remains, and what is new; that keeps all of a span in whose place it comes."""
    gone = {(one.start, one.end, one.label) for one in text.removed}
    removed = []
    for span in record.spans or ():
        if span.is_accepted and _key(record, span) in gone:
            removed.append(span)
        else:
            yield span
    for one in text.added:
        before = next((its for its in removed if _overlap(its, one)), None)
        if before is None:
            yield SpanRecord(one.start, one.end, one.label, text=one.text)
            continue
        removed.remove(before)
        yield replace(
            before, start=one.start, end=one.end, label=one.label, text=one.text, probability=None
        )


def _key(record: TextRecord, span: SpanRecord) -> Key:
    covered = record.text[span.start : span.end]
    start = span.start + len(covered) - len(covered.lstrip())
    return start, start + len(covered.strip()), span.label


def _overlap(span: SpanRecord, other: PlainSpan) -> bool:
    return span.start < other.end and other.start < span.end


def _relations(record: TextRecord, spans: tuple[SpanRecord, ...]) -> Iterator[RelationRecord]:
    ids = {span.id for span in spans}
    yield from (one for one in record.relations if {one.head, one.tail} <= ids)
