"""What a head makes of the rows of some documents, to be compared with what another makes."""

from dataclasses import dataclass

import numpy as np

from .entities import Entities


@dataclass(frozen=True)
class ScoredRows:
    """Scores, and what is found.

    scores: (n_scores,) float32, before they become probabilities, in an order that the documents
        and the kind of head determine.
    tags: (n_rows,) int64, the tag of each row that scores highest; None for a head without one tag
        for each row.
    entities (List[Entities]): Of each document, with calibrated probabilities.
    """

    scores: np.ndarray
    tags: np.ndarray | None
    entities: list[Entities]
