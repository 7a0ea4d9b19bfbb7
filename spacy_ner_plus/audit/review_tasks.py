"""Texts that somebody should look at: one record a text, with what all sections say of it."""

from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any

from ..records import SpanRecord, TextRecord
from .audited import AuditedCorpus

# The key of `meta`, of texts and of spans, below which each section has its own.
AUDIT = "audit"


@dataclass(frozen=True)
class ReviewTask:
    """What a section has to say of a text.

    part (str): The name of the part.
    number (int): The text's place in the part, from 0.
    told (Any): What it finds, as JSON has it.
    revise (Callable): Makes a record in which spans show it, of one that others may have revised.
    """

    part: str
    number: int
    told: Any
    revise: Callable[[TextRecord], TextRecord]


def review_records(
    corpus: AuditedCorpus, tasks: Mapping[str, Iterable[ReviewTask]]
) -> Iterator[TextRecord]:
    """Put together what sections say of the same texts.

    tasks (Mapping[str, Iterable[ReviewTask]]): By the section's key, the most important first.
    YIELDS (TextRecord): One a text, those of the first section first. `meta["audit"]` has part and
        file of the text, and below the key of each section what it tells.
    """
    of_text: defaultdict[tuple[str, int], dict[str, ReviewTask]] = defaultdict(dict)
    for key, its in tasks.items():
        for task in its:
            of_text[task.part, task.number][key] = task
    for (part, number), of_section in of_text.items():
        text = corpus.parts[part].texts[number]
        record = _without_notes(text.record)
        # The last section changes entities; so the others show theirs on what is there then.
        for task in reversed(of_section.values()):
            record = task.revise(record)
        told = {key: task.told for key, task in of_section.items()}
        said = {"part": part, "where": text.where, **told}
        yield replace(record, meta={**record.meta, AUDIT: said})


def noted(span: SpanRecord, key: str, note: Any) -> SpanRecord:
    """A span with what a section says of it below its key."""
    notes = {**span.meta.get(AUDIT, {}), key: note}
    return replace(span, meta={**span.meta, AUDIT: notes})


def _without_notes(record: TextRecord) -> TextRecord:
    """A record without what an earlier audit said of its spans."""
    if record.spans is None or not any(AUDIT in span.meta for span in record.spans):
        return record
    return replace(record, spans=tuple(_without_note(span) for span in record.spans))


def _without_note(span: SpanRecord) -> SpanRecord:
    return replace(span, meta={key: value for key, value in span.meta.items() if key != AUDIT})
