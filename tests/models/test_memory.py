"""Memory: gradients do not depend on how much of a batch is kept, and running out is survived."""

import logging
import pickle
import weakref
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from spacy.language import Language
from spacy.tokens import Doc
from thinc.api import Model
from thinc.types import ArgsKwargs
from torch import Tensor, nn

from spacy_ner_plus.models.architectures.transformer_vectors import build_transformer_v1
from spacy_ner_plus.models.runtime.device import autocast
from spacy_ner_plus.models.runtime.memory import count_recomputed, is_out_of_memory
from spacy_ner_plus.models.runtime.training_pass import TrainingPass
from spacy_ner_plus.nn.encoders.buckets import TensorBucket
from tests import tiny
from tests.models.conftest import MakeTagger

Gradients = dict[str, Tensor]
LONG = "Bob Smith flew to Paris on Monday with tetrandrine and fangchinoline . " * 6
TEXTS = [LONG, "Severe heart failure followed .", "", "hypotension", "x" * 150]
WHOLE = 1 << 20


class FakeMemory:
    """Room for the activations of so many padded pieces, one bucket's in one piece."""

    def __init__(
        self,
        room: float,
        *,
        room_in_backward: float = float("inf"),
        failures_in_backward: int = 0,
    ) -> None:
        self.room = room
        self.room_in_backward = room_in_backward
        self.failures_in_backward = failures_in_backward
        self.most = 0
        self._taken: list[tuple[int, weakref.ref]] = []

    def take(self, n_pieces: int) -> Tensor:
        used = sum(n for n, tensor in self._taken if tensor() is not None)
        if used + n_pieces > self.room:
            raise torch.OutOfMemoryError(f"no room for {n_pieces} more than {used}")
        self.most = max(self.most, used + n_pieces)
        tensor = torch.empty(n_pieces)
        self._taken.append((n_pieces, weakref.ref(tensor)))
        return tensor

    @property
    def used(self) -> int:
        return sum(n for n, tensor in self._taken if tensor() is not None)


class _Activations(torch.autograd.Function):
    """The identity, with a tensor that is kept for the backward pass."""

    @staticmethod
    def forward(ctx: Any, hidden: Tensor, memory: FakeMemory) -> Tensor:
        ctx.memory = memory
        ctx.save_for_backward(memory.take(hidden.shape[0] * hidden.shape[1]))
        return hidden.view_as(hidden)

    @staticmethod
    def backward(ctx: Any, gradient: Tensor) -> tuple[Tensor, None]:
        (taken,) = ctx.saved_tensors
        memory = ctx.memory
        if len(taken) > memory.room_in_backward or memory.failures_in_backward > 0:
            memory.failures_in_backward -= 1
            raise torch.OutOfMemoryError("no room to go back")
        return gradient, None


@contextmanager
def bounded(model: Model, memory: FakeMemory) -> Iterator[None]:
    encoder = model.shims[0].module.encoder
    encoder._packed.drop()  # the copy has the hooks that the model has when it is made
    hook = encoder.model.register_forward_hook(
        lambda module, inputs, output: output.__setitem__(
            "last_hidden_state", _Activations.apply(output["last_hidden_state"], memory)
        )
    )
    yield
    hook.remove()
    encoder._packed.drop()


@pytest.fixture
def docs(nlp: Language) -> list[Doc]:
    return [nlp.make_doc(text) for text in TEXTS]


@pytest.fixture(params=["private", "shared"])
def make(request: pytest.FixtureRequest, make_tagger: MakeTagger, tiny_encoder_dir: Path) -> Any:
    """Makes a tagger with an encoder of its own, or an encoder that components share."""

    def make_shared(folder: Path = tiny_encoder_dir, **settings: Any) -> Model:
        settings = {"window": 32, "overlap": 8, "device": "cpu", "precision": "fp32", **settings}
        model = build_transformer_v1(str(folder), 32, **settings)
        torch.manual_seed(0)
        model.initialize()
        return model

    def make_private(folder: Path = tiny_encoder_dir, **settings: Any) -> Model:
        return make_tagger(folder, dropout=0.0, pooling="mean", **settings)

    return make_private if request.param == "private" else make_shared


def learn(model: Model, docs: list[Doc]) -> Gradients:
    """Add the gradients of a loss that depends on every output in another way."""
    output, backprop = model.begin_update(docs)
    generator = np.random.default_rng(0)
    if isinstance(output, list):
        backprop([generator.normal(size=v.shape).astype("f") for v in output])
    else:
        size = tuple(output.scores.shape)
        backprop(torch.from_numpy(generator.normal(size=size).astype("f")))
    return gradients_of(model)


def gradients_of(model: Model) -> Gradients:
    named = model.shims[0].module.named_parameters()
    return {name: p.grad.clone() for name, p in named if p.grad is not None}


def forget(model: Model) -> None:
    model.shims[0].module.zero_grad(set_to_none=True)


def drop_in_encoder(model: Model) -> None:
    for part in model.shims[0].module.encoder.modules():
        if isinstance(part, nn.Dropout):
            part.p = 0.5


def assert_close(found: Gradients, expected: Gradients) -> None:
    assert found.keys() == expected.keys() and found
    scale = max(float(gradient.abs().max()) for gradient in expected.values())
    for name, gradient in expected.items():
        torch.testing.assert_close(found[name], gradient, rtol=1e-5, atol=1e-6 * scale, msg=name)


# What is kept


@given(st.lists(st.integers(1, 9), max_size=8), st.integers(1, 40))
def test_count_recomputed_keeps_as_much_as_fits(sizes: list[int], room: int) -> None:
    buckets = [_bucket(size) for size in sizes]
    n = count_recomputed(buckets, room)
    kept = sizes[n:]
    assert sum(kept) <= room or len(kept) == 1
    assert n == 0 or (len(sizes) > 1 and sum(sizes[n - 1 :]) > room)


def _bucket(n_pieces: int) -> TensorBucket:
    none = torch.zeros(0)
    return TensorBucket(torch.zeros(1, n_pieces), none, none, none, none, none, none)


@pytest.mark.parametrize("max_pieces", [1, 70, WHOLE])
@pytest.mark.parametrize("pooling", ["first", "mean"])
def test_split_buckets_hold_the_same_windows(
    make_tagger: MakeTagger, docs: list[Doc], pooling: str, max_pieces: int
) -> None:
    shim = make_tagger(pooling=pooling).shims[0]
    batch, buckets = shim.read_docs(docs, is_train=True)
    split = [part for bucket in buckets for part in bucket.split(max_pieces)]
    for part in split:
        assert part.n_pieces <= max_pieces or len(part.ids) == 1
    assert sum(part.n_pieces for part in split) == sum(bucket.n_pieces for bucket in buckets)
    module = shim.module.eval()
    torch.testing.assert_close(
        module(split, batch.n_rows), module(buckets, batch.n_rows), rtol=0, atol=1e-5
    )


# Gradients


@pytest.mark.parametrize("max_pieces", [1, 100])
def test_gradients_are_those_of_the_whole_batch(
    make: Callable[..., Model], docs: list[Doc], max_pieces: int
) -> None:
    model = make(max_batch_pieces=WHOLE)
    expected = learn(model, docs)
    forget(model)
    model.shims[0].budget.pieces = max_pieces
    assert_close(learn(model, docs), expected)


@pytest.mark.parametrize("max_pieces", [32, 200])
def test_memory_is_bounded_whatever_the_batch(
    make: Callable[..., Model], docs: list[Doc], max_pieces: int
) -> None:
    model = make(max_batch_pieces=WHOLE)
    unbounded = FakeMemory(WHOLE)
    with bounded(model, unbounded):
        expected = learn(model, docs[:1])  # one long document
    assert unbounded.most > 200 and unbounded.used == 0
    forget(model)
    memory = FakeMemory(max_pieces)
    model.shims[0].budget.pieces = max_pieces
    with bounded(model, memory):
        assert_close(learn(model, docs[:1]), expected)
    assert max_pieces / 2 < memory.most <= max_pieces
    assert model.shims[0].budget.pieces == max_pieces  # it never ran out


@pytest.mark.slow
@pytest.mark.parametrize("precision", [torch.float32, torch.bfloat16])
def test_recomputing_drops_the_same_again(
    make_tagger: MakeTagger, docs: list[Doc], precision: torch.dtype
) -> None:
    model = make_tagger(max_batch_pieces=64, dropout=0.5)
    shim = model.shims[0]
    drop_in_encoder(model)
    shim.module.train()
    batch, buckets = shim.read_docs(docs, is_train=True)
    found = []
    for n_recomputed in (0, len(buckets) - 1, len(buckets)):
        forget(model)
        torch.manual_seed(0)
        with autocast(torch.device("cpu"), precision):
            output = shim.module(buckets, batch.n_rows, n_recomputed)
        output.square().sum().backward()
        found.append((gradients_of(model), torch.rand(1)))
    for gradients, next_number in found[1:]:
        assert_close(gradients, found[0][0])
        assert torch.equal(next_number, found[0][1])


def test_recomputing_is_told_once(
    make: Callable[..., Model], docs: list[Doc], caplog: pytest.LogCaptureFixture
) -> None:
    model = make(max_batch_pieces=64)
    with caplog.at_level(logging.INFO, logger="spacy_ner_plus"):
        learn(model, docs[1:2])
        model.predict(docs)
        assert not [r for r in caplog.records if "encoded twice" in r.message]
        learn(model, docs)
        learn(model, docs)
    (record,) = [r for r in caplog.records if "encoded twice" in r.message]
    assert "max_batch_pieces = 64" in record.message


def test_frozen_encoder_keeps_nothing_and_is_not_run_twice(
    make_tagger: MakeTagger, docs: list[Doc]
) -> None:
    model = make_tagger(max_batch_pieces=64, freeze="encoder")
    calls = []
    model.shims[0].module.encoder.register_forward_hook(lambda *_: calls.append(1))
    learn(model, docs)
    _, buckets = model.shims[0].read_docs(docs, is_train=True)
    assert len(calls) == len(buckets)


def test_gradient_of_a_batch_is_taken_once(make_tagger: MakeTagger, docs: list[Doc]) -> None:
    model = make_tagger()
    output, backprop = model.begin_update(docs)
    d_output = output if isinstance(output, list) else output.scores
    backprop(d_output)
    with pytest.raises(ValueError, match="begin_update again"):
        backprop(d_output)


# Layers recomputed


@pytest.mark.slow
@pytest.mark.parametrize("family", ["bert", "modernbert"])
def test_gradient_checkpointing_gives_the_same_gradients_and_keeps_less(
    make_tagger: MakeTagger, docs: list[Doc], tmp_path: Path, family: str
) -> None:
    folder = tiny.save_encoder(tmp_path, family)
    found, kept = [], []
    for gradient_checkpointing in (False, True):
        model = make_tagger(folder, dropout=0.0, gradient_checkpointing=gradient_checkpointing)
        sizes: list[int] = []

        def pack(tensor: Tensor, sizes: list[int] = sizes) -> Tensor:
            sizes.append(tensor.numel())
            return tensor

        with torch.autograd.graph.saved_tensors_hooks(pack, lambda tensor: tensor):
            output, backprop = model.begin_update(docs)
        kept.append(sum(sizes))
        backprop(torch.ones_like(output.scores))
        found.append(gradients_of(model))
    assert_close(found[1], found[0])
    assert kept[1] < kept[0] / 2


def test_gradient_checkpointing_is_refused_where_there_is_none(
    make_tagger: MakeTagger, monkeypatch: pytest.MonkeyPatch
) -> None:
    from transformers import BertModel

    monkeypatch.setattr(BertModel, "supports_gradient_checkpointing", False)
    with pytest.raises(ValueError, match="gradient_checkpointing = true can't be used"):
        make_tagger(gradient_checkpointing=True)


# Out of memory


def out_of_memory_records(caplog: pytest.LogCaptureFixture) -> list[str]:
    return [r.getMessage() for r in caplog.records if "Memory ran out" in r.getMessage()]


@pytest.mark.slow
def test_predict_goes_on_with_less(
    make: Callable[..., Model], docs: list[Doc], caplog: pytest.LogCaptureFixture
) -> None:
    model = make(max_batch_pieces=WHOLE)
    output = model.predict(docs)
    with bounded(model, FakeMemory(70)):
        found = [model.predict(docs) for _ in range(2)]
    for again in found:
        if isinstance(output, list):
            np.testing.assert_allclose(np.concatenate(again), np.concatenate(output), atol=1e-5)
        else:
            torch.testing.assert_close(again.scores, output.scores, rtol=0, atol=1e-5)
    (warning,) = out_of_memory_records(caplog)
    assert f"max_batch_pieces = {model.shims[0].budget.pieces}" in warning
    assert 35 <= model.shims[0].budget.pieces < 2 * 70


@pytest.mark.slow
@pytest.mark.parametrize(
    "memory", [FakeMemory(70), FakeMemory(WHOLE, room_in_backward=70)], ids=["forward", "backward"]
)
def test_update_goes_on_with_less(
    make: Callable[..., Model],
    docs: list[Doc],
    memory: FakeMemory,
    caplog: pytest.LogCaptureFixture,
) -> None:
    """The gradients of batches before in the same step survive, and none is counted twice."""
    model = make(max_batch_pieces=WHOLE)
    learn(model, docs[1:])
    expected = learn(model, docs)
    forget(model)
    learn(model, docs[1:])
    state = torch.get_rng_state()
    with bounded(model, memory):
        assert_close(learn(model, docs), expected)
    assert torch.equal(torch.get_rng_state(), state)
    assert len(out_of_memory_records(caplog)) == 1
    pieces = model.shims[0].budget.pieces
    assert 35 <= pieces < 2 * 70 and memory.used == 0
    forget(model)
    with bounded(model, memory):
        learn(model, docs)  # from now on it fits
    assert model.shims[0].budget.pieces == pieces
    assert len(out_of_memory_records(caplog)) == 1


def test_gradients_go_back_with_the_same_dropout(make_tagger: MakeTagger, docs: list[Doc]) -> None:
    """As long as no bucket has to be split."""
    model = make_tagger(max_batch_pieces=64, dropout=0.5)
    shim = model.shims[0]
    drop_in_encoder(model)
    batch, buckets = shim.read_docs(docs, is_train=True)
    assert len(buckets) > 4
    shim.budget.pieces = WHOLE
    found = []
    for n_failures in (0, 1):
        forget(model)
        torch.manual_seed(1)
        inputs = ArgsKwargs((buckets, batch.n_rows), {})
        with bounded(model, FakeMemory(WHOLE, failures_in_backward=n_failures)):
            training_pass = TrainingPass(
                shim.module.train(),
                inputs,
                budget=shim.budget,
                autocast=shim._autocast,
                tables=shim._tables,
            )
            output = training_pass.forward()
            training_pass.backward(ArgsKwargs((), {"grad_tensors": (torch.ones_like(output),)}))
        found.append((gradients_of(model), torch.rand(1)))
    assert 64 < shim.budget.pieces < WHOLE  # it did run out
    assert_close(found[1][0], found[0][0])
    assert torch.equal(found[1][1], found[0][1])


@pytest.mark.slow
def test_update_gives_up_below_one_window(make: Callable[..., Model], docs: list[Doc]) -> None:
    model = make(max_batch_pieces=WHOLE)
    before = learn(model, docs[1:])
    for memory in (FakeMemory(15), FakeMemory(WHOLE, room_in_backward=15)):
        with (
            bounded(model, memory),
            pytest.raises(ValueError, match="not enough memory for one window"),
        ):
            learn(model, docs)
        assert_close(gradients_of(model), before)  # a batch that fails leaves nothing behind


def test_other_errors_are_not_taken_for_it(make_tagger: MakeTagger, docs: list[Doc]) -> None:
    model = make_tagger()

    def fail(*_: Any) -> None:
        raise RuntimeError("shapes do not match")

    model.shims[0].module.encoder.register_forward_hook(fail)
    with pytest.raises(RuntimeError, match="shapes do not match"):
        model.predict(docs)
    with pytest.raises(RuntimeError, match="shapes do not match"):
        model.begin_update(docs)


def test_smaller_budget_is_not_saved(make_tagger: MakeTagger, docs: list[Doc]) -> None:
    model = make_tagger(max_batch_pieces=WHOLE)
    with bounded(model, FakeMemory(70)):
        model.predict(docs)
    shim = model.shims[0]
    assert shim.config.max_batch_pieces == WHOLE
    model.from_bytes(model.to_bytes())
    assert shim.budget.pieces < 2 * 70
    copy = pickle.loads(pickle.dumps(shim))
    assert copy.budget.pieces == WHOLE


@pytest.mark.parametrize(
    ("message", "expected"),
    [
        ("CUDA error: out of memory\nCUDA kernel errors might be asynchronous", True),
        ("CUDA error: CUBLAS_STATUS_ALLOC_FAILED when calling `cublasCreate(handle)`", True),
        ("CUDA error: device-side assert triggered", False),
    ],
)
def test_is_out_of_memory_knows_what_cuda_says(message: str, expected: bool) -> None:
    assert is_out_of_memory(RuntimeError(message)) == expected


def test_is_out_of_memory_knows_the_allocator_of_the_cpu() -> None:
    with pytest.raises(RuntimeError) as caught:
        torch.empty(1 << 46)
    assert is_out_of_memory(caught.value)
