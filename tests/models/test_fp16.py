"""fp16: loss scaling, on the CPU, against torch's own GradScaler."""

from pathlib import Path
from typing import Any

import pytest
import torch
from spacy.language import Language
from spacy.tokens import Doc
from thinc.api import Adam, Model
from torch import Tensor

from spacy_ner_plus.models.architectures.transformer_vectors import build_transformer_v1
from spacy_ner_plus.models.runtime.loss_scale import (
    GROWTH_INTERVAL,
    INITIAL_SCALE,
    LEAST_SCALE,
    LossScale,
)
from spacy_ner_plus.models.runtime.optimizer import ModuleOptimizer
from tests.models.conftest import MakeTagger

TEXTS = ["Bob Smith flew to Paris on Monday .", "hypotension", "Severe heart failure followed ."]


@pytest.fixture
def docs(nlp: Language) -> list[Doc]:
    return [nlp.make_doc(text) for text in TEXTS]


def weights_of(model: Model) -> dict[str, Tensor]:
    return {name: p.detach().clone() for name, p in model.shims[0].module.named_parameters()}


def gradients_of(model: Model) -> dict[str, Tensor]:
    named = model.shims[0].module.named_parameters()
    return {name: p.grad.clone() for name, p in named if p.grad is not None}


def learn(model: Model, docs: list[Doc], factor: float = 1e-3) -> None:
    """Gradients as small as those of a mean over many tokens, and some of the CRF's own."""
    emissions, backprop = model.begin_update(docs)
    generator = torch.Generator().manual_seed(0)
    for parameter in model.shims[0].module.head.decoder.parameters():
        new = torch.randn(parameter.shape, generator=generator)
        parameter.grad = new if parameter.grad is None else parameter.grad + new
    backprop(factor * torch.randn(emissions.scores.shape, generator=generator))


def optimizer_of(model: Model) -> ModuleOptimizer:
    optimizer = model.shims[0]._adamw()
    assert isinstance(optimizer, ModuleOptimizer)
    return optimizer


def scale_of(model: Model) -> LossScale:
    scale = optimizer_of(model).loss_scale
    assert scale is not None
    return scale


def test_loss_scale_grows_and_backs_off_as_in_torch() -> None:
    ours = LossScale()
    theirs = torch.amp.GradScaler("cpu", init_scale=INITIAL_SCALE)
    weight = torch.nn.Parameter(torch.zeros(1))
    optimizer = torch.optim.SGD([weight])
    theirs.scale(torch.zeros(1))
    for step in range(GROWTH_INTERVAL * 2 + 10):
        is_finite = step not in (3, 4, GROWTH_INTERVAL - 1)
        weight.grad = torch.full((1,), 1.0 if is_finite else torch.inf)
        theirs.step(optimizer)
        theirs.update()
        ours.update(is_finite=is_finite)
        assert ours.value == theirs.get_scale(), step
    assert ours.value == INITIAL_SCALE / 4


def test_loss_scale_gives_up_if_nothing_helps() -> None:
    scale = LossScale()
    with pytest.raises(ValueError, match='precision = "bf16" or "fp32"'):
        for _ in range(100):
            scale.update(is_finite=False)
    assert scale.value < LEAST_SCALE


def test_gradients_are_those_of_fp32(make_tagger: MakeTagger, docs: list[Doc]) -> None:
    """Twice before the step, so those of the first batch must not be unscaled again, and those
    of the CRF never.
    """
    found = []
    for precision in ("fp32", "fp16"):
        model = make_tagger(precision=precision, dropout=0.0)
        learn(model, docs)
        learn(model, docs[:2])
        found.append(gradients_of(model))
    expected, rounded = found
    assert rounded.keys() == expected.keys()
    largest = max(float(gradient.abs().max()) for gradient in expected.values())
    for name, gradient in expected.items():
        assert rounded[name].dtype == torch.float32
        tolerance = 0.0 if "decoder" in name else 0.02 * largest
        torch.testing.assert_close(rounded[name], gradient, rtol=0.02, atol=tolerance, msg=name)


def test_small_gradients_are_not_lost(make_tagger: MakeTagger, docs: list[Doc]) -> None:
    """Without scaling they are below what fp16 can hold."""
    lost = []
    for scale in (1.0, INITIAL_SCALE):
        model = make_tagger(precision="fp16", dropout=0.0)
        scale_of(model).value = scale
        learn(model, docs, factor=1e-9)
        gradients = gradients_of(model)
        first = gradients["encoder.model.encoder.layer.0.attention.self.value.weight"]
        lost.append(float((first == 0).float().mean()))
    assert lost[0] > 0.9 and lost[1] < 0.1


def test_steps_move_the_weights_as_in_fp32(make_tagger: MakeTagger, docs: list[Doc]) -> None:
    moved = []
    for precision in ("fp32", "fp16"):
        model = make_tagger(precision=precision, dropout=0.0)
        before = weights_of(model)
        for _ in range(3):
            learn(model, docs)
            model.shims[0].finish_update(Adam(1e-4))
        after = weights_of(model)
        moved.append(torch.cat([(after[n] - before[n]).flatten() for n in sorted(before)]))
    assert scale_of(model) == LossScale(INITIAL_SCALE, 3)
    similarity = torch.nn.functional.cosine_similarity(moved[0], moved[1], dim=0)
    assert float(similarity) > 0.95


@pytest.mark.parametrize("grad_clip", [0.0, 1.0])
def test_overflow_skips_the_step_and_halves_the_scale(
    make_tagger: MakeTagger, docs: list[Doc], grad_clip: float
) -> None:
    model = make_tagger(precision="fp16", dropout=0.0)
    before = weights_of(model)
    learn(model, docs, factor=1e6)  # times 65,536 is more than fp16 can hold
    learn(model, docs)  # of the same step
    model.shims[0].finish_update(Adam(1e-4, grad_clip=grad_clip))
    assert scale_of(model) == LossScale(INITIAL_SCALE / 2, 0)
    assert not gradients_of(model)
    assert all(torch.equal(w, before[name]) for name, w in weights_of(model).items())
    learn(model, docs)
    model.shims[0].finish_update(Adam(1e-4, grad_clip=grad_clip))
    assert scale_of(model) == LossScale(INITIAL_SCALE / 2, 1)
    assert any(not torch.equal(w, before[name]) for name, w in weights_of(model).items())


@pytest.mark.slow
def test_scale_is_saved_with_the_optimizer(make_tagger: MakeTagger, docs: list[Doc]) -> None:
    def run(model: Model, factors: list[float]) -> None:
        for factor in factors:
            learn(model, docs, factor)
            model.shims[0].finish_update(Adam(1e-4))

    factors = [1e-3, 1e6, 1e-3, 1e-3, 1e6, 1e-3]
    whole, first = (make_tagger(precision="fp16", dropout=0.0) for _ in range(2))
    run(whole, factors)
    run(first, factors[:3])
    second = make_tagger(precision="fp16", dropout=0.0, seed=1)
    second.from_bytes(first.to_bytes())
    second.shims[0].optimizer_from_bytes(first.shims[0].optimizer_to_bytes())
    assert scale_of(second) == LossScale(INITIAL_SCALE / 2, 1)
    run(second, factors[3:])
    assert scale_of(second) == scale_of(whole) == LossScale(INITIAL_SCALE / 4, 1)
    assert second.shims[0].optimizer_to_bytes() == whole.shims[0].optimizer_to_bytes()
    assert all(torch.equal(w, weights_of(whole)[name]) for name, w in weights_of(second).items())


def test_precision_may_change_between_runs(make_tagger: MakeTagger, docs: list[Doc]) -> None:
    states = {}
    for precision in ("fp16", "fp32"):
        model = make_tagger(precision=precision)
        learn(model, docs)
        model.shims[0].finish_update(Adam(1e-4))
        states[precision] = model.shims[0].optimizer_to_bytes()
    for precision, other in (("fp16", "fp32"), ("fp32", "fp16")):
        model = make_tagger(precision=precision)
        model.shims[0].optimizer_from_bytes(states[other])
        scale = optimizer_of(model).loss_scale
        assert scale == (LossScale() if precision == "fp16" else None)


def test_shared_encoder_learns_in_fp16(tiny_encoder_dir: Path, docs: list[Doc]) -> None:
    model: Any = build_transformer_v1(
        str(tiny_encoder_dir), 32, window=32, overlap=8, device="cpu", precision="fp16"
    )
    model.initialize()
    before = weights_of(model)
    for _ in range(2):
        vectors, backprop = model.begin_update(docs)
        model.finish_update(Adam(1e-3))
        backprop([vector + 1 for vector in vectors])
    assert scale_of(model) == LossScale(INITIAL_SCALE, 2)
    after = weights_of(model)
    assert any(not torch.equal(after[name], before[name]) for name in before)
    assert all(bool(weight.isfinite().all()) for weight in after.values())
