"""A model's layers in the form in which a CPU computes them fastest, for prediction alone.

torch's own `linear` brings the weights into the blocked order of its kernels at every call, in
autocast after casting them, and in fp32 it uses another library that on some processors has slow
kernels for few rows. Here both are done once: weights are cast and reordered when the model is
first read with, as torch.compile does when it freezes a model. With MiniLM on two cores, reading
takes a tenth less time in bf16 and fp32, and a single sentence two thirds of it.

In fp32 what is computed is the same but for the order of sums. In bf16 layer norms hand on bf16
too, so that no sum is of numbers of two types, which takes as long as four layer norms.
"""

from collections.abc import Callable
from copy import deepcopy
from dataclasses import dataclass
from functools import cache
from typing import Any, TypeGuard

import torch
from torch import Tensor, nn
from torch.nn import functional

# Rows for which the order of the weights is chosen; others are read in it too.
USUAL_ROWS = 2048
# torch's names of what a product may be followed by: the function and its variant.
NOTHING = ("none", "")
GELU = ("gelu", "none")
# Units in the last place of a type by which a packed layer may differ from torch's own.
TOLERATED_ULPS = 16


class PackedLinear(nn.Module):
    """A linear layer that can only predict.

    linear (nn.Linear): Its weights; they are copied.
    dtype (torch.dtype): In which it multiplies. Sums are in fp32.
    then (tuple[str, str]): What is applied to the sums: NOTHING or GELU.
    """

    def __init__(
        self, linear: nn.Linear, dtype: torch.dtype, then: tuple[str, str] = NOTHING
    ) -> None:
        super().__init__()
        self.linear = linear  # for models that look at its weights
        weight = linear.weight.detach().to(dtype)  # (n_outputs, n_inputs)
        # neither parameter nor buffer: it is no weight of its own, and nothing can move it
        self._packed = torch.ops.mkldnn._reorder_linear_weight(weight, USUAL_ROWS)
        self._bias = None if linear.bias is None else linear.bias.detach().to(dtype)
        self._dtype = dtype
        self._then = then

    @property
    def in_features(self) -> int:
        """Numbers that go in."""
        return self.linear.in_features

    @property
    def out_features(self) -> int:
        """Numbers that come out."""
        return self.linear.out_features

    @property
    def weight(self) -> Tensor:
        """As it was: *Shape:* (n_outputs, n_inputs) float32."""
        return self.linear.weight

    @property
    def bias(self) -> Tensor | None:
        """As it was: *Shape:* (n_outputs,) float32."""
        return self.linear.bias

    def forward(self, inputs: Tensor) -> Tensor:
        """(..., n_inputs) -> (..., n_outputs) in `dtype`."""
        function, variant = self._then
        outputs: Tensor = torch.ops.mkldnn._linear_pointwise(
            inputs.to(self._dtype), self._packed, self._bias, function, [], variant
        )
        return outputs


class ReducedNorm(nn.Module):
    """A layer norm that hands on a reduced type, whatever it gets; it computes in fp32.

    norm (nn.LayerNorm): Its weights; they are shared.
    dtype (torch.dtype): What it hands on.
    """

    def __init__(self, norm: nn.LayerNorm, dtype: torch.dtype) -> None:
        super().__init__()
        self.norm = norm
        self._dtype = dtype

    def forward(self, inputs: Tensor) -> Tensor:
        """(..., width) -> (..., width) in `dtype`."""
        outputs: Tensor = self.norm(inputs).to(self._dtype)
        return outputs


@dataclass(frozen=True)
class _Kept:
    """A packed copy in a type, and the state of the linear layers that it was made of."""

    dtype: torch.dtype
    linears: list[nn.Linear]
    states: list[tuple[int, int, int]]
    copy: nn.Module


class PackedCopy:
    """The packed copy of a model, made when it is first asked for and again when weights changed.

    What is not a linear layer's weight is shared with the model. A change in place through
    `weight.data`, a layer in the place of another and a hook are not noticed: drop the copy then,
    or put the encoder into training mode.

    model (nn.Module): In whatever mode; the copy is in evaluation mode.
    """

    def __init__(self, model: nn.Module) -> None:
        self._model = model
        self._kept: _Kept | None = None

    def get(self) -> nn.Module:
        """What to read with in this thread's autocast: the model itself where nothing is gained."""
        dtype = _multiplied_in(self._model)
        if dtype is None or not can_pack(dtype):
            return self._model
        kept = self._kept
        if kept is None or kept.dtype != dtype or kept.states != _states(kept.linears):
            linears = [module for module in self._model.modules() if _is_plain(module)]
            kept = _Kept(dtype, linears, _states(linears), pack(self._model, dtype))
            self._kept = kept  # all at once: other threads may be reading
        return kept.copy

    def drop(self) -> None:
        """Give the copy's memory back."""
        self._kept = None

    # a copy of the model packs its own weights
    def __deepcopy__(self, memo: dict[int, Any]) -> "PackedCopy":
        return PackedCopy(deepcopy(self._model, memo))

    def __getstate__(self) -> dict[str, Any]:
        return PackedCopy(self._model).__dict__


def pack(model: nn.Module, dtype: torch.dtype) -> nn.Module:
    """A copy of a model, for evaluation, that shares all but the weights of its linear layers.

    dtype (torch.dtype): One that can_pack accepts.
    """
    shared = [*model.parameters(), *model.buffers()]
    copy = deepcopy(model, {id(tensor): tensor for tensor in shared}).eval()
    for parent in list(copy.modules()):
        for name, child in list(parent.named_children()):
            if _is_plain(child):
                setattr(parent, name, PackedLinear(child, dtype, _take_gelu(parent)))
            elif type(child) is nn.LayerNorm and dtype != torch.float32:
                setattr(parent, name, ReducedNorm(child, dtype))
    return copy


@cache
def can_pack(dtype: torch.dtype) -> bool:
    """Whether this processor and this build of torch multiply packed weights, and rightly."""
    generator = torch.Generator().manual_seed(0)
    with torch.random.fork_rng(devices=[]):  # else a training that is resumed goes another way
        linear = nn.Linear(96, 64)
    inputs = torch.randn(5, 96, generator=generator)
    with torch.no_grad(), torch.autocast("cpu", enabled=False):
        try:
            expected = linear.to(dtype)(inputs.to(dtype))
            packed = PackedLinear(linear, dtype)(inputs)
            with_gelu = PackedLinear(linear, dtype, GELU)(inputs)
        except (AttributeError, RuntimeError):  # no such operators, or none for the type
            return False
    tolerance = TOLERATED_ULPS * torch.finfo(dtype).eps
    return torch.allclose(packed, expected, rtol=tolerance, atol=tolerance) and torch.allclose(
        with_gelu, functional.gelu(expected), rtol=tolerance, atol=tolerance
    )


def _multiplied_in(model: nn.Module) -> torch.dtype | None:
    """The type of matrix products on a CPU in this thread's context, None elsewhere."""
    parameter = next(model.parameters(), None)
    if parameter is None or parameter.device.type != "cpu":
        return None
    if torch.is_autocast_enabled("cpu"):
        return torch.get_autocast_dtype("cpu")
    return parameter.dtype


def _states(linears: list[nn.Linear]) -> list[tuple[int, int, int]]:
    """What tells whether weights are those of before, whoever changed them."""
    return [
        (id(weight), weight.data_ptr(), -1 if weight.is_inference() else weight._version)
        for linear in linears
        for weight in linear._parameters.values()
        if weight is not None
    ]


def _is_plain(module: nn.Module) -> TypeGuard[nn.Linear]:
    # not a subclass, which may do something else
    return type(module) is nn.Linear and module.weight.dtype == torch.float32


def _take_gelu(parent: nn.Module) -> tuple[str, str]:
    """What the only linear layer of a module is followed by; it is taken from the module.

    BERT and its kin have a module of a linear layer and its activation: `activation(dense(x))`.
    """
    children = dict(parent.named_children())
    names = [name for name, child in children.items() if _is_gelu(child)]
    if len(children) != 2 or len(names) != 1:
        return NOTHING
    [linear] = (child for child in children.values() if _is_plain(child))
    inputs = torch.randn(3, linear.in_features, generator=torch.Generator().manual_seed(0))
    if not _agree(parent, inputs, lambda x: functional.gelu(linear(x))):
        return NOTHING
    setattr(parent, names[0], nn.Identity())
    return GELU


def _is_gelu(module: nn.Module) -> bool:
    """Whether a module without weights is the exact gelu, by what it does."""
    if any(True for _ in module.parameters()) or isinstance(module, nn.Identity):
        return False
    return _agree(module, torch.linspace(-6.0, 6.0, 97), functional.gelu)


@torch.no_grad()
def _agree(module: nn.Module, inputs: Tensor, function: Callable[[Tensor], Tensor]) -> bool:
    with torch.autocast("cpu", enabled=False):
        try:
            outputs = module(inputs)
        except Exception:  # a module of other inputs
            return False
        return isinstance(outputs, Tensor) and torch.equal(outputs, function(inputs))
