"""Loading of thinc layers that changes all of them or none."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from thinc.api import Model

from ...models.runtime.torch_shim import TorchShim


@contextmanager
def unchanged_on_error(model: Model) -> Iterator[None]:
    """What happens within to a model's layers and shims is undone if an error leaves it."""
    restore = [_memorize(node) for node in model.walk()]
    try:
        yield
    except BaseException:
        for undo in restore:
            undo()
        raise


def _memorize(node: Model) -> Callable[[], None]:
    # from_dict puts new arrays in the place of these, it does not write into them
    params = {n: node.get_param(n) if node.has_param(n) else None for n in node.param_names}
    dims = {n: node.get_dim(n) if node.has_dim(n) else None for n in node.dim_names}
    refs = {n: node.get_ref(n) if node.has_ref(n) else None for n in node.ref_names}
    name, attrs = node.name, dict(node.attrs)
    shims = [_memorize_shim(shim) for shim in node.shims]

    def undo() -> None:
        node.name = name
        node.attrs.clear()
        node.attrs.update(attrs)
        for param in params:
            node.set_param(param, None)  # dimensions of nodes with parameters can't be changed
        for dim, size in dims.items():
            node.set_dim(dim, size, force=True)  # type: ignore[arg-type]
        for param, value in params.items():
            node.set_param(param, value)
        for ref, target in refs.items():
            node.set_ref(ref, target)
        for undo_shim in shims:
            undo_shim()

    return undo


def _memorize_shim(shim: Any) -> Callable[[], None]:
    state = dict(shim.__dict__)
    weights = None
    module: Any = state.get("_model")
    # thinc's own shim writes into the module that it has; ours takes a new one
    if not isinstance(shim, TorchShim) and hasattr(module, "state_dict"):
        weights = {key: value.clone() for key, value in module.state_dict().items()}

    def undo() -> None:
        shim.__dict__.clear()
        shim.__dict__.update(state)
        if weights is not None:
            module.load_state_dict(weights)

    return undo
