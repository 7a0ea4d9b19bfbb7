"""Texts on which annotators disagree, as records to decide on in an annotation tool."""

from collections.abc import Sequence
from typing import Any

from ...records import SpanRecord, Stretch, TextRecord
from .places import Votes
from .shared_texts import SharedText, Span

# Of meta: who annotated a text, or has a span; and who left it out.
ANNOTATORS, NOT = "annotators", "not_annotators"


def adjudication_record(shared: SharedText, votes: Votes, names: Sequence[str]) -> TextRecord:
    """A text with what annotators agree on as its entities.

    What some of them have is undecided (status "ignored"), and its `meta` says who has it
    (`annotators`) and who does not (`not_annotators`). So no tool and no training takes it for
    annotation before somebody decided.

    names (Sequence[str]): Of all annotators.
    """
    record = shared.text.record
    own = tuple(names[i] for i in shared.voices)
    agreed = [_span(record.text, span) for span in votes.agreed]
    disputed = [_undecided(shared, span, votes, names) for span in votes.disputed]
    return TextRecord(
        text=record.text,
        id=record.id,
        meta={**_shared_meta(shared), ANNOTATORS: list(own)},
        annotated_labels=_labels(shared),
        spans=tuple(sorted([*agreed, *disputed], key=lambda one: (one.start, one.end, one.label))),
        tokens=None if shared.is_tokenized else record.tokens,
        unknown=_unknown_to_all(shared),
    )


def _span(text: str, span: Span) -> SpanRecord:
    start, end, label = span
    return SpanRecord(start, end, label, text=text[start:end])


def _undecided(shared: SharedText, span: Span, votes: Votes, names: Sequence[str]) -> SpanRecord:
    start, end, label = span
    places = votes.disputed[span]
    others = [i for i, voice in shared.voices.items() if i not in places and voice.can_judge(span)]
    return SpanRecord(
        start,
        end,
        label,
        text=shared.text.record.text[start:end],
        status="ignored",
        meta={ANNOTATORS: [names[i] for i in places], NOT: [names[i] for i in others]},
    )


def _shared_meta(shared: SharedText) -> dict[str, Any]:
    """What the records of all annotators say alike of the text."""
    first, *others = [voice.record.meta for voice in shared.voices.values()]
    return {
        key: value
        for key, value in first.items()
        if all(key in one and one[key] == value for one in others)
    }


def _labels(shared: SharedText) -> tuple[str, ...] | None:
    """The types that anybody was asked for."""
    asked = [voice.record.annotated_labels for voice in shared.voices.values()]
    known = [labels for labels in asked if labels is not None]
    if len(known) < len(asked):
        return None
    return tuple(dict.fromkeys(label for labels in known for label in labels))


def _unknown_to_all(shared: SharedText) -> tuple[Stretch, ...]:
    """Where nobody's annotation is complete."""
    first, *others = [voice.unknown for voice in shared.voices.values()]
    found = list(first)
    for other in others:
        found = [
            (max(start, at), min(end, to))
            for start, end in found
            for at, to in other
            if max(start, at) < min(end, to)
        ]
    return tuple(dict.fromkeys(found))
