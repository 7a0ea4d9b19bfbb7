"""Modules of a stranger's settings, built no further than the weights that are really there.

A few bytes of settings can ask for a billion layers or a table of ten million positions, under
other names in each architecture. So nothing is looked for in the settings: what is built is
watched. Whoever wants a large module has to send large weights.
"""

import threading
from collections import Counter
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

from torch import Tensor, nn
from torch.nn.modules.module import (
    register_module_module_registration_hook,
    register_module_parameter_registration_hook,
)
from torch.overrides import TorchFunctionMode

# Of parameters that are built and then left out (the pooler, the classifier of a checkpoint).
MAX_UNSAVED_PARAMETERS = 16
# The largest of those, in numbers, if the weights have none that is larger.
MAX_UNSAVED_SIZE = 1 << 20
# Modules for each of the weights, dropout and activations among them, and some besides.
MODULES_PER_WEIGHT, MORE_MODULES = 8, 1000
# Tensors that are made on the way and in no file (positions, masks, rotations): in bytes, besides
# those of the weights, and all of them together, whether they are kept or not.
MAX_MADE = 1 << 31
# Bytes that are made for each number of the weights: fp32, four times (made, filled, seen again in
# filling, converted), and as much to spare.
BYTES_PER_NUMBER = 32


@contextmanager
def built_within(weights: Mapping[str, Tensor], *, of: str, by: str) -> Iterator[None]:
    """In the context, stop a module from being built that asks for more than some weights have.

    Modules are counted, and the shapes of parameters compared as soon as there are any: before
    they are filled with numbers, which takes longest. It must run on torch's meta device, where
    tensors take no memory.

    weights: Tensors by name.
    of, by (str): The files of the weights and of the settings, for messages.
    RAISES ValueError: Out of the module's constructor, if it asks for more.
    """
    watch = _Watch(weights, of=of, by=by)
    thread = threading.get_ident()  # the hooks are those of all threads

    def see_parameter(module: nn.Module, name: str, parameter: Any) -> None:
        if threading.get_ident() == thread and isinstance(parameter, Tensor):
            watch.see_parameter(module, name, parameter)

    def see_module(module: nn.Module, name: str, submodule: Any) -> None:
        if threading.get_ident() == thread:
            watch.see_module()

    hooks = [
        register_module_parameter_registration_hook(see_parameter),
        register_module_module_registration_hook(see_module),
    ]
    try:
        with watch:
            yield
    finally:
        for hook in hooks:
            hook.remove()


class _Watch(TorchFunctionMode):
    """Sees the tensors that torch makes, and is told of parameters and modules."""

    def __init__(self, weights: Mapping[str, Tensor], *, of: str, by: str) -> None:
        super().__init__()
        self._of, self._by = of, by
        self._n_weights = len(weights)
        self._shapes = Counter(tuple(weight.shape) for weight in weights.values())
        sizes = [weight.numel() for weight in weights.values()]
        self._max_size = max(MAX_UNSAVED_SIZE, *sizes, 0)
        self._bytes_left = MAX_MADE + BYTES_PER_NUMBER * sum(sizes)
        self._modules_left = MODULES_PER_WEIGHT * len(weights) + MORE_MODULES
        self._unsaved_left = MAX_UNSAVED_PARAMETERS

    def __torch_function__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        """What a function gives, if it is not too large."""
        kwargs = kwargs or {}
        result = func(*args, **kwargs)
        given = (*args, *kwargs.values())
        if isinstance(result, Tensor) and not any(result is argument for argument in given):
            self._bytes_left -= result.numel() * result.element_size()
            if self._bytes_left < 0:
                raise self._refusal(f"makes a tensor of the shape {tuple(result.shape)}")
        return result

    def see_parameter(self, module: nn.Module, name: str, parameter: Tensor) -> None:
        """RAISES ValueError: If a parameter is none of those in the file, nor one to leave out."""
        shape = tuple(parameter.shape)
        if self._shapes[shape]:
            self._shapes[shape] -= 1
            return
        self._unsaved_left -= 1
        if self._unsaved_left < 0 or parameter.numel() > self._max_size:
            raise self._refusal(f"makes a {type(module).__name__} whose {name} has shape {shape}")

    def see_module(self) -> None:
        """RAISES ValueError: If there are far too many modules."""
        self._modules_left -= 1
        if self._modules_left < 0:
            raise self._refusal("makes modules without end")

    def _refusal(self, what: str) -> ValueError:
        return ValueError(
            f"{self._of} does not fit {self._by}: the encoder of that {what}, far more than the "
            f"{self._n_weights:,} weights in the file. Nothing was loaded."
        )
