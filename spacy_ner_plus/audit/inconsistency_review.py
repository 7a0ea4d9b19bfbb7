"""What annotators are to look at because of the section `inconsistency`."""

from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import replace
from functools import partial
from typing import Any

from ..records import SpanRecord, TextRecord
from .inconsistency import Inconsistencies, SuspectPlace
from .review_tasks import ReviewTask, noted

SECTION = "inconsistency"


def inconsistency_tasks(result: Inconsistencies) -> Iterator[ReviewTask]:
    """A task for each text that has surprising places, the most surprising first.

    The surprising spans say in their `meta` what is suggested; where no entity is annotated, the
    suggested one is there with the status "ignored", to be accepted or not. The text has all of
    them.
    """
    suspects: dict[tuple[str, int], list[SuspectPlace]] = defaultdict(list)
    for its in result.found:
        for one in its.suspects:
            suspects[one.place.part, one.place.number].append(one)
    order = sorted(suspects.items(), key=lambda item: -max(one.surprise for one in item[1]))
    for (part, number), of_text in order:
        ranked = sorted(of_text, key=lambda one: -one.surprise)
        told = [
            {"start": one.place.start, "end": one.place.end, "text": one.place.text, **_said(one)}
            for one in ranked
        ]
        yield ReviewTask(part, number, told, partial(_revised, suspects=ranked))


def _revised(record: TextRecord, suspects: Sequence[SuspectPlace]) -> TextRecord:
    places = {(one.place.start, one.place.end, one.place.label): one for one in suspects}
    spans = []
    for span in record.spans or ():
        its = places.get((span.start, span.end, span.label)) if span.is_accepted else None
        spans.append(span if its is None else noted(span, SECTION, _said(its)))
    taken = {(span.start, span.end) for span in spans if span.is_accepted}
    for one in suspects:
        place = one.place
        is_open = place.label is None and (place.start, place.end) not in taken
        if is_open and one.suggested is not None:
            span = SpanRecord(
                place.start, place.end, one.suggested, text=place.text, status="ignored"
            )
            spans.append(noted(span, SECTION, _said(one)))
    return replace(record, spans=tuple(spans))


def _said(one: SuspectPlace) -> dict[str, Any]:
    return {
        "annotated": one.place.label,
        "suggested": one.suggested,
        "surprise": one.surprise,
        "has_twin": one.has_twin,
        "is_split": one.is_split,
    }
