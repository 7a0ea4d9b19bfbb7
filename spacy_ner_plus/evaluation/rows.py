"""Errors as rows of JSONL that annotation tools read: a text with its gold spans."""

from bisect import bisect_right
from collections.abc import Iterable, Iterator, Sequence
from typing import Any

from .documents import Document, Entity
from .errors import CORRECT, ERRORS, Finding

# Tokens of context on either side, if no sentence ends before.
CONTEXT = 40


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
    start, end = _context(document, finding)
    text = document.text[start:end]

    def plain(entities: Sequence[Entity], *, predicted: bool, with_text: bool) -> list[Any]:
        in_order = sorted(entities, key=lambda e: (e.start_char, e.end_char, e.label))
        return [_plain(e, text, start, predicted, with_text) for e in in_order]

    def within(entities: Sequence[Entity]) -> list[Entity]:
        return [e for e in entities if start <= e.start_char and e.end_char <= end]

    return {
        "text": text,
        "spans": plain(within(document.gold), predicted=False, with_text=False),
        "predicted": plain(within(document.predicted), predicted=True, with_text=False),
        "meta": {
            "id": f"{document.index}-{number}",
            "kind": finding.kind,
            "name": ERRORS[finding.kind],
            "document": document.index,
            "offset": start,
            "gold": plain(finding.gold, predicted=False, with_text=True),
            "predicted": plain(finding.predicted, predicted=True, with_text=True),
        },
    }


def _plain(
    entity: Entity, text: str, offset: int, predicted: bool, with_text: bool
) -> dict[str, Any]:
    start, end = entity.start_char - offset, entity.end_char - offset
    row: dict[str, Any] = {"start": start, "end": end, "label": entity.label}
    if with_text:
        row["text"] = text[start:end]
    if predicted:
        row["probability"] = entity.probability
    return row


def _context(document: Document, finding: Finding) -> tuple[int, int]:
    """The characters to show: the sentences of the error, or some tokens around it where they are
    longer or not known, and more where that would cut an entity.
    """
    about = (*finding.gold, *finding.predicted)
    first, last = min(e.start for e in about), max(e.end for e in about) - 1
    starts = document.sentence_starts or (0,)
    sentence = bisect_right(starts, last)
    n_tokens = len(document.token_starts)
    sentence_end = starts[sentence] if sentence < len(starts) else n_tokens
    low = max(starts[max(0, bisect_right(starts, first) - 1)], first - CONTEXT)
    high = min(sentence_end, last + 1 + CONTEXT)
    last_start = document.token_starts[high - 1]
    until = document.token_starts[high] if high < n_tokens else len(document.text)
    end = last_start + len(document.text[last_start:until].rstrip())
    return _widen(document, document.token_starts[low], end)


def _widen(document: Document, start: int, end: int) -> tuple[int, int]:
    entities = (*document.gold, *document.predicted)
    while True:
        cut = [e for e in entities if e.start_char < end and start < e.end_char]
        wider = (
            min([start, *(e.start_char for e in cut)]),
            max([end, *(e.end_char for e in cut)]),
        )
        if wider == (start, end):
            return wider
        start, end = wider
