"""L-BFGS for a smooth function plus the sum of absolute values.

The parameters that do not help become exactly 0.

Andrew and Gao (2007), "Scalable Training of L1-Regularized Log-Linear Models": the orthant-wise
limited-memory quasi-Newton method. Without the absolute values it is the L-BFGS of Liu and Nocedal
(1989) with a line search that halves its steps. crfsuite's L-BFGS is the same with these stops.
"""

import logging
from collections import deque
from collections.abc import Callable

import torch
from torch import Tensor

logger = logging.getLogger("spacy_ner_plus")

# Pairs of steps and changes of the gradient that the direction is computed from.
MEMORY = 6
# Stops: when the gradient's length is this share of the parameters', or when the last PERIOD
# iterations have lowered the value by less than this share of it.
LEAST_GRADIENT = 1e-5
LEAST_GAIN = 1e-5
PERIOD = 10
MAX_HALVINGS = 30
_ARMIJO = 1e-4

# The value and the gradient of the smooth part.
Smooth = Callable[[Tensor], tuple[float, Tensor]]


def minimize(
    smooth: Smooth,
    start: Tensor,
    *,
    l1: float,
    max_iterations: int,
    report: Callable[[int, float], None] = lambda iteration, value: None,
) -> Tensor:
    """Minimise smooth(x) + l1 * sum(abs(x)).

    smooth (Callable): The value and the gradient of the smooth part, which is convex.
    start (Tensor): *Shape:* (n,)
    l1 (float): At least 0.
    report (Callable): Gets the number of each iteration and the value after it.
    RETURNS (Tensor): *Shape:* (n,)
    """
    x = start.clone()
    part, gradient = smooth(x)
    values = [part + l1 * float(x.abs().sum())]
    pairs: deque[tuple[Tensor, Tensor]] = deque(maxlen=MEMORY)
    for iteration in range(1, max_iterations + 1):
        steepest = _pseudo_gradient(x, gradient, l1)
        if float(steepest.norm()) <= LEAST_GRADIENT * max(1.0, float(x.norm())):
            break
        direction = -_times_inverse(steepest, pairs)
        if l1:  # only downhill in each parameter
            direction = torch.where(direction * steepest < 0, direction, 0.0)
        size = 1.0 if pairs else 1.0 / float(steepest.norm())
        found = _search(smooth, x, direction, steepest, values[-1], size, l1)
        if found is None:  # the direction leads downhill: this is down to what rounding leaves
            logger.info("No step lowers the loss after %d iterations.", iteration - 1)
            break
        new_x, value, new_gradient = found
        step, change = new_x - x, new_gradient - gradient
        if float(step @ change) > 0:
            pairs.append((step, change))
        x, gradient = new_x, new_gradient
        values.append(value)
        report(iteration, value)
        if iteration >= PERIOD and values[-1 - PERIOD] - value < LEAST_GAIN * abs(value):
            break
    return x


def _pseudo_gradient(x: Tensor, gradient: Tensor, l1: float) -> Tensor:
    """The gradient of all, at 0 that of the side that leads downhill, if one does."""
    if not l1:
        return gradient
    right, left = gradient + l1, gradient - l1
    at_zero = torch.where(right < 0, right, torch.where(left > 0, left, 0.0))
    return torch.where(x == 0, at_zero, gradient + l1 * x.sign())


def _times_inverse(vector: Tensor, pairs: deque[tuple[Tensor, Tensor]]) -> Tensor:
    """The product with the estimated inverse of the second derivatives: the two loops of L-BFGS."""
    result = vector.clone()
    factors = []
    for step, change in reversed(pairs):
        factor = float(step @ result) / float(step @ change)
        result.sub_(change, alpha=factor)
        factors.append(factor)
    if pairs:
        step, change = pairs[-1]
        result.mul_(float(step @ change) / float(change @ change))
    for (step, change), factor in zip(pairs, reversed(factors), strict=True):
        result.add_(step, alpha=factor - float(change @ result) / float(step @ change))
    return result


def _search(
    smooth: Smooth,
    x: Tensor,
    direction: Tensor,
    steepest: Tensor,
    value: float,
    size: float,
    l1: float,
) -> tuple[Tensor, float, Tensor] | None:
    """A step that lowers the value enough, without a change of sign; None if there is none."""
    orthant = torch.where(x == 0, -steepest.sign(), x.sign())
    for _ in range(MAX_HALVINGS):
        new_x = x + size * direction
        if l1:
            new_x = torch.where(new_x * orthant > 0, new_x, 0.0)
        part, gradient = smooth(new_x)
        new_value = part + l1 * float(new_x.abs().sum())
        if new_value <= value + _ARMIJO * float(steepest @ (new_x - x)):
            return new_x, new_value, gradient
        size /= 2
    return None
