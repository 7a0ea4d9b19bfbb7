"""The loss of the band's logits.

With targets y, the weight w of negatives and v of a label, the loss of a document is

    L = sum over its known cells and labels of  -v * y * log p - w * (1 - y) * log(1 - p),

where p is the sigmoid of the logit x: the binary cross-entropy, in nats, of which the two sides are
weighted. Negatives are hundreds of times as many as entities; a weight keeps what all of them
teach, where sampling would throw most of it away.

The logits that fit data best, with a share q of cells that have the label, are then not its log
odds, but

    x = log(q / (1 - q)) + log v - log w.

So the log of the negatives' weight must be taken off: log(q / (1 - q)) = x + log w for v = 1. With
w < 1 that makes all spans less probable. What a label's weight does is meant to stay, as with
ner_plus's tagger (see models.decoding.losses): an entity's odds are v times those of the data.
"""

from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor
from torch.nn.functional import binary_cross_entropy_with_logits

from ...crf.transfer import to_device
from .band_layout import BandLayout
from .band_targets import BandTargets


@dataclass(frozen=True, kw_only=True)
class BandLoss:
    """How the logits of spans learn.

    n_labels (int): Labels.
    negative_weight (float): Weight w of what is no entity, over 0.
    label_weights: (n_labels,) float64, the weights v of entities, over 0; None for 1.
    smoothing (float): From 0 to less than 1: see BandTargets.smoothed.
    RAISES ValueError: If one is out of range.
    """

    n_labels: int
    negative_weight: float = 1.0
    label_weights: np.ndarray | None = None
    smoothing: float = 0.0

    def __post_init__(self) -> None:
        if not 0.0 < self.negative_weight < np.inf:
            raise ValueError(f"negative_weight = {self.negative_weight} must be over 0.")
        if not 0.0 <= self.smoothing < 1.0:
            raise ValueError(f"smoothing = {self.smoothing} must be at least 0 and less than 1.")
        weights = self._label_weights
        if weights.shape != (self.n_labels,) or not ((weights > 0) & np.isfinite(weights)).all():
            raise ValueError(f"label_weights {weights} must be {self.n_labels} numbers over 0.")

    @property
    def _label_weights(self) -> np.ndarray:
        return np.ones(self.n_labels) if self.label_weights is None else self.label_weights

    @property
    def raised_by(self) -> np.ndarray:
        """By how much logits are above the log odds of the data, (n_labels,) float64."""
        return np.asarray(np.log(self._label_weights) - np.log(self.negative_weight))

    @property
    def intercepts(self) -> np.ndarray:
        """What makes log odds of logits, with the labels' weights in them, (n_labels,) float64.

        They are the log of the negatives' weight: intercepts of LogOddsLines with slopes of 1.
        """
        return np.full(self.n_labels, np.log(self.negative_weight))

    def of_docs(self, logits: Tensor, targets: BandTargets, layout: BandLayout) -> Tensor:
        """The loss of each document, in nats, with a gradient: the sum over what is known of it.

        To learn from several, their sum is divided by BandTargets.n_known_rows: the mean over
        tokens of which something is known, as that of the tagger.

        logits (Tensor): *Shape:* (n_rows, max_width, n_labels)
        targets (BandTargets): Of the same cells.
        layout (BandLayout): Of the documents.
        RETURNS (Tensor): float64, 0 for a document of which nothing is known. *Shape:* (n_docs,)
        """
        ratios = to_device(self._label_weights / self.negative_weight, logits.device)  # (n_labels,)
        losses = binary_cross_entropy_with_logits(
            logits.masked_fill(~targets.known, 0.0),  # unknown: no gradient, and no -inf * 0
            targets.smoothed(self.smoothing, logits.dtype),
            weight=self.negative_weight * targets.known.to(logits.dtype),
            pos_weight=ratios.to(logits.dtype),
            reduction="none",
        )  # (n_rows, max_width, n_labels)
        return layout.doc_sums(losses.sum(dim=(1, 2), dtype=torch.float64))
