"""Learning the weights with crfsuite: fast, for complete annotation.

Okazaki (2007), "CRFsuite: a fast implementation of Conditional Random Fields". It knows no tag
scheme: all transitions are possible while it learns, and those that are invalid come to be
improbable. The decoder rules them out.
"""

import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np

from ...support.extras import require
from ...tags import TagScheme
from .feature_weights import FeatureWeights
from .options import TrainerSettings
from .training_data import FeatureData

EXTRA = "features"
_BIAS = "bias"
_ITERATION, _LOSS = "***** Iteration #", "Loss: "


def train_with_crfsuite(
    data: FeatureData,
    scheme: TagScheme,
    settings: TrainerSettings,
    report: Callable[[int, float], None],
) -> FeatureWeights:
    """Learn the weights.

    data (FeatureData): With one permitted tag for each token.
    report (Callable): Gets the number of each iteration and the loss after it.
    RAISES ValueError: If python-crfsuite is not installed.
    """
    pycrfsuite = require("pycrfsuite", EXTRA)
    trainer = _reporting(pycrfsuite, report)
    trainer.set_params(
        {
            "c1": settings.c1,
            "c2": settings.c2,
            "max_iterations": settings.max_iterations,
            "feature.possible_transitions": True,
        }
    )
    for features, tags in _sequences(data):
        trainer.append(pycrfsuite.ItemSequence(features), tags)
    with tempfile.TemporaryDirectory() as folder:
        path = str(Path(folder) / "model.crfsuite")
        trainer.train(path)
        tagger = pycrfsuite.Tagger()
        tagger.open(path)
        try:
            return _weights_of(tagger.info(), data.index.n_rows, scheme.n_tags)
        finally:
            tagger.close()


def _reporting(pycrfsuite: Any, report: Callable[[int, float], None]) -> Any:
    """A trainer that reports its iterations."""

    class ReportingTrainer(pycrfsuite.BaseTrainer):
        iteration = 0

        def message(self, message: str) -> None:
            for line in message.splitlines():
                if line.startswith(_ITERATION):
                    self.iteration = int(line.removeprefix(_ITERATION).split()[0])
                elif line.startswith(_LOSS) and self.iteration:
                    report(self.iteration, float(line.removeprefix(_LOSS)))

    trainer = ReportingTrainer()
    trainer.select("lbfgs")
    return trainer


def _sequences(data: FeatureData) -> Iterator[tuple[list[list[str]], list[str]]]:
    """The features and the tag of each token, of each document: numbers, as strings."""
    names = [str(row) for row in range(data.index.n_rows)]
    none = data.index.none_rows()
    first = 0
    for allowed in data.allowed:
        rows = data.rows[first : first + len(allowed)]  # (n_rows_of_doc, n_templates)
        first += len(allowed)
        if not len(allowed):
            continue
        has_it = rows != none
        flat = [names[row] for row in rows[has_it].tolist()]
        ends = np.cumsum(has_it.sum(axis=1)).tolist()
        features = [[*flat[s:e], _BIAS] for s, e in zip([0, *ends], ends, strict=False)]
        yield features, [str(tag) for tag in allowed.argmax(axis=1).tolist()]


def _weights_of(info: Any, n_features: int, n_tags: int) -> FeatureWeights:
    """The weights in the tables that crfsuite's tagger gives, by names of features and tags."""
    weights = FeatureWeights(
        np.zeros((n_features, n_tags)), np.zeros(n_tags), np.zeros((n_tags, n_tags))
    )
    for (name, tag), weight in info.state_features.items():
        if name == _BIAS:
            weights.bias[int(tag)] = weight
        else:
            weights.features[int(name), int(tag)] = weight
    for (before, after), weight in info.transitions.items():
        weights.transitions[int(before), int(after)] = weight
    return weights
