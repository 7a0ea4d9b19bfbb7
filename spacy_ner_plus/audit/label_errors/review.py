"""Likely label errors as texts to review, for any annotation tool."""

from collections.abc import Iterator, Sequence
from dataclasses import replace
from functools import partial
from typing import Any

from ...records import SpanRecord, TextRecord
from ..plain_span import PlainSpan
from ..review_tasks import ReviewTask, noted
from .likely_errors import LabelErrors, LikelyError

SECTION = "label_errors"


def label_error_tasks(result: LabelErrors) -> Iterator[ReviewTask]:
    """The texts with likely errors, that of the likeliest first.

    The annotation stays as it is, so that each format can hold it. What is doubted has in it the
    probability of the annotation; the text has, for each finding, what is suggested instead.
    """
    by_text: dict[tuple[str, int], list[LikelyError]] = {}
    for one in result.findings:
        by_text.setdefault((one.occurrence.part, one.occurrence.number), []).append(one)
    for (part, number), findings in by_text.items():
        told = [_told(one) for one in findings]
        yield ReviewTask(part, number, told, partial(_revised, findings=findings))


def _revised(record: TextRecord, findings: Sequence[LikelyError]) -> TextRecord:
    spans = tuple(_doubted(span, findings) for span in record.spans or ())
    return replace(record, spans=spans)


def _doubted(span: SpanRecord, findings: Sequence[LikelyError]) -> SpanRecord:
    place = span.start, span.end, span.label
    for one in findings:
        if span.is_accepted and place in {(s.start, s.end, s.label) for s in one.annotated}:
            doubted = replace(span, probability=one.annotated_probability)
            return noted(doubted, SECTION, in_words(one))
    return span


def _told(one: LikelyError) -> dict[str, Any]:
    return {
        "kind": one.kind,
        "suggestion": in_words(one),
        "start": one.occurrence.start,
        "end": one.occurrence.end,
        "spans": [{"start": s.start, "end": s.end, "label": s.label} for s in one.suggested],
        "probability": one.suggested_probability,
        "annotated_probability": one.annotated_probability,
        "score": one.score,
    }


def in_words(one: LikelyError) -> str:
    """What is suggested in place of what: "York (ORG), not York (LOC): 98 %, not 1 %"."""
    sides = (_listed(one.suggested), _listed(one.annotated))
    chances = (one.suggested_probability, one.annotated_probability)
    shares = ", not ".join(f"{100 * chance:.0f} %" for chance in chances)
    return f"{sides[0]}, not {sides[1]}: {shares}"


def _listed(spans: list[PlainSpan]) -> str:
    return ", ".join(map(str, spans)) or "no entity"
