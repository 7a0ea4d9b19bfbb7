"""Whether two annotators have the same entities: counts of each text, and F1 of their sums.

F1 needs no annotator to be right: exchanging them exchanges precision and recall. It is what
chance-corrected measures come to where what nobody marked can't be counted, as spans that are none
(Hripcsak and Rothschild 2005, "Agreement, the F-measure, and reliability in information
retrieval").
"""

from bisect import bisect_left
from collections.abc import Iterator, Sequence

import numpy as np

from ...metrics.bootstrap import known_interval, resample
from .agreement_schema import Ends, SpanAgreement
from .shared_texts import Span, Voice

# Of a table of counts, in the last axis.
AGREED, ONLY_FIRST, ONLY_SECOND, OVERLAPPING_FIRST, OVERLAPPING_SECOND = range(5)
N_COUNTS = 5


def judged(first: Voice, second: Voice) -> tuple[list[Span], list[Span]]:
    """The entities of each that the other says something about."""
    return (
        [span for span in first.spans if second.can_judge(span)],
        [span for span in second.spans if first.can_judge(span)],
    )


def pair_counts(first: Sequence[Span], second: Sequence[Span], labels: Sequence[str]) -> np.ndarray:
    """Compare the entities of two annotators in a text.

    first, second (Sequence[Span]): Each once.
    RETURNS: (n_labels, N_COUNTS) int64.
    """
    place = {label: i for i, label in enumerate(labels)}
    counts = np.zeros((len(labels), N_COUNTS), dtype=np.int64)
    ours, theirs = {*first}, {*second}
    columns = {AGREED: ours & theirs, ONLY_FIRST: ours - theirs, ONLY_SECOND: theirs - ours}
    columns[OVERLAPPING_FIRST] = {*_overlapping(first, second)}
    columns[OVERLAPPING_SECOND] = {*_overlapping(second, first)}
    for column, spans in columns.items():
        for _, _, label in spans:
            counts[place[label], column] += 1
    return counts


def _overlapping(spans: Sequence[Span], others: Sequence[Span]) -> Iterator[Span]:
    """The spans that share a character with one of the others that has the same label."""
    starts: dict[str, list[int]] = {}
    furthest: dict[str, list[int]] = {}
    for start, end, label in sorted(others):
        ends = furthest.setdefault(label, [])
        ends.append(max(end, ends[-1]) if ends else end)
        starts.setdefault(label, []).append(start)
    for start, end, label in spans:
        before = bisect_left(starts.get(label, []), end)
        if before and furthest[label][before - 1] > start:
            yield start, end, label


def span_agreements(counts: np.ndarray, samples: int, seed: int) -> list[SpanAgreement]:
    """The agreement of each table, with intervals by drawing texts.

    counts: (n_texts, n_tables, N_COUNTS).
    samples, seed (int): Of the bootstrap; all tables are of the same samples.
    """
    totals = counts.sum(axis=0)  # (n_tables, N_COUNTS)
    scores = f1_scores(totals)  # (n_tables, 2)
    intervals: list[list[Ends | None]] = [[None, None] for _ in totals]
    if len(counts) > 1:
        drawn = f1_scores(resample(counts, samples, seed))  # (samples, n_tables, 2)
        intervals = [[known_interval(its) for its in table.T] for table in drawn.swapaxes(0, 1)]
    return [
        _agreement(row.tolist(), its.tolist(), of_its)
        for row, its, of_its in zip(totals, scores, intervals, strict=True)
    ]


def f1_scores(counts: np.ndarray) -> np.ndarray:
    """Exact and relaxed F1; NaN where there are no entities.

    counts: (..., N_COUNTS). RETURNS: (..., 2).
    """
    agreed = counts[..., AGREED]
    first, second = agreed + counts[..., ONLY_FIRST], agreed + counts[..., ONLY_SECOND]
    exact = _ratio(2 * agreed, first + second)
    of_first = _ratio(counts[..., OVERLAPPING_FIRST], first)
    of_second = _ratio(counts[..., OVERLAPPING_SECOND], second)
    both = _ratio(2 * of_first * of_second, of_first + of_second)
    # one side without entities, or none that overlap
    relaxed = np.where(np.isnan(both) & ~np.isnan(exact), 0.0, both)
    return np.stack([exact, relaxed], axis=-1)


def _ratio(part: np.ndarray, whole: np.ndarray) -> np.ndarray:
    return np.divide(part, whole, out=np.full(np.shape(whole), np.nan), where=whole > 0)


def _agreement(
    counts: list[int], scores: list[float], intervals: Sequence[Ends | None]
) -> SpanAgreement:
    exact, relaxed = (None if np.isnan(score) else score for score in scores)
    of_exact, of_relaxed = intervals
    return SpanAgreement(
        f1=exact,
        f1_interval=of_exact,
        agreed=counts[AGREED],
        only_first=counts[ONLY_FIRST],
        only_second=counts[ONLY_SECOND],
        relaxed_f1=relaxed,
        relaxed_interval=of_relaxed,
        overlapping_first=counts[OVERLAPPING_FIRST],
        overlapping_second=counts[OVERLAPPING_SECOND],
    )
