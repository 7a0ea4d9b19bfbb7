"""The state of all random number generators that training uses."""

import random
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from torch import Tensor

Arrays = dict[str, np.ndarray]


@dataclass(frozen=True)
class RandomState:
    """The states of `random`, `numpy.random`, torch on the CPU and torch on each CUDA device.

    CuPy's generators, which thinc's own layers use on a GPU, can't be read and are left out.
    """

    python: tuple[Any, ...]
    numpy: tuple[Any, ...]
    torch: Tensor
    cuda: tuple[Tensor, ...]

    @classmethod
    def capture(cls, *, cuda: bool = True) -> "RandomState":
        """The present states. cuda (bool): Whether CUDA devices are included."""
        # asking a CUDA device that nothing uses would start it
        with_cuda = cuda and torch.cuda.is_initialized()
        return cls(
            python=random.getstate(),
            numpy=tuple(np.random.get_state(legacy=True)),  # noqa: NPY002  # thinc uses it
            torch=torch.get_rng_state(),
            cuda=tuple(torch.cuda.get_rng_state_all()) if with_cuda else (),
        )

    def restore(self) -> None:
        """Set the generators to these states; devices that this machine lacks are left out."""
        random.setstate(self.python)
        np.random.set_state(self.numpy)  # noqa: NPY002
        torch.set_rng_state(self.torch)
        n_devices = torch.cuda.device_count() if self.cuda else 0
        for index, state in enumerate(self.cuda[:n_devices]):
            torch.cuda.set_rng_state(state, index)

    def to_arrays(self) -> Arrays:
        """These states as arrays of numbers; the reverse of from_arrays."""
        version, integers, gauss = self.python
        _, keys, *rest = self.numpy  # rest: position, whether a normal number is kept, the number
        arrays: Arrays = {
            "python": np.array([version, *integers], dtype=np.uint32),
            "python_gauss": np.array([] if gauss is None else [gauss], dtype=np.float64),
            "numpy": np.asarray(keys, dtype=np.uint32),
            "numpy_rest": np.array(rest, dtype=np.float64),
            "torch": self.torch.numpy(),
        }
        return arrays | {f"cuda{i}": state.numpy() for i, state in enumerate(self.cuda)}

    @classmethod
    def from_arrays(cls, arrays: Arrays) -> "RandomState":
        version, *integers = arrays["python"].tolist()
        gauss = arrays["python_gauss"].tolist()
        position, has_gauss, number = arrays["numpy_rest"].tolist()
        n_devices = sum(name.startswith("cuda") for name in arrays)
        return cls(
            python=(version, tuple(integers), gauss[0] if gauss else None),
            numpy=("MT19937", arrays["numpy"], int(position), int(has_gauss), number),
            torch=torch.from_numpy(arrays["torch"].copy()),
            cuda=tuple(torch.from_numpy(arrays[f"cuda{i}"].copy()) for i in range(n_devices)),
        )


class RandomStream:
    """Random numbers of one's own: within `use` the global generators continue from where the
    last `use` left them, and outside they are as if it had not been.

    start (RandomState): The state to begin with.
    """

    def __init__(self, start: RandomState) -> None:
        self._state = start

    @contextmanager
    def use(self) -> Iterator[None]:
        outside = RandomState.capture(cuda=False)
        self._state.restore()
        try:
            yield
        finally:
            self._state = RandomState.capture(cuda=False)
            outside.restore()
