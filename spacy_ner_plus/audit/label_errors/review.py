"""Likely label errors as texts to review, for any annotation tool."""

from collections.abc import Iterator
from dataclasses import replace
from typing import Any

from ...records import SpanRecord, TextRecord
from ..audited import AuditedCorpus
from .likely_errors import LabelErrors, LikelyError, MarkedSpan

META = "label_errors"


def review_records(corpus: AuditedCorpus, result: LabelErrors) -> Iterator[TextRecord]:
    """The texts with likely errors, that of the likeliest first.

    A record has the annotation as it is, so that each format can hold it. What is doubted has in it
    the probability of the annotation, and the `meta` of the text says under "label_errors", for
    each finding, what is suggested instead.

    YIELDS (TextRecord): One a text.
    """
    by_text: dict[tuple[str, int], list[LikelyError]] = {}
    for one in result.findings:
        by_text.setdefault((one.occurrence.part, one.occurrence.number), []).append(one)
    for (part, number), findings in by_text.items():
        record = corpus.parts[part].texts[number].record
        told = {"part": part, META: [_told(one) for one in findings]}
        yield replace(
            record,
            spans=tuple(_doubted(span, findings) for span in record.spans or ()),
            meta={**record.meta, **told},
        )


def _doubted(span: SpanRecord, findings: list[LikelyError]) -> SpanRecord:
    for one in findings:
        for annotated in one.annotated:
            if (span.start, span.end, span.label) == (
                annotated.start,
                annotated.end,
                annotated.label,
            ):
                told = {META: in_words(one)}
                return replace(
                    span, probability=one.annotated_probability, meta={**span.meta, **told}
                )
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


def _listed(spans: list[MarkedSpan]) -> str:
    return ", ".join(map(str, spans)) or "no entity"
