"""A GPU that is only pretended, where there is none: whose data may not meet that of the CPU.

Tensors say that they are on "cuda:0" and are computed by the CPU. An operation on some of these
and some of the CPU's is an error, as on a GPU, and so is numpy; what a GPU would be waited for is
counted. It finds code that has never run on a GPU and would fail there; speed, precision, memory
and random numbers of one it can't show.
"""

import warnings
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any, ClassVar

import pytest
import torch
from torch import Tensor
from torch.overrides import TorchFunctionMode
from torch.utils._pytree import tree_map

CUDA = torch.device("cuda", 0)
# What returns numbers to Python, or results whose shape depends on data.
WAITS = ("_local_scalar_dense", "nonzero", "masked_select", "_unique2", "equal", "is_nonzero")
# What takes both: a copy is how data gets from one to the other.
COPIES = ("copy_", "_to_copy")


class PretendedTensor(Tensor):
    """A tensor of the pretended GPU."""

    held: Tensor
    counts: ClassVar[Counter[str]] = Counter()

    @staticmethod
    def __new__(cls, held: Tensor) -> "PretendedTensor":
        held = held.to_dense() if held.is_sparse else held  # sparse ones are not pretended
        tensor = Tensor._make_wrapper_subclass(
            cls,
            held.size(),
            strides=held.stride(),
            storage_offset=held.storage_offset(),
            dtype=held.dtype,
        )
        tensor.held = held.detach()
        return tensor

    @property
    def device(self) -> torch.device:  # type: ignore[override]
        return CUDA

    @property
    def is_cuda(self) -> bool:  # type: ignore[override]
        return True

    def __repr__(self, **kwargs: Any) -> str:
        return f"PretendedTensor({self.held!r})"

    __torch_function__ = torch._C._disabled_torch_function_impl

    @classmethod
    def __torch_dispatch__(
        cls, func: Any, types: Any, args: tuple[Any, ...] = (), kwargs: Any = None
    ) -> Any:
        kwargs = kwargs or {}
        name = func._schema.name.removeprefix("aten::")
        strangers: list[Tensor] = []
        by_held: dict[int, Tensor] = {}

        def unwrap(value: Any) -> Any:
            if isinstance(value, PretendedTensor):
                by_held[id(value.held)] = value
                return value.held
            if isinstance(value, Tensor) and value.dim():
                strangers.append(value)
            return value

        def wrap(value: Any) -> Any:
            if not isinstance(value, Tensor):
                return value
            known = by_held.get(id(value))
            return PretendedTensor(value) if known is None else known

        args, kwargs = tree_map(unwrap, (args, kwargs))
        if strangers and name not in COPIES:
            raise RuntimeError(f"{name}: tensors of two devices, cuda:0 and cpu")
        has_mask = name in ("index", "index_put_", "index_put") and any(
            index is not None and index.dtype == torch.bool for index in args[1]
        )
        if name in WAITS or has_mask:
            cls.counts[name] += 1
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            return tree_map(wrap, func(*args, **kwargs))


class _Calls(TorchFunctionMode):
    """Calls that name a device, or that bring data to the processor."""

    def __torch_function__(
        self, func: Callable[..., Any], types: Any, args: tuple[Any, ...] = (), kwargs: Any = None
    ) -> Any:
        kwargs = dict(kwargs or {})
        name = getattr(func, "__name__", "")
        own = args[0] if args and isinstance(args[0], Tensor) else None
        if name == "pin_memory":
            return own
        if isinstance(own, PretendedTensor):
            if name == "numpy":
                raise TypeError("can't convert cuda:0 device type tensor to numpy")
            if name == "tolist":
                PretendedTensor.counts[name] += 1
                return own.held.tolist()
            if name == "cpu":
                PretendedTensor.counts[name] += 1
                return own.held.clone()
        if func is Tensor.backward:
            return self._go_back((own,), (torch.ones_like(own),))
        if func is torch.autograd.backward:
            return self._go_back(args[0], args[1] if len(args) > 1 else kwargs["grad_tensors"])
        if name == "to" and own is not None:
            return _to(func, own, args[1:], kwargs)
        wanted = kwargs.get("device")
        if wanted is not None and torch.device(wanted).type == "cuda":
            result = func(*args, **{**kwargs, "device": "cpu"})
            return PretendedTensor(result) if isinstance(result, Tensor) else result
        return func(*args, **kwargs)

    def _go_back(self, tensors: tuple[Any, ...], gradients: tuple[Any, ...]) -> None:
        with self:  # this mode is off within a call, and the way back makes calls of its own
            torch.autograd.graph._engine_run_backward(
                tensors, gradients, False, False, (), allow_unreachable=True, accumulate_grad=True
            )


def _to(func: Callable[..., Any], own: Tensor, args: tuple[Any, ...], kwargs: Any) -> Any:
    """Tensor.to, whose device may stand at any place."""
    named = [a for a in (*args, *kwargs.values()) if isinstance(a, str | torch.device)]
    args = tuple(a for a in args if not isinstance(a, str | torch.device))
    kwargs = {k: v for k, v in kwargs.items() if k != "device"}
    moved = own
    if named:
        target = torch.device(named[0]).type
        if target == "cuda" and not isinstance(own, PretendedTensor):
            PretendedTensor.counts["to the GPU"] += 1
            moved = PretendedTensor(own)
        elif target == "cpu" and isinstance(own, PretendedTensor):
            PretendedTensor.counts["cpu"] += 1
            moved = own.held.clone()
    rest = [a for a in args if not isinstance(a, bool | None)] or "dtype" in kwargs
    return func(moved, *args, **kwargs) if rest else moved


@contextmanager
def pretended_gpu(capability: tuple[int, int] = (8, 0)) -> Iterator[Counter[str]]:
    """Pretend that there is one GPU; what is waited for is counted in what this gives."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(torch.cuda, "is_available", lambda: True)
        patch.setattr(torch.cuda, "device_count", lambda: 1)
        patch.setattr(torch.cuda, "get_device_capability", lambda device=None: capability)
        patch.setattr(torch.cuda, "get_rng_state", lambda device=None: torch.get_rng_state())
        patch.setattr(torch.cuda, "set_rng_state", lambda state, device=None: None)
        patch.setattr(torch, "inference_mode", torch.no_grad)  # which knows no subclasses
        PretendedTensor.counts.clear()
        # else a module's parameters keep their type when it moves
        before = torch.__future__.get_overwrite_module_params_on_conversion()
        torch.__future__.set_overwrite_module_params_on_conversion(True)
        try:
            with _Calls():
                yield PretendedTensor.counts
        finally:
            torch.__future__.set_overwrite_module_params_on_conversion(before)
