"""The tags that an annotation of rows permits, whatever it was read from."""

from collections.abc import Sequence

import numpy as np

from ..tags import Span as EntitySpan
from ..tags import TagScheme


def tags_that_agree(
    spans: Sequence[EntitySpan],
    missing: np.ndarray,
    scheme: TagScheme,
    annotated: set[str] | None,
) -> np.ndarray:
    """The tags that an annotation of rows permits; see gold.allowed_tags.

    spans: Start row, end row (exclusive) and label of each entity; none overlap.
    missing: (n_rows,) bool, rows without annotation, which no entity has.
    annotated: The types that the document is annotated for, None for all.
    RETURNS: (n_rows, n_tags) bool.
    """
    n_rows = len(missing)
    tags = scheme.encode(spans, n_rows)
    allowed = np.zeros((n_rows, scheme.n_tags), dtype=bool)
    allowed[np.arange(n_rows), tags] = True
    allowed |= missing[:, None]
    if annotated is not None:
        allowed[np.ix_(tags == 0, _tags_of_others(scheme, annotated))] = True
    label_ids = {label: i for i, label in enumerate(scheme.labels)}
    for _, end, label in spans:
        if end < n_rows and missing[end]:
            allowed[end, scheme.inside[label_ids[label]]] = False
    return allowed


def _tags_of_others(scheme: TagScheme, annotated: set[str]) -> np.ndarray:
    """The tags of labels that are not annotated."""
    others = [i for i, label in enumerate(scheme.labels) if label not in annotated]
    columns = (scheme.first, scheme.inside, scheme.last, scheme.unit)
    return np.unique(np.concatenate([column[others] for column in columns]))
