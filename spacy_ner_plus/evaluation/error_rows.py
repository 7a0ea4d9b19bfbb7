"""Errors as records: a text with its gold entities, and beside them what was predicted."""

from collections.abc import Iterable, Iterator
from typing import Any

from ..records import TextRecord
from .context import Excerpt, InText, excerpt
from .documents import Document, Entity
from .errors import CORRECT, NAMES, Finding


def error_rows(document: Document, findings: Iterable[Finding]) -> Iterator[dict[str, Any]]:
    """A row for each error of a document. Annotation tools read them.

    findings (Iterable[Finding]): Of this document, from left to right.
    YIELDS: A record's row: "text", the context; "spans", the gold entities in it; "meta", the error
        itself; and "predicted", the predicted entities in it.
    """
    gold, predicted = InText(document.gold), InText(document.predicted)
    both = InText((*document.gold, *document.predicted))
    number = 0
    for finding in findings:
        if finding.kind != CORRECT:
            about = (*finding.gold, *finding.predicted)
            start, end = min(e.start for e in about), max(e.end for e in about)
            part = excerpt(document, start, end, both)
            identity = f"{document.index}-{number}"
            yield TextRecord(
                part.text,
                id=identity,
                spans=tuple(map(part.span, part.within(gold))),
                meta=_meta(finding, part, identity),
                other={"predicted": part.rows(part.within(predicted))},
            ).to_json()
            number += 1


def _meta(finding: Finding, part: Excerpt, identity: str) -> dict[str, Any]:
    return {
        "id": identity,  # annotation tools show the meta alone
        "kind": finding.kind,
        "name": NAMES[finding.kind],
        "document": finding.document,
        "offset": part.offset,
        "gold": part.rows(_in_order(finding.gold)),
        "predicted": part.rows(_in_order(finding.predicted)),
    }


def _in_order(entities: Iterable[Entity]) -> list[Entity]:
    return sorted(entities, key=lambda e: (e.start_char, e.end_char, e.label))
