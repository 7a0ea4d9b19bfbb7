"""Arrays on their way to a device."""

from collections.abc import Sequence
from itertools import accumulate

import numpy as np
import torch
from torch import Tensor

# In a joint copy each array begins at a multiple of so many bytes, as numbers of any type may.
_ALIGNMENT = 16


def to_device(array: np.ndarray, device: torch.device) -> Tensor:
    """An array as a tensor on a device.

    On the CPU it is the array's own memory. A copy to a GPU comes from pinned memory: from any
    other, the program would wait until the GPU has done all that it was given before.
    """
    tensor = torch.from_numpy(array)
    if device.type == "cpu":
        return tensor
    if device.type == "cuda" and array.size:
        tensor = tensor.pin_memory()
    return tensor.to(device, non_blocking=True)


def to_device_together(arrays: Sequence[np.ndarray], device: torch.device) -> list[Tensor]:
    """As to_device, for several arrays: a GPU gets them in one copy."""
    if device.type != "cuda":
        return [to_device(array, device) for array in arrays]
    sizes = [-(-array.nbytes // _ALIGNMENT) * _ALIGNMENT for array in arrays]
    joined = bytearray().join(
        array.tobytes().ljust(size, b"\0") for array, size in zip(arrays, sizes, strict=True)
    )
    there = to_device(np.frombuffer(joined, dtype=np.uint8), device)
    return [
        there[end - size : end - size + array.nbytes]
        .view(torch.from_numpy(array).dtype)
        .view(array.shape)
        for array, size, end in zip(arrays, sizes, accumulate(sizes), strict=True)
    ]
