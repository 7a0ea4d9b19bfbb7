"""Errors as rows of JSONL that annotation tools read: a text with its gold spans."""

from collections.abc import Iterable, Iterator
from typing import Any

from .context import Excerpt, InText, excerpt
from .documents import Document, Entity
from .errors import CORRECT, ERRORS, Finding


def error_rows(document: Document, findings: Iterable[Finding]) -> Iterator[dict[str, Any]]:
    """A row for each error of a document, in Prodigy's format.

    findings (Iterable[Finding]): Of this document, from left to right.
    YIELDS: "text", the context; "spans", the gold entities in it; "predicted", the predicted ones;
        "meta", the error itself. All offsets are in characters of "text".
    """
    gold, predicted = InText(document.gold), InText(document.predicted)
    both = InText((*document.gold, *document.predicted))
    number = 0
    for finding in findings:
        if finding.kind != CORRECT:
            about = (*finding.gold, *finding.predicted)
            start, end = min(e.start for e in about), max(e.end for e in about)
            part = excerpt(document, start, end, both)
            yield {
                "text": part.text,
                "spans": [part.span(e) for e in part.within(gold)],
                "predicted": [part.span(e, predicted=True) for e in part.within(predicted)],
                "meta": _meta(finding, part, f"{document.index}-{number}"),
            }
            number += 1


def _meta(finding: Finding, part: Excerpt, identity: str) -> dict[str, Any]:
    def spans(entities: Iterable[Entity], **what: bool) -> list[dict[str, Any]]:
        in_order = sorted(entities, key=lambda e: (e.start_char, e.end_char, e.label))
        return [part.span(entity, with_text=True, **what) for entity in in_order]

    return {
        "id": identity,
        "kind": finding.kind,
        "name": ERRORS[finding.kind],
        "document": finding.document,
        "offset": part.offset,
        "gold": spans(finding.gold),
        "predicted": spans(finding.predicted, predicted=True),
    }
