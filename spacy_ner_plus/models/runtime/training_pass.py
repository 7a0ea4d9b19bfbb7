"""One forward pass in training and the way back, in the memory that there is."""

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager

import torch
from thinc.types import ArgsKwargs
from torch import Tensor, nn

from .memory import PieceBudget
from .table_gradients import TableGradients


class TrainingPass:
    """A forward pass of a module with some inputs, and its backward pass.

    If memory runs out on the way back, both are done again with less kept. Dropout is then as it
    was, unless buckets had to be split.

    module (nn.Module): In training mode.
    inputs (ArgsKwargs): (buckets, n_rows) or whatever else the module takes.
    budget (PieceBudget): Bounds what is in memory at once.
    autocast (Callable): Makes the context of the forward pass.
    tables (TableGradients): Makes the gradients of the module's embeddings dense.
    loss_scale (float): The gradient is multiplied by it on its way through the module, and what
        comes out is divided by it: fp16 would round small gradients to 0.
    """

    def __init__(
        self,
        module: nn.Module,
        inputs: ArgsKwargs,
        *,
        budget: PieceBudget,
        autocast: Callable[[], torch.autocast],
        tables: TableGradients,
        loss_scale: float = 1.0,
    ) -> None:
        self._module = module
        self._inputs = inputs
        self._budget = budget
        self._autocast = autocast
        self._tables = tables
        self._loss_scale = loss_scale
        self._learning = [p for p in module.parameters() if p.requires_grad]
        # a frozen encoder keeps nothing, whatever learns beside it
        self._keeps = any(p.requires_grad for p in _encoder_of(module).parameters())
        self._random_state: list[Tensor] = []
        self._output: Tensor | None = None  # with its graph; nobody else holds it

    def forward(self) -> Tensor:
        """The module's output, without its graph."""
        self._output = self._budget.run(self._encode, self._inputs, keeps=self._keeps)
        return self._output.detach()

    def backward(self, gradients: ArgsKwargs) -> ArgsKwargs:
        """Add the parameters' gradients to those that they have.

        gradients (ArgsKwargs): The output's gradient, as "grad_tensors".
        """
        if self._output is None:
            raise ValueError("The gradient of a batch can be taken once: call begin_update again.")
        (gradient,) = gradients.kwargs["grad_tensors"]
        if self._output.requires_grad:
            stash = GradientStash(self._learning, self._tables)
            stash.take()
            try:
                self._budget.run(
                    lambda inputs: self._go_back(inputs, gradient * self._loss_scale),
                    self._inputs,
                    keeps=self._keeps,
                )
            except BaseException:
                stash.restore()
                raise
            stash.add(self._loss_scale)
        return ArgsKwargs(args=(), kwargs={})

    def _encode(self, inputs: ArgsKwargs) -> Tensor:
        self._random_state = _random_state(self._device)
        return self._run(inputs)

    def _run(self, inputs: ArgsKwargs) -> Tensor:
        with self._autocast(), _sparse_embedding_gradients(self._module):
            output: Tensor = self._module(*inputs.args, **inputs.kwargs)
        return output

    def _go_back(self, inputs: ArgsKwargs, gradient: Tensor) -> None:
        output, self._output = self._output, None
        if output is None:  # memory has run out
            for parameter in self._learning:
                parameter.grad = None
            with _replayed(self._random_state, self._device):
                output = self._run(inputs)
        with _sparse_embedding_gradients(self._module):  # buckets may be computed again here
            torch.autograd.backward((output,), (gradient,))

    @property
    def _device(self) -> torch.device:
        return next(self._module.parameters()).device


class GradientStash:
    """Keeps gradients that parameters have apart from those that come in.

    parameters (Sequence[nn.Parameter]): Those that learn.
    tables (TableGradients): Makes the sparse ones dense.
    """

    def __init__(self, parameters: Sequence[nn.Parameter], tables: TableGradients) -> None:
        self._parameters = parameters
        self._tables = tables
        self._held: list[Tensor | None] = []  # as many as parameters

    def take(self) -> None:
        """Put the gradients aside: the parameters have none then."""
        self._held = [parameter.grad for parameter in self._parameters]
        for parameter in self._parameters:
            parameter.grad = None

    def restore(self) -> None:
        """Forget what has come in."""
        for parameter, held in zip(self._parameters, self._held, strict=True):
            parameter.grad = held

    def add(self, scale: float) -> None:
        """Divide what has come in by scale, and add it to what was put aside."""
        pairs = list(zip(self._parameters, self._held, strict=True))
        new = [parameter.grad for parameter in self._parameters if parameter.grad is not None]
        if scale != 1.0 and new:
            torch._foreach_mul_(new, 1.0 / scale)
        for parameter, held in pairs:  # of embeddings: dense only once, for all buckets
            gradient = parameter.grad
            if gradient is not None and gradient.is_sparse:
                if held is None:
                    parameter.grad = self._tables.dense(parameter, gradient)
                else:
                    held.add_(gradient)
                    parameter.grad = None
        both = [(held, p.grad) for p, held in pairs if held is not None and p.grad is not None]
        if both:
            torch._foreach_add_([held for held, _ in both], [gradient for _, gradient in both])
        for parameter, held in pairs:
            if held is not None:
                parameter.grad = held


@contextmanager
def _sparse_embedding_gradients(module: nn.Module) -> Iterator[None]:
    """Make the gradients of embeddings sparse.

    Else each bucket of a batch makes a gradient of the whole vocabulary: with five buckets, a fifth
    of a step's time.
    """
    tables = [part for part in module.modules() if isinstance(part, nn.Embedding)]
    before = [table.sparse for table in tables]
    for table in tables:
        table.sparse = True
    try:
        yield
    finally:
        for table, is_sparse in zip(tables, before, strict=True):
            table.sparse = is_sparse


def _encoder_of(module: nn.Module) -> nn.Module:
    encoder = getattr(module, "encoder", module)
    assert isinstance(encoder, nn.Module)
    return encoder


def _random_state(device: torch.device) -> list[Tensor]:
    states = [torch.get_rng_state()]
    if device.type == "cuda":
        states.append(torch.cuda.get_rng_state(device))
    return states


@contextmanager
def _replayed(states: list[Tensor], device: torch.device) -> Iterator[None]:
    """Draw the random numbers of that state again, and go on afterwards as if nobody had."""
    with torch.random.fork_rng([device] if device.type == "cuda" else []):
        torch.set_rng_state(states[0])
        if device.type == "cuda":
            torch.cuda.set_rng_state(states[1], device)
        yield
