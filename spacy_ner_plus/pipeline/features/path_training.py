"""Learning the weights with the decoder's own loss.

It is for annotation that lacks some tags, for label weights, label smoothing and focal loss.

The objective is crfsuite's, -log P(annotation) + c1 * sum |w| + c2 * sum w^2, with the sum over all
paths that the annotation permits, and over valid paths alone. As in crfsuite, a feature has weights
only for tags that it was seen with, or that a span has which is known to be wrong.
"""

from collections.abc import Callable

import numpy as np
import torch
from torch import Tensor

from ...models.decoding.emissions import Emissions
from ...models.decoding.losses import loss_and_gradient
from ...models.decoding.rejected import count_known
from ...models.runtime.owl_qn import minimize
from ...nn.crf import CRF
from ..ner_plus.examples import check_losses
from .feature_weights import FeatureWeights
from .options import TrainerSettings
from .training_data import FeatureData


def train_on_paths(
    data: FeatureData,
    decoder: CRF,
    settings: TrainerSettings,
    report: Callable[[int, float], None],
    *,
    log_weights: np.ndarray | None = None,
    smoothing: float = 0.0,
    focal_gamma: float = 0.0,
) -> FeatureWeights:
    """Learn the weights.

    decoder (CRF): A new one, whose parameters are used as room.
    report (Callable): Gets the number of each iteration and the value after it.
    log_weights, smoothing, focal_gamma: See models.decoding.losses.
    RAISES ValueError: If the annotation of a document contradicts itself.
    """
    objective = _Objective(data, decoder.double(), settings.c2, log_weights, smoothing, focal_gamma)
    found = minimize(
        objective,
        torch.zeros(objective.n_weights, dtype=torch.float64),
        l1=settings.c1,
        max_iterations=settings.max_iterations,
        report=report,
    )
    features, bias, transitions = objective.parts(found)
    return FeatureWeights(features.numpy(), bias.numpy(), transitions.numpy())


class _Objective:
    """The loss of all training data by the weights, all in one vector, and its gradient."""

    def __init__(
        self,
        data: FeatureData,
        decoder: CRF,
        c2: float,
        log_weights: np.ndarray | None,
        smoothing: float,
        focal_gamma: float,
    ) -> None:
        self._data, self._decoder, self._c2 = data, decoder, c2
        self._log_weights, self._smoothing = log_weights, smoothing
        self._focal_gamma = focal_gamma
        # one template after the other: a column is contiguous
        self._columns = [torch.from_numpy(c) for c in data.rows.T.astype(np.int64).copy()]
        allowed = torch.from_numpy(np.concatenate(data.allowed))  # (n_rows, n_tags)
        self._seen = self._seen_with(allowed)  # positions in the flat matrix of weights
        self._valid = decoder.transition_mask.flatten().nonzero().squeeze(1)
        self._n_known = count_known(data.allowed, data.rejected)

    def _seen_with(self, allowed: Tensor) -> Tensor:
        """The pairs of features and tags that occur, as (n,) int64."""
        seen = torch.zeros(self._data.index.n_rows, allowed.shape[1], dtype=torch.bool)
        has_tag = allowed & ~allowed.all(dim=1, keepdim=True)  # (n_rows, n_tags)
        has_tag |= torch.from_numpy(self._rejected_tags(*allowed.shape))
        for tag in range(allowed.shape[1]):
            rows = has_tag[:, tag]
            for column in self._columns:
                seen[column[rows], tag] = True
        seen[torch.from_numpy(self._data.index.none_rows())] = False
        return seen.flatten().nonzero().squeeze(1)

    def _rejected_tags(self, n_rows: int, n_tags: int) -> np.ndarray:
        """The tags that tokens have in spans which are known to be wrong, (n_rows, n_tags) bool."""
        found = np.zeros((n_rows, n_tags), dtype=bool)
        if (spans := self._data.rejected) is not None:
            lengths = np.array([len(tokens) for tokens in self._data.row_tokens])
            firsts = np.cumsum(lengths) - lengths  # (n_docs,)
            columns = (firsts[spans.sequences], spans.starts, spans.ends, spans.labels)
            for first, start, end, label in zip(*(c.tolist() for c in columns), strict=True):
                span = (0, end - start, spans.scheme.labels[label])
                tags = spans.scheme.encode([span], end - start)
                found[np.arange(first + start, first + end), tags] = True
        return found

    @property
    def n_weights(self) -> int:
        """The length of the vector."""
        return len(self._seen) + self._decoder.n_tags + len(self._valid)

    def parts(self, vector: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """Features (n_features, n_tags), bias (n_tags,) and transitions (n_tags, n_tags)."""
        n_tags = self._decoder.n_tags
        own, bias, valid = vector.split([len(self._seen), n_tags, len(self._valid)])
        features = vector.new_zeros(self._data.index.n_rows * n_tags)
        transitions = vector.new_zeros(n_tags * n_tags)
        features[self._seen], transitions[self._valid] = own, valid
        return features.view(-1, n_tags), bias, transitions.view(n_tags, n_tags)

    def __call__(self, vector: Tensor) -> tuple[float, Tensor]:
        features, bias, transitions = self.parts(vector)
        scores = bias.repeat(len(self._data.rows), 1)  # (n_rows, n_tags)
        for column in self._columns:
            scores += features[column]
        self._decoder.transition.data.copy_(transitions)
        self._decoder.zero_grad()
        losses, d_scores = loss_and_gradient(
            self._decoder,
            Emissions(scores, self._data.row_tokens, self._data.rejected),
            self._data.allowed,
            log_weights=self._log_weights,
            smoothing=self._smoothing,
            focal_gamma=self._focal_gamma,
        )
        check_losses(losses, self._data.examples)
        gradient = self._n_known * self._joined(d_scores)  # that was of the mean
        value = float(losses.sum()) + self._c2 * float(vector @ vector)
        return value, gradient + 2.0 * self._c2 * vector

    def _joined(self, d_scores: Tensor) -> Tensor:
        """The gradient of the vector."""
        d_features = d_scores.new_zeros(self._data.index.n_rows, d_scores.shape[1])
        for column in self._columns:
            d_features.index_add_(0, column, d_scores)
        d_transition = self._decoder.transition.grad
        assert d_transition is not None
        return torch.cat(
            [
                d_features.flatten()[self._seen],
                d_scores.sum(dim=0),
                d_transition.flatten()[self._valid],
            ]
        )
