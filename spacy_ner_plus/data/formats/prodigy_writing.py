"""Records as Prodigy's JSON lines."""

from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

from ...records import TextRecord
from .json_rows import dumped, with_free, write_rows
from .prodigy_answers import (
    ACCEPT,
    ANSWER,
    ANSWERS,
    BINARY,
    BINARY_VIEWS,
    IGNORE,
    MANUAL,
    REJECT,
    VIEW,
    beside,
    decided,
    default_view,
    kind_of,
    without,
)
from .prodigy_merging import INPUT, annotator_of, apart, joined, own_hashes
from .prodigy_rows import write_row
from .written import Written

_ANSWERS = {None: ACCEPT, "accepted": ACCEPT, "rejected": REJECT, "ignored": IGNORE}


def write_prodigy(records: Iterable[TextRecord], path: Path) -> Written:
    """Write records as Prodigy's rows.

    A text whose entities are all known is accepted in a manual view. Where nothing is known but
    single decisions, each is a row of a binary view. Any other is a row without an answer: a task,
    with what is known of it in our own keys.
    """
    return write_rows(records, path, _Rows().rows)


class _Rows:
    """Rows of records, each seen apart from the one before, if both are of the same text."""

    def __init__(self) -> None:
        self._last: int | None = None

    def rows(self, record: TextRecord, lost: Counter[str]) -> Iterator[dict[str, Any]]:
        """The rows of a record."""
        last, self._last = self._last, None
        answered = _answered(record)
        if answered is None and record.other.get(ANSWER) == ACCEPT:
            record = without(record, ANSWER)  # which it gets if all is known
            answered = _answered(record)
        if answered is not None:
            yield _as_row(answered, lost)
            return
        if (parts := _as_decisions(record)) is not None:
            yield from (_as_row(part, lost) for part in self._together(parts, last))
            return
        if ANSWER in record.other:
            lost[ANSWER] += 1
        yield _as_row(without(record, ANSWER), lost)

    def _together(self, parts: list[TextRecord], last: int | None) -> list[TextRecord]:
        """Several decisions need the same hash, and another than those before them."""
        if len(parts) == 1 or all(INPUT in part.other for part in parts):
            return parts
        self._last = next(one for one in own_hashes(parts[0].text) if one != last)
        return [replace(part, other={**part.other, INPUT: self._last}) for part in parts]


def _answered(record: TextRecord) -> TextRecord | None:
    """A record with an answer to all of it, and the spans that were shown, if it says the same."""
    if record.other.get(ANSWER) is None:
        if record.unknown or not all(span.is_accepted for span in record.spans or ()):
            return None
        view = record.other.get(VIEW, default_view(record))
        shown = replace(record, other={**record.other, ANSWER: ACCEPT, VIEW: view})
        return shown if kind_of(shown.other) == MANUAL and decided(shown) == record else None
    if record.other[ANSWER] not in ANSWERS:
        return None
    spans = record.spans and tuple(replace(span, status=None) for span in record.spans)
    shown = replace(record, spans=spans, unknown=())
    return shown if decided(shown) == record else None


def _as_decisions(record: TextRecord) -> list[TextRecord] | None:
    """A record as one decision of each span, if that says all that it says."""
    spans = record.spans or ()
    if not spans or record.relations or ANSWER in record.other:
        return None
    if record.unknown != beside(spans, len(record.text)):
        return None
    view = record.other.get(VIEW, BINARY_VIEWS[0])
    for rows_of_keys in (True, False):
        parts = [
            replace(part, other={**part.other, VIEW: view, ANSWER: _ANSWERS[span.status]})
            for part, span in zip(apart(record, rows_of_keys=rows_of_keys), spans, strict=True)
        ]
        if _are_together(parts) and joined([decided(part) for part in parts]) == record:
            return parts
    return None


def _are_together(parts: list[TextRecord]) -> bool:
    """Whether a reader takes rows for decisions about one text."""
    said = {(dumped(part.other.get(INPUT)), dumped(annotator_of(part))) for part in parts}
    return len(said) == 1 and all(kind_of(part.other) == BINARY for part in parts)


def _as_row(record: TextRecord, lost: Counter[str]) -> dict[str, Any]:
    other = {key: one for key, one in record.other.items() if key not in (ANSWER, VIEW)}
    row = with_free(write_row(record, lost), other, "", lost)
    # last, as Prodigy has them
    row |= {key: record.other[key] for key in (VIEW, ANSWER) if key in record.other}
    return row
