from collections.abc import Callable, Iterator
from contextlib import ExitStack, nullcontext
from typing import Any

import pytest
import torch
from torch import Tensor, nn
from torch.nn import functional
from torch.overrides import TorchFunctionMode

from spacy_ner_plus.nn.encoders.cpu_training import (
    LONGEST_UNFUSED,
    ROWS,
    FastTraining,
    attention,
    dropout,
)


class Calls(TorchFunctionMode):
    """Notes the first arguments of a function of torch."""

    def __init__(self, function: Callable[..., Any]) -> None:
        super().__init__()
        self.function = function
        self.shapes: list[torch.Size] = []

    def __torch_function__(self, func, types, args=(), kwargs=None):
        if func is self.function:
            self.shapes.append(args[0].shape)
        return func(*args, **(kwargs or {}))


@pytest.fixture
def in_bf16() -> Iterator[None]:
    with torch.autocast("cpu", torch.bfloat16):
        yield


def gradients_of(function: Callable[..., Tensor], *inputs: Tensor) -> list[Tensor]:
    """What comes out, and the gradient of each input, in bf16."""
    leaves = [one.clone().requires_grad_() for one in inputs]
    with torch.autocast("cpu", torch.bfloat16):
        outputs = function(*leaves)
    direction = torch.linspace(-1, 1, outputs.numel()).view_as(outputs)
    outputs.backward(direction.to(outputs.dtype))
    return [outputs, *(leaf.grad for leaf in leaves)]


def assert_close(found: list[Tensor], expected: list[Tensor]) -> None:
    for one, other in zip(found, expected, strict=True):
        assert one.dtype == other.dtype and one.shape == other.shape
        torch.testing.assert_close(one, other, rtol=0.03, atol=0.03)


# Matrix products


@pytest.mark.parametrize("shape", [(1,), (3, 5), (2, 3, 7), (2, ROWS // 2), (ROWS + 1,)])
@pytest.mark.parametrize("has_bias", [True, False])
def test_products_and_gradients_are_those_of_torch(shape: tuple[int, ...], has_bias: bool) -> None:
    torch.manual_seed(0)
    inputs, weight = torch.randn(*shape, 6), torch.randn(4, 6)
    parameters = (weight, torch.randn(4)) if has_bias else (weight,)
    expected = gradients_of(functional.linear, inputs, *parameters)
    calls = Calls(functional.linear)
    with calls, FastTraining():
        found = gradients_of(functional.linear, inputs, *parameters)
    assert found[0].shape == (*shape, 4)
    assert_close(found, expected)
    assert [shape[0] % ROWS for shape in calls.shapes[:1]] in ([0], [2])  # rows, or 2 x ROWS / 2


def test_rows_are_rounded_up() -> None:
    calls, layer = Calls(functional.linear), nn.Linear(6, 4)
    with torch.autocast("cpu", torch.bfloat16), calls, FastTraining():
        for n_rows in (1, ROWS - 1, ROWS + 1, 3 * ROWS):
            layer(torch.randn(n_rows, 6))
    assert [shape[0] for shape in calls.shapes] == [ROWS, ROWS, 2 * ROWS, 3 * ROWS]


@pytest.mark.usefixtures("in_bf16")
def test_outputs_can_be_changed_in_place() -> None:
    """Some encoders add to what a layer gave."""
    layer, inputs = nn.Linear(6, 4), torch.randn(3, 5, 6)
    with FastTraining():
        outputs = layer(inputs)
        outputs += 1
    outputs.float().sum().backward()
    assert layer.bias.grad is not None and layer.bias.grad.tolist() == [15.0] * 4


@pytest.mark.parametrize("dtype", [None, torch.float16])
def test_products_in_other_precisions_are_left_alone(dtype: torch.dtype | None) -> None:
    calls, layer = Calls(functional.linear), nn.Linear(6, 4)
    with torch.autocast("cpu", dtype=dtype, enabled=dtype is not None), calls, FastTraining():
        layer(torch.randn(5, 6))
    assert calls.shapes == [(5, 6)]


# Dropout


@pytest.mark.parametrize("p", [0.1, 0.5, 0.93])
@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16])
def test_dropout_drops_so_many_and_keeps_the_mean(p: float, dtype: torch.dtype) -> None:
    torch.manual_seed(0)
    n = 400_001
    inputs = torch.ones(n, dtype=dtype).requires_grad_()
    outputs = dropout(inputs, p)
    outputs.backward(torch.ones_like(outputs))
    is_kept = (outputs != 0).double()
    # five standard deviations
    assert abs(is_kept.mean().item() - (1 - p)) < 5 * (p * (1 - p) / n) ** 0.5 + 2**-17
    torch.testing.assert_close(inputs.grad, outputs)
    torch.testing.assert_close(outputs.max().item(), 1 / (1 - p), rtol=0.005, atol=0)
    # four neighbours are of one random number, and decided apart from each other
    kept = is_kept[: n // 4 * 4].view(-1, 4)
    correlation = torch.corrcoef(kept.T) - torch.eye(4)
    assert correlation.abs().max() < 5 * (n / 4) ** -0.5


def test_dropout_can_be_drawn_again() -> None:
    inputs = torch.ones(3, 7)
    state = torch.get_rng_state()
    first, second = dropout(inputs), dropout(inputs)
    torch.set_rng_state(state)
    assert torch.equal(dropout(inputs), first) and not torch.equal(first, second)


@pytest.mark.parametrize("settings", [(0.5, False), (0.0, True), (1.0, True)])
def test_dropout_of_nothing_or_all_is_that_of_torch(settings: tuple[float, bool]) -> None:
    inputs = torch.ones(5)
    assert torch.equal(dropout(inputs, *settings), functional.dropout(inputs, *settings))


# Attention


def masks(n: int, length: int) -> dict[str, Tensor | None]:
    allowed = torch.rand(n, 1, length, length) > 0.4
    allowed[..., 0] = True
    added = torch.zeros(n, 1, length, length)
    return {
        "none": None,
        "bool": allowed,
        "lowest": added.masked_fill(~allowed, torch.finfo(torch.float32).min),
        "infinite": added.masked_fill(~allowed, -torch.inf),
        "bias": torch.randn(n, 1, length, length),
    }


@pytest.mark.parametrize("mask", masks(1, 1))
@pytest.mark.parametrize("scale", [None, 0.3])
def test_attention_and_gradients_are_those_of_torch(mask: str, scale: float | None) -> None:
    torch.manual_seed(0)
    query, key, value = (torch.randn(2, 3, 9, 4, dtype=torch.bfloat16) for _ in range(3))
    chosen = masks(2, 9)[mask]

    def attend(function: Callable[..., Tensor]) -> list[Tensor]:
        return gradients_of(
            lambda q, k, v: function(q, k, v, chosen, scale=scale), query, key, value
        )

    assert_close(attend(attention), attend(functional.scaled_dot_product_attention))


def test_row_that_attends_to_nothing_makes_no_nan() -> None:
    """So have models with local attention rows of padding."""
    query, key, value = (torch.randn(1, 1, 4, 2, dtype=torch.bfloat16) for _ in range(3))
    for hidden in (torch.zeros(4, 4, dtype=torch.bool), torch.full((4, 4), -torch.inf)):
        found = gradients_of(lambda q, k, v, m=hidden: attention(q, k, v, m), query, key, value)
        assert all(one.isfinite().all() for one in found)


@pytest.mark.parametrize(
    "changed",
    [{"is_causal": True}, {"dropout_p": 0.5}, {"key": LONGEST_UNFUSED + 1}, {"precision": "fp32"}],
)
def test_other_attention_is_left_to_torch(changed: dict[str, Any]) -> None:
    calls = Calls(functional.scaled_dot_product_attention)
    changed = dict(changed)
    n_keys = changed.pop("key", 3)
    is_reduced = changed.pop("precision", "bf16") == "bf16"
    tensors = [torch.randn(1, 1, n, 4) for n in (3, n_keys, n_keys)]
    with ExitStack() as stack:
        stack.enter_context(torch.autocast("cpu", torch.bfloat16) if is_reduced else nullcontext())
        stack.enter_context(calls)
        attention(*tensors, **changed)
    assert len(calls.shapes) == 1
