"""What a trainer gives: the weights of features and of transitions."""

from dataclasses import dataclass

import numpy as np
import torch

from ...models.runtime.feature_tagger_shim import FeatureTaggerShim
from ...text.feature_index import FeatureIndex


@dataclass(frozen=True)
class FeatureWeights:
    """The weights of a model.

    features: (n_features, n_tags) float64, by the rows of the index of the training data.
    bias: (n_tags,) float64.
    transitions: (n_tags, n_tags) float64, from the tag of the row to that of the column.
    """

    features: np.ndarray
    bias: np.ndarray
    transitions: np.ndarray


def put_into(shim: FeatureTaggerShim, index: FeatureIndex, weights: FeatureWeights) -> None:
    """Give a shim a module with these weights; features that have none are forgotten."""
    is_used = np.any(weights.features != 0, axis=1)  # (n_features,)
    is_used[index.none_rows()] = False
    kept, rows = index.chosen(is_used)
    shim.place_features(kept, shim.clusters)
    head = shim.module.head
    features = np.where(is_used[rows][:, None], weights.features[rows], 0.0)
    with torch.no_grad():
        head.weight.copy_(torch.from_numpy(features))
        head.bias.copy_(torch.from_numpy(weights.bias))
        head.decoder.transition.copy_(torch.from_numpy(weights.transitions))
