"""Where the torch modules run, and in which precision. No CuPy is needed for a GPU."""

import sys

import torch

PRECISIONS = ("auto", "fp32", "bf16", "fp16")


# Measured with MiniLM on two cores: at 8,192 pieces at once, activations no longer fit into the
# caches, and the encoder takes 20 % longer than at 2,048. A GPU has no such limit but its memory.
MAX_CPU_BUCKET = 2048


def max_bucket_pieces(device: torch.device) -> int:
    """Padded wordpieces at once beyond which an encoder gets slower on a device."""
    return MAX_CPU_BUCKET if device.type == "cpu" else sys.maxsize


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
    if device.type == "cuda" and (device.index or 0) >= torch.cuda.device_count():
        raise ValueError(
            f"device '{name}' was asked for, but torch sees {torch.cuda.device_count()} CUDA "
            'device(s), counted from "cuda:0". CUDA_VISIBLE_DEVICES may hide others.'
        )
    return device


def resolve_precision(name: str, device: torch.device) -> torch.dtype:
    """The encoder's compute type.

    "auto" is bf16 where the hardware multiplies in it, fp16 on GPUs that have matrix units for that
    only, else fp32.

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
