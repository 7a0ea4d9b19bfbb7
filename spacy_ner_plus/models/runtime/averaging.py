"""Running averages of weights: what is evaluated and saved while training goes on with the weights.

It is an exponential moving average whose horizon grows with the number of steps: with a share s,
after step t,

    average += (weights - average) / h,    h = 1 + s * (t - 1)

so that it reaches back over the last s of the steps at any time, without knowing how many there
will be: the polynomial-decay averaging of Shamir and Zhang (2013), "Stochastic Gradient Descent for
Non-smooth Optimization", whose eta is 1/s - 1. The first step's weights are the first average, and
those from before training count nothing: there is no bias to correct for. The later a step, the
more it counts; with s = 1 all count alike.
"""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager

import torch
from torch import Tensor, nn


def horizon(n_steps: int, share: float) -> float:
    """Over how many steps an average reaches back.

    n_steps (int): Steps done, from 1.
    share (float): Over 0, up to 1.
    """
    return 1.0 + share * (n_steps - 1)


class WeightAverages:
    """The averages of some parameters, in fp32 and on their devices.

    parameters (Sequence[nn.Parameter]): Their weights now are the first step's.

    Attributes:
        n_steps (int): Of how many steps.
        values (List[Tensor]): As many as parameters, in their shapes. They change in place.
    """

    def __init__(self, parameters: Sequence[nn.Parameter]) -> None:
        self._parameters = list(parameters)
        self.n_steps = 1
        self.values = [parameter.detach().float().clone() for parameter in self._parameters]

    @torch.no_grad()
    def update(self, share: float) -> None:
        """Take account of the weights after a further step. share (float): See `horizon`."""
        self.n_steps += 1
        weights = [parameter.detach().float() for parameter in self._parameters]
        torch._foreach_lerp_(self.values, weights, 1.0 / horizon(self.n_steps, share))

    def restore(self, values: Sequence[Tensor], n_steps: int) -> None:
        """Go on from averages that were saved."""
        self.n_steps = n_steps
        for mine, saved in zip(self.values, values, strict=True):
            mine.copy_(saved)


@contextmanager
def in_place_of(parameters: Mapping[str, Tensor], averages: Mapping[str, Tensor]) -> Iterator[None]:
    """Put averages in the place of parameters, and these back afterwards, bit for bit.

    parameters (Mapping[str, Tensor]): Those of a module by name, of which some are averaged.
    averages (Mapping[str, Tensor]): By the same names.
    RAISES ValueError: If there are averages of other parameters.
    """
    for name, value in averages.items():
        if name not in parameters or parameters[name].shape != value.shape:
            raise ValueError(
                f"The averages of the weights are of a model with another {name}, as labels were "
                "added or weights were loaded since: take a step of training first."
            )
    own = {name: parameters[name] for name in averages}
    before = {name: parameter.detach().clone() for name, parameter in own.items()}
    _copy(averages, own)
    try:
        yield
    finally:
        _copy(before, own)


@torch.no_grad()
def _copy(values: Mapping[str, Tensor], into: Mapping[str, Tensor]) -> None:
    # in place, by which what is made of the parameters can tell that they have changed
    for name, tensor in into.items():
        tensor.copy_(values[name])
