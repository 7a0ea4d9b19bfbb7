"""Spans that are known to be wrong, as factors of a loss.

With some of them the loss of a sequence is

    log Z(valid paths) - log Z(paths that the annotation permits and that have none of the spans),

exactly: see nn.crf.span_factors for how. Spans that no permitted path has change nothing, and are
left out here, so that documents which are annotated completely take no more time than without.
"""

from collections.abc import Iterator, Sequence

import numpy as np
import torch

from ...nn.crf import SpanFactors
from ...tags import TagScheme


def rejected_factors(
    spans: Sequence[np.ndarray],
    allowed: Sequence[np.ndarray],
    scheme: TagScheme,
    device: torch.device,
) -> SpanFactors | None:
    """What is known to be wrong, where it says more than the allowed tags do.

    spans: For each sequence, int64 (n, 3): start row, end row (exclusive) and label.
    allowed: For each sequence (n_rows, n_tags) bool, the tags that the annotation permits.
    RETURNS (SpanFactors): None if there are none. *Sequences:* as given.
    """
    rows = [
        (i, *span)
        for i, (own, permitted) in enumerate(zip(spans, allowed, strict=True))
        for span in possible_spans(own, permitted, scheme)
    ]
    if not rows:
        return None
    return SpanFactors.of_rejected(scheme, np.array(rows, dtype=np.int64), device)


def possible_spans(
    spans: np.ndarray, allowed: np.ndarray, scheme: TagScheme
) -> Iterator[tuple[int, int, int]]:
    """Those of some spans of which all tags are allowed. spans: (n, 3), as in rejected_factors."""
    for start, end, label in spans.tolist():
        if end - start == 1:
            tags = [scheme.unit[label]]
        else:
            n_inside = end - start - 2
            tags = [scheme.first[label], *[scheme.inside[label]] * n_inside, scheme.last[label]]
        if allowed[range(start, end), tags].all():
            yield start, end, label


def known_rows(allowed: Sequence[np.ndarray], rejected: SpanFactors | None) -> list[np.ndarray]:
    """The rows that something is known of: some tag is not allowed, or they are in such a span.

    allowed: For each sequence (n_rows, n_tags) bool. rejected (SpanFactors): Of the same sequences.
    RETURNS: For each sequence (n_rows,) bool.
    """
    known = [np.asarray(~own.all(axis=1)) for own in allowed]  # (n_rows,) each
    if rejected is not None:
        which = np.flatnonzero(rejected.are_rejected)
        columns = (rejected.sequences, rejected.starts, rejected.ends)
        for i, start, end in zip(*(column[which].tolist() for column in columns), strict=True):
            known[i][start:end] = True
    return known


def count_known(allowed: Sequence[np.ndarray], rejected: SpanFactors | None) -> int:
    """How many rows something is known of. allowed, rejected: As in known_rows."""
    return sum(int(own.sum()) for own in known_rows(allowed, rejected))
