"""What annotators are to look at because of the section `inconsistency`."""

from collections import defaultdict
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

from ..records import SpanRecord, TextRecord
from .audited import AuditedCorpus
from .inconsistency import Inconsistencies, SuspectPlace

SECTION = "inconsistency"


def inconsistency_review(corpus: AuditedCorpus, result: Inconsistencies) -> Iterator[TextRecord]:
    """A text for each that has surprising places, the most surprising first.

    RETURNS: The texts with their annotation. The surprising spans say in their `meta` what is
        suggested; where no entity is annotated, the suggested one is there with the status
        "ignored", to be accepted or not. `meta["audit"]` of the text has all of them, and the file
        that it is from.
    """
    suspects: dict[tuple[str, int], list[SuspectPlace]] = defaultdict(list)
    for its in result.found:
        for one in its.suspects:
            suspects[one.place.part, one.place.number].append(one)
    order = sorted(suspects.items(), key=lambda item: -max(one.surprise for one in item[1]))
    for (part, number), of_text in order:
        text = corpus.parts[part].texts[number]
        yield _task(text.record, text.where, sorted(of_text, key=lambda one: -one.surprise))


def _task(record: TextRecord, where: str, suspects: list[SuspectPlace]) -> TextRecord:
    places = {(one.place.start, one.place.end): one for one in suspects}
    spans = []
    for span in record.spans or ():
        one = places.get((span.start, span.end)) if span.is_accepted else None
        meta = span.meta if one is None else {**span.meta, "audit": _said(one)}
        spans.append(replace(span, meta=meta))
    spans += [
        SpanRecord(
            one.place.start,
            one.place.end,
            one.suggested,
            text=one.place.text,
            status="ignored",
            meta={"audit": _said(one)},
        )
        for one in suspects
        if one.place.label is None and one.suggested is not None
    ]
    said = [
        {"start": one.place.start, "end": one.place.end, "text": one.place.text, **_said(one)}
        for one in suspects
    ]
    meta = {**record.meta, "audit": {"section": SECTION, "where": where, "places": said}}
    return replace(record, spans=tuple(spans), meta=meta)


def _said(one: SuspectPlace) -> dict[str, Any]:
    return {
        "annotated": one.place.label,
        "suggested": one.suggested,
        "surprise": one.surprise,
        "has_twin": one.has_twin,
        "is_split": one.is_split,
    }
