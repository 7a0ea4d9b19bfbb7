"""Documents or sentences that could be annotated, with what a model thinks of them."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

import numpy as np
from spacy.pipeline import Sentencizer
from spacy.tokens import Doc, Span

from ..annotation.entity_source import EntitySource
from ..records import SpanRecord, TextRecord

DOCUMENT, SENTENCE = "document", "sentence"
UNITS = (DOCUMENT, SENTENCE)
RANK = "rank"  # of a record's meta


@dataclass(frozen=True)
class RankedUnit:
    """A text that could be annotated.

    document (int): Its document, from 0.
    start, end (int): Its tokens in that, end exclusive.
    n_tokens (int): What it costs: those that take part in tagging.
    score (float): What it is worth.
    """

    document: int
    start: int
    end: int
    n_tokens: int
    score: float


class UnitCutter:
    """Cuts Docs into what is annotated at once. unit (str): One of UNITS."""

    def __init__(self, unit: str) -> None:
        if unit not in UNITS:
            raise ValueError(f"--unit {unit}: use one of {', '.join(UNITS)}.")
        self._unit = unit
        self._sentencizer = Sentencizer()

    def cut(self, doc: Doc) -> list[Span]:
        """The units of a Doc that hold more than white space.

        Sentences are those of the pipeline, else by spaCy's rules, which leave no mark on the Doc.
        """
        if self._unit == DOCUMENT or not len(doc):
            spans = [doc[:]] if len(doc) else []
        elif doc.has_annotation("SENT_START"):
            spans = list(doc.sents)
        else:
            [is_start] = self._sentencizer.predict([doc])
            bounds = [*np.flatnonzero(is_start[: len(doc)]).tolist(), len(doc)]
            spans = [doc[start:end] for start, end in pairwise(bounds)]
        return [span for span in spans if span.text.strip()]


def as_task(
    doc: Doc,
    unit: RankedUnit,
    id: Any,
    told: dict[str, Any],
    *,
    source: EntitySource,
    is_whole: bool,
) -> TextRecord:
    """A text to annotate, with what the model finds in it, of which nothing is known yet.

    id: Of its document. told (dict): What is said of it in meta.
    source (EntitySource): Where the entities are that the model finds.
    is_whole (bool): Whether it is a whole document, so that the id is its own.
    """
    span = doc[unit.start : unit.end]
    text = span.text
    at = span.start_char
    place = {} if is_whole else {"document": id, "start": at}
    return TextRecord(
        text,
        id=id if is_whole else None,
        meta={RANK: {**told, **place}},
        spans=tuple(_found(doc, unit, source, at)),
        unknown=((0, len(text)),),
    )


def _found(doc: Doc, unit: RankedUnit, source: EntitySource, at: int) -> Iterator[SpanRecord]:
    for ent, probability in source.scored(doc):
        if unit.start <= ent.start and ent.end <= unit.end:
            yield SpanRecord(
                ent.start_char - at, ent.end_char - at, ent.label_, probability=probability
            )


def within_budget(units: Sequence[RankedUnit], n: int | None, tokens: int | None) -> list[int]:
    """The places of the first units, at most n, that have at most so many tokens together.

    One that is too long for what is left is passed over.
    """
    chosen: list[int] = []
    left = tokens
    for place, unit in enumerate(units):
        if n is not None and len(chosen) == n:
            break
        if left is None or unit.n_tokens <= left:
            chosen.append(place)
            left = None if left is None else left - unit.n_tokens
    return chosen
