"""The loss of spans and its gradient, whatever head scores them."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
import torch
from torch import Tensor

from .row_features import RowFeatures
from .row_gold import RowGold
from .span_decoder import SpanDecoder, SpanLearning


@dataclass(frozen=True)
class SpanGradient:
    """The losses of some documents, and the gradient of their mean.

    losses: (n_docs,) float64 in nats, 0 for a Doc of which nothing is known, nan or infinite where
        scores or weights are not finite.
    n_known (int): Rows of which something is known.
    n_left_out (int): Annotated spans that the head can't learn.
    gradient: (n_rows, n_features), of the sum of the losses over n_known, with respect to the
        features; 0, and without meaning, unless all losses are finite.
    """

    losses: np.ndarray
    n_known: int
    n_left_out: int
    gradient: Tensor


def span_gradient(
    decoder: SpanDecoder, rows: RowFeatures, gold: Sequence[RowGold], learning: SpanLearning
) -> SpanGradient:
    """The losses of some documents and their gradient. The head's parameters collect their own.

    rows (RowFeatures): The model's output.
    gold (Sequence[RowGold]): What is known of each Doc.
    learning (SpanLearning): How spans are learned.
    """
    # a copy: what predict gives is an inference tensor, which can't ask for a gradient
    leaf = rows.features.detach().clone().requires_grad_()
    with torch.enable_grad():
        found = decoder.losses(replace(rows, features=leaf), gold, learning)
        losses = found.of_docs.detach().cpu().numpy()  # (n_docs,)
        if np.isfinite(losses).all() and found.n_known:
            (found.of_docs.sum() / found.n_known).backward()
    gradient = torch.zeros_like(leaf) if leaf.grad is None else leaf.grad
    return SpanGradient(losses, found.n_known, found.n_left_out, gradient)
