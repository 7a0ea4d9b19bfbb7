"""Both trainers, on real sentences: against crfsuite's own tagger, and against each other."""

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pycrfsuite
import pytest
import spacy
import torch
from torch import Tensor

from spacy_ner_plus.models.architectures.feature_tagger import (
    build_feature_tagger_v1,
    feature_shim_of,
)
from spacy_ner_plus.models.runtime.feature_tagger_shim import FeatureTaggerShim
from spacy_ner_plus.nn.crf import CRF, Layout
from spacy_ner_plus.pipeline.features import path_training
from spacy_ner_plus.pipeline.features.crfsuite_training import _sequences, train_with_crfsuite
from spacy_ner_plus.pipeline.features.feature_weights import FeatureWeights
from spacy_ner_plus.pipeline.features.options import TrainerSettings
from spacy_ner_plus.pipeline.features.path_training import train_on_paths
from spacy_ner_plus.pipeline.features.training_data import FeatureData, gather
from spacy_ner_plus.tags import TagScheme
from tests.pipeline.samples import make_examples

SETTINGS = TrainerSettings(trainer="auto", c1=0.1, c2=0.1, max_iterations=100, min_freq=1)
SCHEMES = ("BILOU", "BIO")
Run = tuple[FeatureData, TagScheme, FeatureWeights]


def make_shim(scheme: TagScheme) -> FeatureTaggerShim:
    shim = feature_shim_of(build_feature_tagger_v1())
    shim.start(scheme)
    return shim


def make_data(scheme_name: str, n: int = 40, min_freq: int = 1) -> tuple[FeatureData, TagScheme]:
    scheme = TagScheme(scheme_name, ["Chemical", "Disease"])
    examples = make_examples(spacy.blank("en"), n)
    return gather(examples, make_shim(scheme), "ner_plus_features", min_freq), scheme


@pytest.fixture(scope="module", params=SCHEMES)
def run(request: pytest.FixtureRequest) -> Run:
    data, scheme = make_data(request.param)
    return data, scheme, train_with_crfsuite(data, scheme, SETTINGS, lambda i, loss: None)


@pytest.fixture(scope="module")
def tagger(run: Run, tmp_path_factory: pytest.TempPathFactory) -> Iterator[pycrfsuite.Tagger]:
    """What crfsuite itself learns from the same: it is deterministic."""
    path = str(tmp_path_factory.mktemp("crfsuite") / "model")
    trainer = pycrfsuite.Trainer("lbfgs", verbose=False)
    trainer.set_params({"c1": 0.1, "c2": 0.1, "max_iterations": 100})
    trainer.set("feature.possible_transitions", True)
    for features, tags in _sequences(run[0]):
        trainer.append(features, tags)
    trainer.train(path)
    tagger = pycrfsuite.Tagger()
    tagger.open(path)
    yield tagger
    tagger.close()


def scores_of(data: FeatureData, weights: FeatureWeights) -> Tensor:
    """Emissions (n_rows, n_tags), token by token."""
    none = set(data.index.none_rows().tolist())
    rows = [[row for row in own if row not in none] for own in data.rows.tolist()]
    return torch.tensor(np.stack([weights.bias + weights.features[r].sum(axis=0) for r in rows]))


def free_crf(weights: FeatureWeights) -> CRF:
    """As crfsuite has it: with no forbidden transitions."""
    crf = CRF.unconstrained(len(weights.bias)).double()
    crf.transition.data.copy_(torch.from_numpy(weights.transitions))
    return crf


def test_weights_mean_what_they_mean_in_crfsuite(run: Run, tagger: pycrfsuite.Tagger) -> None:
    """Best paths, probabilities of paths, and marginals, each without constraints."""
    data, scheme, weights = run
    layout = Layout([len(own) for own in data.row_tokens])
    scores, crf = scores_of(data, weights), free_crf(weights)
    best = crf.decode(scores, layout)
    lattice = crf.lattice(scores, layout)
    marginals = lattice.marginals()
    gold = torch.from_numpy(np.concatenate(data.allowed))
    log_probs = lattice.log_probs(gold)
    assert len(tagger.labels()) == scheme.n_tags
    first = 0
    for doc, (features, tags) in enumerate(_sequences(data)):
        tagger.set(features)
        stop = first + len(tags)
        assert list(map(str, best[first:stop].tolist())) == tagger.tag()
        assert tagger.probability(tags) == pytest.approx(float(log_probs[doc].exp()), abs=1e-4)
        expected = [
            [tagger.marginal(str(tag), at) for tag in range(scheme.n_tags)]
            for at in range(len(tags))
        ]
        np.testing.assert_allclose(marginals[first:stop], expected, atol=1e-4)
        first = stop
    assert first == len(data.rows)


def test_trainers_reach_the_same(run: Run) -> None:
    """The same objective, over all paths: the same minimum."""
    data, scheme, weights = run
    decoder = CRF.unconstrained(scheme.n_tags)
    found = train_on_paths(data, decoder, SETTINGS, lambda i, value: None)
    objective = path_training._Objective(data, decoder, SETTINGS.c2, None, 0.0, 0.0)
    ours, theirs = (value_of(objective, data, own) for own in (found, weights))
    assert ours == pytest.approx(theirs, rel=2e-3)
    np.testing.assert_allclose(found.transitions, weights.transitions, atol=0.1)
    np.testing.assert_allclose(found.bias, weights.bias, atol=0.1)
    assert np.abs(found.features - weights.features).max() < 0.3
    share_of_zeros = [(own.features == 0).mean() for own in (found, weights)]
    assert share_of_zeros[0] == pytest.approx(share_of_zeros[1], abs=0.02)


def value_of(
    objective: path_training._Objective, data: FeatureData, weights: FeatureWeights
) -> float:
    """The whole objective at some weights."""
    flat = torch.from_numpy(weights.features).flatten()[objective._seen]
    vector = torch.cat(
        [
            flat,
            torch.from_numpy(weights.bias),
            torch.from_numpy(weights.transitions).flatten()[objective._valid],
        ]
    )
    return objective(vector)[0] + SETTINGS.c1 * float(vector.abs().sum())


def test_gradient_is_that_of_the_value() -> None:
    data, scheme = make_data("BILOU", n=3)
    for own in data.allowed:
        own[::3] = True  # not annotated
    decoder = CRF.from_scheme(scheme).double()
    weights = np.linspace(0, 1, scheme.n_tags)
    objective = path_training._Objective(data, decoder, 0.3, weights, 0.1, 1.5)
    generator = torch.Generator().manual_seed(0)
    vector = torch.randn(objective.n_weights, dtype=torch.float64, generator=generator)
    direction = torch.randn(objective.n_weights, dtype=torch.float64, generator=generator)
    step = 1e-5
    rise = objective(vector + step * direction)[0] - objective(vector - step * direction)[0]
    assert rise / (2 * step) == pytest.approx(float(objective(vector)[1] @ direction), rel=1e-5)


def test_rare_features_are_left_out() -> None:
    data, _ = make_data("BIO", min_freq=5)
    counts = np.bincount(data.rows.ravel(), minlength=data.index.n_rows)
    counts[data.index.none_rows()] = 0
    assert counts[counts > 0].min() >= 5
    assert data.n_features == (counts > 0).sum() < make_data("BIO")[0].n_features


def test_iterations_are_reported(run: Run) -> None:
    data, scheme, _ = run
    for train in (
        lambda report: train_with_crfsuite(data, scheme, SETTINGS, report),
        lambda report: train_on_paths(data, CRF.from_scheme(scheme), SETTINGS, report),
    ):
        reported: list[tuple[int, float]] = []
        train(lambda i, loss, reported=reported: reported.append((i, loss)))
        assert [i for i, _ in reported] == list(range(1, len(reported) + 1))
        assert 10 < len(reported) <= 100
        assert reported[-1][1] < reported[0][1] / 3


def test_model_files_of_crfsuite_are_removed(run: Run, tmp_path: Path, monkeypatch) -> None:
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    train_with_crfsuite(run[0], run[1], SETTINGS, lambda i, loss: None)
    assert not list(tmp_path.iterdir())
