"""What Prodigy's answers say about entities, which depends on the view that was answered in.

In a manual view all entities of a text were marked: `accept` says that they are all, `reject` and
`ignore` that nothing is known. In a binary view one was suggested: `accept` says that it is one,
`reject` that it is none; of the rest of the text nothing is known in either case. In other views,
such as those of classification, the answer says nothing about entities.
"""

from collections.abc import Iterable
from dataclasses import replace
from itertools import pairwise
from typing import Any

from ...records import SpanRecord, Stretch, TextRecord

ACCEPT, REJECT, IGNORE = "accept", "reject", "ignore"
ANSWERS = (ACCEPT, REJECT, IGNORE)
ANSWER, VIEW, INNER_VIEW = "answer", "_view_id", "view_id"
MANUAL, BINARY = "manual", "binary"
KINDS = (MANUAL, BINARY)
# Of text; those of images and sound have none. A view that isn't here may be anybody's own, and is
# taken for manual, as Prodigy's training does.
BINARY_VIEWS = ("ner", "spans", "pos", "dep")
MARKING_VIEWS = ("ner_manual", "spans_manual", "relations")
OTHER_VIEWS = (
    "text", "html", "classification", "choice", "text_input", "compare", "diff", "image",
    "image_manual", "audio", "audio_manual", "llm_io",
)  # fmt: skip
_STATUSES: dict[Any, str | None] = {ACCEPT: None, REJECT: "rejected", IGNORE: "ignored"}


def kind_of(other: dict[str, Any], default: str = MANUAL) -> str | None:
    """Whether the view of a row is manual or binary; None if it asks for no entities.

    other (Dict[str, Any]): The row's own keys. In a review, the view that is reviewed counts.
    default (str): Of rows that don't say their view.
    """
    view = other.get(VIEW)
    if view == "review":
        view = other.get(INNER_VIEW)
    if view is None:
        return default
    return BINARY if view in BINARY_VIEWS else None if view in OTHER_VIEWS else MANUAL


def default_view(record: TextRecord) -> str:
    """The manual view that shows all that a record has."""
    if record.relations:
        return "relations"
    spans = sorted((span.start, span.end) for span in record.spans or ())
    overlap = any(span[0] < before[1] for before, span in pairwise(spans))
    return "spans_manual" if overlap else "ner_manual"


def decided(record: TextRecord, default: str = MANUAL) -> TextRecord:
    """A record as its answer has it. What the answer is needed for no more is taken out.

    record (TextRecord): Its spans are those that were shown, and its answer among its other keys.
        Without an answer, it stays as it is.
    default (str): Whether rows that don't say their view are manual or binary.
    RAISES (ValueError): There is no such answer.
    """
    answer = record.other.get(ANSWER)
    if answer is None:
        return record
    if answer not in ANSWERS:
        raise ValueError(f"{ANSWER} is {answer!r}, and must be one of {', '.join(ANSWERS)}.")
    kind = kind_of(record.other, default)
    if kind == BINARY and record.spans:
        return _by_decision(record, answer)
    if kind == MANUAL and answer == ACCEPT and _could_mark(record):
        is_default = record.other.get(VIEW) == default_view(record)
        return without(record, ANSWER, *[VIEW] * is_default, spans=record.spans or ())
    return _as_unknown(record)


def _could_mark(record: TextRecord) -> bool:
    """Whether spans could be marked: those are, or the view is for that, which has tokens."""
    can_mark = record.other.get(VIEW) in MARKING_VIEWS
    return can_mark or record.spans is not None or record.tokens is not None


def _by_decision(record: TextRecord, answer: str) -> TextRecord:
    spans = record.spans or ()
    if answer == REJECT and len(spans) > 1:  # which of them are wrong?
        return _as_unknown(record)
    spans = tuple(_with_status(span, _STATUSES[answer]) for span in spans)
    is_default = record.other.get(VIEW) == BINARY_VIEWS[0]
    unknown = beside(spans, len(record.text))
    return without(record, ANSWER, *[VIEW] * is_default, spans=spans, unknown=unknown)


def _as_unknown(record: TextRecord) -> TextRecord:
    """Nothing is known; the spans that were shown are kept, undecided."""
    if not record.spans:
        return replace(record, spans=None)
    spans = tuple(_with_status(span, "ignored") for span in record.spans)
    return replace(record, spans=spans, unknown=((0, len(record.text)),))


def _with_status(span: SpanRecord, status: str | None) -> SpanRecord:
    return replace(span, status=status or span.status)


def beside(spans: Iterable[SpanRecord], n_chars: int) -> tuple[Stretch, ...]:
    """The characters that are in no entity."""
    places = sorted((span.start, span.end) for span in spans if span.is_accepted)
    found, at = [], 0
    for start, end in [*places, (n_chars, n_chars)]:
        if start > at:
            found.append((at, start))
        at = max(at, end)
    return tuple(found)


def without(record: TextRecord, *keys: str, **changes: Any) -> TextRecord:
    """A record with other fields, and without some of the keys that the schema does not know."""
    kept = {key: value for key, value in record.other.items() if key not in keys}
    return replace(record, other=kept, **changes)
