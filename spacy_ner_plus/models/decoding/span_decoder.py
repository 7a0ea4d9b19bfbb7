"""What a head of spans must be able to do: the face that all of them have.

A head is in a module that makes rows of features of tokens. Everything on spans is done here, on
these rows: they are scored, chosen ones are given back, and the loss is taken. The rows are the
model's output, and their gradient goes back to it; the head's own parameters collect theirs on the
way, as those of a CRF do.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Protocol

import numpy as np
from torch import Tensor

from .entities import Entities
from .row_features import RowFeatures
from .row_gold import RowGold
from .span_calibration import SpanCalibration

# Spans that are less probable are given by no head, unless a threshold lies below it.
FLOOR = 0.05


@dataclass(frozen=True, kw_only=True)
class SpanLearning:
    """How spans are learned.

    label_weights: (n_labels,) float64, what training multiplies the odds of each label's entities
        by; None for 1.
    negative_weight (float): How much a span without a label counts in the loss, over 0.
    smoothing (float): Share of an entity that is given to the spans next to it, from 0 to less
        than 1.
    """

    label_weights: np.ndarray | None = None
    negative_weight: float = 1.0
    smoothing: float = 0.0


@dataclass(frozen=True)
class SpanLosses:
    """Losses of some documents, with a graph.

    of_docs: (n_docs,) float64 in nats, 0 where nothing is known.
    n_known (int): Rows of which something is known.
    """

    of_docs: Tensor
    n_known: int


class SpanDecoder(Protocol):
    """A head of spans, with the meaning of its labels.

    Attributes:
        negatives_count (bool): Whether the weight of negatives acts on its scores, so that a
            calibration has to take it off.
    """

    @property
    def negatives_count(self) -> bool:
        """See above."""
        ...

    def find_spans(
        self, rows: RowFeatures, *, floor: float, calibration: SpanCalibration
    ) -> list[Entities]:
        """The spans of each Doc that are probable enough, on its tokens.

        floor (float): The least probability, after calibration.
        calibration (SpanCalibration): How its scores become probabilities.
        RETURNS: For each Doc, from left to right. They may overlap and have several labels.
        """
        ...

    def losses(
        self, rows: RowFeatures, gold: Sequence[RowGold], learning: SpanLearning
    ) -> SpanLosses:
        """How improbable what is annotated is. gold: Of each Doc."""
        ...

    def begin_with(
        self, batches: Iterable[Sequence[RowGold]], learning: SpanLearning
    ) -> np.ndarray:
        """Set what can be told from the training data before anything is learned.

        batches: The annotation of all documents, some at a time.
        RETURNS: (n_labels,) int64, annotated spans that it can't learn.
        """
        ...
