"""The states of all random number generators that training uses."""

import random
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import numpy as np
import torch

Arrays = dict[str, np.ndarray]

CUDA = "cuda"


def capture(*, cuda: bool = False) -> Arrays:
    """The states of Python's `random`, `numpy.random` and torch on the CPU, by these names.

    CuPy's generators, which thinc's own layers use on a GPU, can't be read and are left out.

    cuda (bool): Whether torch on each CUDA device is included.
    """
    _, integers, normal = random.getstate()
    _, keys, position, has_normal, number = _numpy_state()
    states: Arrays = {
        "python": _pack(integers, normal is not None, normal or 0.0),
        "numpy": _pack([*keys.tolist(), position], has_normal, number),
        "torch": torch.get_rng_state().numpy(),
    }
    # asking a CUDA device that nothing uses would start it
    if cuda and torch.cuda.is_initialized():
        for index, state in enumerate(torch.cuda.get_rng_state_all()):
            states[f"{CUDA}{index}"] = state.numpy()
    return states


def restore(states: Arrays) -> None:
    """Set generators to what capture gave; those of devices that are not here are left out."""
    for name, state in states.items():
        if name == "python":
            integers, normal = _unpack(state)
            random.setstate((3, tuple(integers), normal))
        elif name == "numpy":
            (*keys, position), normal = _unpack(state)
            has_normal = normal is not None
            words = np.array(keys, dtype=np.uint32)
            np.random.set_state(  # noqa: NPY002  # the generator that thinc uses
                ("MT19937", words, position, int(has_normal), normal or 0.0)
            )
        elif name == "torch":
            torch.set_rng_state(torch.from_numpy(state.copy()))
        elif int(name.removeprefix(CUDA)) < torch.cuda.device_count():
            index = int(name.removeprefix(CUDA))
            torch.cuda.set_rng_state(torch.from_numpy(state.copy()), index)


@contextmanager
def starting_from(states: Arrays) -> Iterator[None]:
    """Generators are in these states at the beginning, and as before at the end."""
    before = capture()
    restore(states)
    try:
        yield
    finally:
        restore(before)


def _numpy_state() -> tuple[Any, ...]:
    state = np.random.get_state(legacy=True)  # noqa: NPY002  # the generator that thinc uses
    return tuple(state)


def _pack(integers: Any, has_normal: bool, normal: float) -> np.ndarray:
    """One array of the Mersenne Twister's integers, and of the normal number that is kept."""
    bits = np.array([normal], dtype=np.float64).view(np.uint64)
    return np.array([*integers, int(has_normal), int(bits[0])], dtype=np.uint64)


def _unpack(state: np.ndarray) -> tuple[list[int], float | None]:
    *integers, has_normal, _ = state.tolist()
    return integers, float(state[-1:].view(np.float64)[0]) if has_normal else None
