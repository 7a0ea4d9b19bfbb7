"""Where the torch modules run, and in which precision. No CuPy is needed for a GPU."""

from typing import NamedTuple

import torch

PRECISIONS = ("auto", "fp32", "bf16", "fp16")


class BatchShape(NamedTuple):
    """What suits a device, in padded wordpieces.

    max_pieces: beyond this, more of them at once make the encoder slower.
    bucket_cost: how many take as long as a call of the encoder does by itself.
    """

    max_pieces: int
    bucket_cost: int


# Of MiniLM on two cores: at 8,192 pieces at once, activations no longer fit into the caches, and
# it takes 20 % longer than at 2,048. A GPU has no such limit but its memory; starting its kernels
# costs more.
ON_CPU = BatchShape(max_pieces=2048, bucket_cost=64)
ON_GPU = BatchShape(max_pieces=1 << 30, bucket_cost=512)


def batch_shape(device: torch.device) -> BatchShape:
    return ON_CPU if device.type == "cpu" else ON_GPU


def resolve_device(name: str) -> torch.device:
    """The torch device of a setting: "auto" is the first CUDA device, or else the CPU.

    RAISES ValueError: If torch does not know the name or has no such device.
    """
    if name == "auto":
        return torch.device("cuda" if torch.cuda.is_available() else "cpu")
    try:
        device = torch.device(name)
    except RuntimeError as error:
        raise ValueError(f"device '{name}' is no torch device: {error}") from None
    if device.type == "cuda" and not torch.cuda.is_available():
        raise ValueError(
            f"device '{name}' was asked for, but torch sees no CUDA device. Use device = \"auto\" "
            "to run on the CPU where there is no GPU."
        )
    return device


def resolve_precision(name: str, device: torch.device) -> torch.dtype:
    """The encoder's compute type: "auto" is bf16 where the hardware multiplies in it, fp16 on GPUs
    that have matrix units for that only, else fp32.

    Weights, head, CRF and probabilities are in fp32 or fp64 always.
    RAISES ValueError: On an unknown precision.
    """
    if name not in PRECISIONS:
        raise ValueError(f"Unknown precision '{name}': use one of {', '.join(PRECISIONS)}.")
    if name == "bf16" or (name == "auto" and has_fast_bf16(device)):
        return torch.bfloat16
    if name == "fp16" or (name == "auto" and has_fast_fp16(device)):
        return torch.float16
    return torch.float32


def has_fast_bf16(device: torch.device) -> bool:
    """Whether the device has instructions for bf16 matrix products (not emulated ones)."""
    if device.type == "cuda":
        return torch.cuda.get_device_capability(device) >= (8, 0)
    if device.type == "cpu":
        # a torch too old to tell what the processor can do gets the safe answer
        capabilities: dict[str, object] = getattr(torch.cpu, "get_capabilities", dict)()
        return any(capabilities.get(name) for name in ("avx512_bf16", "amx_bf16"))
    return False


def has_fast_fp16(device: torch.device) -> bool:
    """Whether the device is a GPU with matrix units for fp16 (V100, T4, RTX 20 and newer)."""
    return device.type == "cuda" and torch.cuda.get_device_capability(device) >= (7, 0)


def autocast(device: torch.device, precision: torch.dtype) -> torch.autocast:
    """Context in which the encoder's matrix products run in `precision`."""
    enabled = precision != torch.float32
    return torch.autocast(device.type, dtype=precision if enabled else None, enabled=enabled)
