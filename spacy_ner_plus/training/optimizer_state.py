"""State of the optimizers of a pipeline, by the place of each parameter in it.

In memory the state has keys that are counted up by the process (node id, parameter name), so that
it must be found again by place: component, node in the order of walking its model, name.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Protocol, runtime_checkable

import numpy as np
from spacy.language import Language
from thinc.api import Model, Optimizer, PyTorchShim
from torch import nn, zeros_like

from .randomness import Arrays

SETTINGS = ("learn_rate", "b1", "b2", "eps", "L2", "grad_clip")


@runtime_checkable
class OptimizesItself(Protocol):
    """A shim that has an optimizer of its own, and no state in thinc's."""

    def optimizer_to_bytes(self) -> bytes:
        """The optimizer's state; empty if nothing has been learned yet."""
        ...

    def optimizer_from_bytes(self, data: bytes) -> None:
        """Take up a state that optimizer_to_bytes gave."""
        ...

    def share_averages(self, optimizer: Optimizer) -> None:
        """Put the averages of its weights, if it keeps some, into thinc's optimizer."""
        ...


@dataclass(frozen=True)
class Place:
    """A parameter of thinc's optimizer: of a node, or of the torch module in a node's shim."""

    pipe: str
    n_node: int
    n_shim: int | None
    name: str
    node: Model

    @property
    def position(self) -> list[Any]:
        """Where it is in the pipeline, as plain data."""
        return [self.pipe, self.n_node, self.n_shim, self.name]

    @property
    def key(self) -> tuple[int, str]:
        """What thinc's optimizer knows it by."""
        owner = self.node if self.n_shim is None else self.node.shims[self.n_shim]
        return (owner.id, self.name)

    def allocate_gradient(self) -> None:
        """Give the parameter a gradient.

        thinc updates whatever has one, be it 0: a parameter that was updated has one.
        """
        if self.n_shim is not None:
            parameter = self.node.shims[self.n_shim]._model.get_parameter(self.name)
            if parameter.grad is None:
                parameter.grad = zeros_like(parameter)
        elif not self.node.has_grad(self.name):
            value = self.node.get_param(self.name)
            self.node.set_grad(self.name, self.node.ops.alloc(value.shape, dtype=value.dtype))


def walk_nodes(nlp: Language) -> Iterator[tuple[str, int, Model]]:
    """Component name, number and node of all nodes of the components' models."""
    for name, pipe in nlp.pipeline:
        model = getattr(pipe, "model", None)
        if isinstance(model, Model):
            for n_node, node in enumerate(model.walk()):
                yield name, n_node, node


def walk_places(nlp: Language) -> Iterator[Place]:
    """All parameters, those that several components share once only."""
    seen: set[tuple[str, int]] = set()
    for pipe, n_node, node in walk_nodes(nlp):
        if ("node", node.id) not in seen:
            seen.add(("node", node.id))
            for name in node.param_names:
                yield Place(pipe, n_node, None, name, node)
        for n_shim, shim in enumerate(node.shims):
            if ("shim", shim.id) in seen or not isinstance(shim, PyTorchShim):
                continue
            seen.add(("shim", shim.id))
            if isinstance(shim._model, nn.Module):
                for name, _ in shim._model.named_parameters():
                    yield Place(pipe, n_node, n_shim, name, node)


def walk_shims(nlp: Language) -> Iterator[tuple[list[Any], OptimizesItself]]:
    """Position and shim of all shims that have an optimizer of their own."""
    seen: set[int] = set()
    for pipe, n_node, node in walk_nodes(nlp):
        for n_shim, shim in enumerate(node.shims):
            if isinstance(shim, OptimizesItself) and shim.id not in seen:
                seen.add(shim.id)
                yield [pipe, n_node, n_shim], shim


def optimizer_to_arrays(nlp: Language, optimizer: Optimizer) -> tuple[dict[str, Any], Arrays]:
    """The state of thinc's optimizer: moments, averages, number of updates of each parameter.

    RETURNS (Tuple[dict, Dict[str, ndarray]]): What JSON can hold, and the arrays.
    """
    parameters: list[dict[str, Any]] = []
    arrays: Arrays = {}
    for place in walk_places(nlp):
        if place.key in optimizer.nr_update:
            for name, values in _tables(optimizer).items():
                if place.key in values:
                    array = place.node.ops.to_numpy(values[place.key])
                    arrays[f"{name}.{len(parameters)}"] = np.ascontiguousarray(array)
            n_updates = optimizer.nr_update[place.key]
            parameters.append({"position": place.position, "n_updates": n_updates})
    state = {
        "parameters": parameters,
        "settings": {name: float(getattr(optimizer, name)) for name in SETTINGS},
        "radam_buffer": optimizer._radam_buffer,
    }
    return state, arrays


def optimizer_from_arrays(
    nlp: Language, optimizer: Optimizer, state: dict[str, Any], arrays: Arrays, *, n_steps: int
) -> None:
    """Bring a new optimizer into the saved state; the reverse of optimizer_to_arrays.

    n_steps (int): How often its schedules were stepped.
    RAISES ValueError: If the pipeline lacks a parameter, or the schedules have other values.
    """
    for _ in range(n_steps):
        optimizer.step_schedules()
    for name, value in state["settings"].items():
        if getattr(optimizer, name) != value:
            raise ValueError(
                f"The optimizer's {name} was {value} at step {n_steps} and is "
                f"{getattr(optimizer, name)} now: its schedule gives other values than before."
            )
    places = {tuple(place.position): place for place in walk_places(nlp)}
    for number, parameter in enumerate(state["parameters"]):
        place = places.get(tuple(parameter["position"]))
        if place is None:
            raise ValueError(f"The pipeline lacks the parameter {parameter['position']}.")
        optimizer.nr_update[place.key] = parameter["n_updates"]
        for name, values in _tables(optimizer).items():
            if f"{name}.{number}" in arrays:
                array = arrays[f"{name}.{number}"]
                values[place.key] = place.node.ops.xp.array(array)  # a copy, as they are updated
        place.allocate_gradient()
    optimizer._radam_buffer = state["radam_buffer"]


def _tables(optimizer: Optimizer) -> dict[str, dict[tuple[int, str], Any]]:
    averages = {} if optimizer.averages is None else optimizer.averages
    return {"mom1": optimizer.mom1, "mom2": optimizer.mom2, "average": averages}
