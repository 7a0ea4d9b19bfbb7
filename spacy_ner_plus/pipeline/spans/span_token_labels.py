"""How probable it is that a token is in an entity of a type, by spans that were scored."""

import numpy as np

from ...models.decoding.entities import Entities

# Spans that are so many times less probable than what is asked for are left out: several of them
# over one token rarely add up to it.
SUMMED = 4
# Of a span that is certain: its logarithm must stay a number.
_SUREST = 1.0 - 1e-15


def label_probabilities_of_spans(spans: Entities, n_tokens: int, n_labels: int) -> np.ndarray:
    """That any of the spans over a token is there, as if they were independent.

    RETURNS: (n_tokens, n_labels) float64
    """
    log_absent = np.log1p(-np.minimum(spans.probabilities, _SUREST))  # (n_spans,)
    steps = np.zeros((n_tokens + 1, n_labels))
    np.add.at(steps, (spans.starts, spans.labels), log_absent)
    np.add.at(steps, (spans.ends, spans.labels), -log_absent)
    # a sum that comes back to 0 may miss it by rounding
    none_there = np.minimum(np.cumsum(steps[:-1], axis=0), 0.0)  # (n_tokens, n_labels)
    return np.asarray(-np.expm1(none_there))
