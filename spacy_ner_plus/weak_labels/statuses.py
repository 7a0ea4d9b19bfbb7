"""What becomes of candidates: accepted, rejected, or left undecided."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from ..data.sources.rows import SourceDocument, Tokens
from ..records import SpanRecord, TextRecord, TokenRecord
from ..voting.vote_table import SILENT, VoteTable
from .free_places import FreePlaces, Place

ACCEPTED, REJECTED, IGNORED = "accepted", "rejected", "ignored"
VOTES = "votes"  # of a span's meta


@dataclass(frozen=True)
class StatusLimits:
    """From which probability on a candidate is accepted, and up to which it is rejected.

    RAISES ValueError: They are no probabilities, or the wrong way round.
    """

    threshold: float
    reject_below: float

    def __post_init__(self) -> None:
        if not 0.0 <= self.reject_below < self.threshold <= 1.0:
            raise ValueError(
                f"--reject-below {self.reject_below} and --threshold {self.threshold} must be from "
                "0 to 1, the second larger."
            )


def decide(
    places: Sequence[Place],
    votes: np.ndarray,
    probabilities: np.ndarray,
    table: VoteTable,
    limits: StatusLimits,
) -> list[SpanRecord]:
    """The candidates of a text as spans with a status.

    The most probable type of each place is accepted from the threshold on, unless one that is as
    probable or more overlaps it. What nobody would accept is rejected, each type that somebody
    voted for; all else is ignored: undecided.

    places: From left to right. votes: int64 (n_places, n_voters).
    probabilities: float64 (n_places, n_labels + 1), none first.
    """
    best = probabilities[:, 1:].argmax(axis=1)  # (n_places,)
    spans: list[SpanRecord] = []
    free = FreePlaces()
    for i in np.argsort(-probabilities[:, 1:].max(axis=1, initial=0.0), kind="stable").tolist():
        label = int(best[i])
        probability = float(probabilities[i, label + 1])
        meta = {VOTES: _shown(votes[i], table)}
        if probability >= limits.threshold and free.take(places[i]):
            spans.append(_span(places[i], table.labels[label], probability, ACCEPTED, meta))
        elif probability > limits.reject_below:
            spans.append(_span(places[i], table.labels[label], probability, IGNORED, meta))
        else:
            for vote in sorted({int(vote) for vote in votes[i]} - {SILENT, table.none}):
                its = float(probabilities[i, vote])
                spans.append(_span(places[i], table.labels[vote - 1], its, REJECTED, meta))
    return sorted(spans, key=lambda span: (span.start, span.end, span.label))


def as_record(
    document: SourceDocument, spans: Sequence[SpanRecord], *, unknown_outside: bool
) -> TextRecord:
    """A text with its candidates.

    unknown_outside (bool): Whether there may be entities where there is no candidate.
    """
    n_chars = len(document.text)
    return TextRecord(
        document.text,
        id=document.id,
        spans=tuple(spans),
        tokens=None if document.tokens is None else _tokens(document.tokens),
        unknown=((0, n_chars),) if unknown_outside and n_chars else (),
    )


def _span(
    place: Place, label: str, probability: float, status: str, meta: dict[str, dict[str, str]]
) -> SpanRecord:
    shown = min(1.0, round(probability, 6))
    return SpanRecord(*place, label, probability=shown, status=status, meta=dict(meta))


def _shown(votes: np.ndarray, table: VoteTable) -> dict[str, str]:
    """What each voter said; "" for "it is none"."""
    pairs = zip(table.voters, votes.tolist(), strict=True)
    return {voter: table.label_of(vote) or "" for voter, vote in pairs if vote != SILENT}


def _tokens(tokens: Tokens) -> tuple[TokenRecord, ...]:
    """Those that are no white space."""
    found, at = [], 0
    for word, has_space in zip(tokens.words, tokens.spaces, strict=True):
        if word.strip():
            found.append(TokenRecord(at, at + len(word)))
        at += len(word) + has_space
    return tuple(found)
