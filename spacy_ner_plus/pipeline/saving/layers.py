"""Loading of thinc layers that changes all of them or none."""

from collections.abc import Mapping
from typing import Any

from thinc.api import Model


def loaded_copy(model: Model, message: Mapping[str, Any]) -> Model:
    """A copy of some layers that has read what their to_bytes packed; they stay as they are.

    RAISES: What thinc, torch and others raise for data that is not what these layers saved.
    """
    copy = model.copy()
    copy.from_dict(dict(message))
    return copy


def become(model: Model, loaded: Model) -> None:
    """Give layers all that a loaded copy of them holds.

    The nodes stay the objects that they are, and only what is in them changes: a component that
    some of them listen to knows these objects, and a copy of a listener is none.
    """
    nodes, loaded_nodes = list(model.walk()), list(loaded.walk())
    for node, other in zip(nodes, loaded_nodes, strict=True):
        node.name = other.name
        node.attrs.update(other.attrs)
        node.shims[:] = other.shims
        for name in node.param_names:
            node.set_param(name, None)  # dimensions of nodes with parameters can't be changed
        for name in node.dim_names:
            node.set_dim(name, other.maybe_get_dim(name), force=True)  # type: ignore[arg-type]
        for name in node.param_names:
            node.set_param(name, other.maybe_get_param(name))
        for name in other.ref_names:
            target = other.maybe_get_ref(name)
            index = None if target is None else loaded_nodes.index(target)
            node.set_ref(name, None if index is None else nodes[index])
