"""How undecided a head of spans is about parts of documents."""

import math
from collections.abc import Sequence

import numpy as np
from spacy.tokens import Doc, Span

from ...models.decoding.entities import Entities
from ...models.decoding.log_odds import log_odds
from ..capabilities import Uncertainty

# Spans that are less probable are left out: there are many, and all of them together say little.
LOOKED_AT = 0.005


def uncertainties_of_spans(
    spans: Entities, doc: Doc, parts: Sequence[Doc | Span]
) -> list[Uncertainty]:
    """How undecided a model is about parts of a Doc, as if spans were independent.

    A reading is a set of spans. The best one has all that are more probable than not; the second
    one differs in the span of which least is known. What `allow` and thresholds make of the spans
    is another matter.

    spans (Entities): With their probabilities, all that have LOOKED_AT at least. Those that lie
        across the edge of a part are in none.
    RETURNS (List[Uncertainty]): One a part.
    """
    odds = np.abs(log_odds(spans.probabilities))  # (n,)
    # of the less probable of both: that it is there, and that it is not
    less = np.minimum(spans.probabilities, 1.0 - spans.probabilities)  # (n,)
    surest = np.log1p(-less)  # (n,)
    entropies = -surest + less * odds  # (n,) of each by itself
    counts = doc.to_array("IS_SPACE").reshape(-1) == 0  # (n_tokens,)
    found = []
    for part in parts:
        first, end = (part.start, part.end) if isinstance(part, Span) else (0, len(doc))
        own = (spans.starts >= first) & (spans.ends <= end)  # (n,)
        log_prob = float(surest[own].sum())
        found.append(
            Uncertainty(
                n_tokens=int(counts[first:end].sum()),
                log_prob=log_prob,
                second_log_prob=log_prob - float(odds[own].min(initial=math.inf)),
                entropy=float(entropies[own].sum()),
                expected_errors=float(less[own].sum()),
            )
        )
    return found
