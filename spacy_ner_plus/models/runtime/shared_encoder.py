"""The shim of an encoder under others: its step waits for their gradients."""

from collections.abc import Callable
from typing import Any

from thinc.api import Optimizer
from thinc.types import ArgsKwargs

from .torch_shim import TorchShim


class SharedEncoderShim(TorchShim):
    """A shim that takes no step between a forward pass and its gradient.

    nlp.update has each component take its step before the next one learns: the encoder's turn is
    when its listeners have not learned yet. A step at once would be one with the gradient of the
    batch before, and would change the weights that this batch's gradient is computed from. So it
    is taken as soon as the gradient has come.
    """

    _awaits_gradient = False
    _postponed: Optimizer | None = None

    def begin_update(self, inputs: ArgsKwargs) -> tuple[Any, Callable[[ArgsKwargs], ArgsKwargs]]:
        """See TorchShim.begin_update. A step that waits for gradients is taken after them."""
        self._take_postponed_step()  # of a batch that no listener has learned from
        output, backprop = super().begin_update(inputs)
        self._awaits_gradient = len(output) > 0

        def backprop_and_step(gradients: ArgsKwargs) -> ArgsKwargs:
            result = backprop(gradients)
            self._take_postponed_step()
            return result

        return output, backprop_and_step

    def finish_update(self, optimizer: Optimizer) -> None:
        """Take a step, or postpone it until the gradients of the last batch have come."""
        if self._awaits_gradient:
            self._postponed = optimizer
        else:
            super().finish_update(optimizer)

    def _take_postponed_step(self) -> None:
        self._awaits_gradient = False
        if self._postponed is not None:
            super().finish_update(self._postponed)
            self._postponed = None

    def __getstate__(self) -> dict[str, Any]:
        return {**super().__getstate__(), "_awaits_gradient": False, "_postponed": None}
