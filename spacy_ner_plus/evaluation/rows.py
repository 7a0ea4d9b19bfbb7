"""Errors as rows of JSONL that annotation tools read: a text with its gold spans."""

from collections.abc import Iterable, Iterator
from typing import Any

from .context import excerpt
from .documents import Document, Entity
from .errors import CORRECT, ERRORS, Finding


def error_rows(document: Document, findings: Iterable[Finding]) -> Iterator[dict[str, Any]]:
    """A row for each error of a document, in Prodigy's format.

    findings (Iterable[Finding]): Of this document, from left to right.
    YIELDS: "text", the context; "spans", the gold entities in it; "predicted", the predicted ones;
        "meta", the error itself. All offsets are in characters of "text".
    """
    number = 0
    for finding in findings:
        if finding.kind != CORRECT:
            yield _row(document, finding, number)
            number += 1


def _row(document: Document, finding: Finding, number: int) -> dict[str, Any]:
    about = (*finding.gold, *finding.predicted)
    part = excerpt(
        document,
        min(entity.start for entity in about),
        max(entity.end for entity in about),
        (*document.gold, *document.predicted),
    )

    def spans(entities: Iterable[Entity], **what: bool) -> list[dict[str, Any]]:
        in_order = sorted(entities, key=lambda e: (e.start_char, e.end_char, e.label))
        return [part.span(entity, **what) for entity in in_order]

    return {
        "text": part.text,
        "spans": spans(part.within(document.gold)),
        "predicted": spans(part.within(document.predicted), predicted=True),
        "meta": {
            "id": f"{document.index}-{number}",
            "kind": finding.kind,
            "name": ERRORS[finding.kind],
            "document": document.index,
            "offset": part.offset,
            "gold": spans(finding.gold, with_text=True),
            "predicted": spans(finding.predicted, predicted=True, with_text=True),
        },
    }
