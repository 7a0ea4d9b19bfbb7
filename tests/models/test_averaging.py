"""Averages of weights: what they are, where they go, and that training does not notice them."""

from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from spacy.language import Language
from spacy.util import registry
from thinc.api import Adam, Linear, Model, Optimizer, chain
from torch import nn

from spacy_ner_plus.models.runtime.averaged_optimizer import AveragedAdam
from spacy_ner_plus.models.runtime.averaging import WeightAverages, horizon
from spacy_ner_plus.models.runtime.tagger_shim import TaggerShim
from spacy_ner_plus.training.snapshot import Snapshot, read_snapshot, write_snapshot
from tests.pipeline.samples import initialized_nlp, make_examples, make_nlp

SHARE = 0.4


def naive_average(weights: list[np.ndarray], share: float) -> np.ndarray:
    """Each step's part of the average, written out."""
    parts: list[float] = []
    for step in range(1, len(weights) + 1):
        new = 1 / horizon(step, share)
        parts = [part * (1 - new) for part in parts] + [new]
    assert sum(parts) == pytest.approx(1.0)
    assert all(one <= other * (1 + 1e-12) for one, other in pairwise(parts))
    return sum(part * np.float64(value) for part, value in zip(parts, weights, strict=True))


@given(
    st.lists(st.floats(-5, 5, width=32), min_size=1, max_size=30),
    st.floats(0.01, 1.0),
)
def test_average_is_the_weighted_mean_of_all_steps(values: list[float], share: float) -> None:
    parameter = nn.Parameter(torch.full((2,), values[0]))
    averages = WeightAverages([parameter])
    for value in values[1:]:
        with torch.no_grad():
            parameter.fill_(value)
        averages.update(share)
    expected = naive_average([np.full(2, value) for value in values], share)
    np.testing.assert_allclose(averages.values[0].numpy(), expected, rtol=1e-5, atol=1e-5)


def test_share_of_one_is_the_plain_mean() -> None:
    weights = [np.array([float(i)]) for i in range(7)]
    assert naive_average(weights, 1.0) == pytest.approx(3.0)


@pytest.mark.parametrize("share", [0.0, -1.0, 1.5, float("nan"), "much"])
def test_share_out_of_range_is_refused(share: Any) -> None:
    with pytest.raises(ValueError, match="average_over = "):
        AveragedAdam(0.001, average_over=share)


def make_optimizer(**settings: Any) -> Optimizer:
    return registry.resolve(
        {
            "optimizer": {
                "@optimizers": "spacy_ner_plus.AveragedAdam.v1",
                "learn_rate": {"@schedules": "constant.v1", "rate": 3e-4},
                "average_over": SHARE,
                **settings,
            }
        }
    )["optimizer"]


def weights_of(shim: TaggerShim) -> dict[str, np.ndarray]:
    return {name: p.detach().numpy().copy() for name, p in shim.module.named_parameters()}


def averages_of(optimizer: Optimizer, shim: TaggerShim) -> dict[str, torch.Tensor]:
    assert isinstance(optimizer.averages, dict)
    prefix = f"pytorch_{shim.id}_"
    found = {str(key): value for key, value in optimizer.averages.items()}
    return {key.removeprefix(prefix): v for key, v in found.items() if key.startswith(prefix)}


def trained(nlp: Language, optimizer: Optimizer, n_steps: int) -> Iterator[dict[str, np.ndarray]]:
    """YIELDS: The weights after each step."""
    for _ in range(n_steps):
        nlp.update(make_examples(nlp, 4), sgd=optimizer)
        yield weights_of(nlp.get_pipe("ner_plus").shim)


@pytest.fixture(scope="module")
def run(tiny_encoder_dir: Path) -> tuple[Language, Optimizer, list[dict[str, np.ndarray]]]:
    nlp, optimizer = initialized_nlp(tiny_encoder_dir), make_optimizer()
    return nlp, optimizer, list(trained(nlp, optimizer, 5))


def test_all_weights_that_learn_are_averaged(run: Any) -> None:
    nlp, optimizer, history = run
    shim = nlp.get_pipe("ner_plus").shim
    assert set(averages_of(optimizer, shim)) == set(history[0])
    assert "head.decoder.transition" in history[0]
    for name, average in averages_of(optimizer, shim).items():
        assert average.dtype == torch.float32
        expected = naive_average([weights[name] for weights in history], SHARE)
        np.testing.assert_allclose(average.numpy(), expected, rtol=1e-5, atol=1e-7)
    moved = history[-1]["head.decoder.transition"]
    average = averages_of(optimizer, shim)["head.decoder.transition"].numpy()
    assert not np.array_equal(moved, average)


def test_training_goes_on_as_without_averages(run: Any, tiny_encoder_dir: Path) -> None:
    _, _, history = run
    nlp = initialized_nlp(tiny_encoder_dir)
    plain = Adam(3e-4, L2=0.01, use_averages=True)
    for expected, found in zip(history, trained(nlp, plain, 5), strict=True):
        assert all(np.array_equal(expected[name], found[name]) for name in expected)
    assert not plain.averages  # thinc's own switch has no effect on torch modules


def test_averages_are_read_with_and_saved_and_weights_come_back(run: Any) -> None:
    nlp, optimizer, history = run
    pipe = nlp.get_pipe("ner_plus")
    docs = [example.predicted for example in make_examples(nlp, 3)]
    before = pipe.emissions(docs).scores
    with nlp.use_params(optimizer.averages):
        within = pipe.emissions(docs).scores
        saved = nlp.to_bytes()
    assert not torch.equal(before, within)
    assert torch.equal(before, pipe.emissions(docs).scores)
    assert all(
        np.array_equal(value, history[-1][name]) for name, value in weights_of(pipe.shim).items()
    )
    again = make_nlp(Path(pipe.model.attrs["name"])).from_bytes(saved)
    assert torch.equal(within, again.get_pipe("ner_plus").emissions(docs).scores)


def test_weights_come_back_after_an_error(run: Any) -> None:
    nlp, optimizer, history = run
    shim = nlp.get_pipe("ner_plus").shim
    with pytest.raises(KeyError), shim.use_params(optimizer.averages):
        raise KeyError
    assert all(np.array_equal(v, history[-1][name]) for name, v in weights_of(shim).items())
    with shim.use_params(optimizer.averages):
        assert not np.array_equal(
            weights_of(shim)["head.linear.weight"], history[-1]["head.linear.weight"]
        )


def test_module_of_two_components_is_put_back_once(tiny_encoder_dir: Path) -> None:
    """spaCy leaves the contexts of components in the order in which it has entered them."""
    nlp, optimizer = initialized_nlp(tiny_encoder_dir), make_optimizer()
    history = list(trained(nlp, optimizer, 3))
    other = nlp.add_pipe("tagger", name="other")
    other.model = Model("other", chain, layers=[nlp.get_pipe("ner_plus").model])
    shim = nlp.get_pipe("ner_plus").shim
    with nlp.use_params(optimizer.averages):
        found = weights_of(shim)["head.linear.bias"]
        assert np.array_equal(found, averages_of(optimizer, shim)["head.linear.bias"].numpy())
    assert all(np.array_equal(v, history[-1][name]) for name, v in weights_of(shim).items())


def test_frozen_weights_are_not_averaged(tiny_encoder_dir: Path) -> None:
    nlp, optimizer = initialized_nlp(tiny_encoder_dir, model_freeze="encoder"), make_optimizer()
    list(trained(nlp, optimizer, 2))
    averages = averages_of(optimizer, nlp.get_pipe("ner_plus").shim)
    assert averages and all(name.startswith("head.") for name in averages)
    with nlp.use_params(optimizer.averages):
        assert nlp.evaluate(make_examples(nlp, 2))["ents_f"] is not None


def test_averages_of_other_weights_are_refused(tiny_encoder_dir: Path) -> None:
    nlp, optimizer = initialized_nlp(tiny_encoder_dir), make_optimizer()
    list(trained(nlp, optimizer, 2))
    nlp.get_pipe("ner_plus").add_label("Another")
    with (
        pytest.raises(ValueError, match=r"a model with another head\.\S+, as labels were added"),
        nlp.use_params(optimizer.averages),
    ):
        pass
    history = list(trained(nlp, optimizer, 1))  # a new beginning
    shim = nlp.get_pipe("ner_plus").shim
    average = averages_of(optimizer, shim)["head.linear.weight"].numpy()
    assert np.array_equal(average, history[0]["head.linear.weight"])


def test_thincs_own_weights_are_averaged_alike() -> None:
    model, optimizer = Linear(2, 3), make_optimizer(learn_rate=0.1)
    model.initialize()
    history = []
    for step in range(5):
        model.set_grad("W", np.full((2, 3), step + 1.0, dtype="f"))
        model.set_grad("b", np.ones(2, dtype="f"))
        model.finish_update(optimizer)
        history.append(model.get_param("W").copy())
    average = optimizer.averages[model.id, "W"]
    np.testing.assert_allclose(average, naive_average(history, SHARE), rtol=1e-5)
    with model.use_params(optimizer.averages):
        np.testing.assert_array_equal(model.get_param("W"), average)
    np.testing.assert_array_equal(model.get_param("W"), history[-1])


def test_checkpoint_holds_both_weights_and_averages(tmp_path: Path, tiny_encoder_dir: Path) -> None:
    """They are there at once, before a further step: a run may be over, and saves them."""
    nlp, optimizer = initialized_nlp(tiny_encoder_dir), make_optimizer()
    history = list(trained(nlp, optimizer, 3))
    run_state = {"n_steps": 3}
    snapshot = Snapshot(run=run_state, config={}, packages={}, data={}, random={})
    write_snapshot(tmp_path, snapshot, nlp, optimizer)
    other, again = make_nlp(tiny_encoder_dir), make_optimizer()
    other.initialize(lambda: make_examples(other, 4))
    read_snapshot(tmp_path, other, again)
    mine, its = nlp.get_pipe("ner_plus").shim, other.get_pipe("ner_plus").shim
    found = weights_of(its)
    assert all(np.array_equal(history[-1][name], found[name]) for name in found)

    def assert_same_averages() -> None:
        assert len(again.averages) == len(found)
        for name in found:
            assert torch.equal(averages_of(optimizer, mine)[name], averages_of(again, its)[name])

    assert_same_averages()
    torch.manual_seed(1)
    [expected] = trained(nlp, optimizer, 1)
    torch.manual_seed(1)
    [resumed] = trained(other, again, 1)
    assert all(np.array_equal(expected[name], resumed[name]) for name in expected)
    assert_same_averages()
