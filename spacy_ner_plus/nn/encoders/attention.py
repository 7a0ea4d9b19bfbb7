"""Which of torch's ways to compute attention is used: the one that is fast for what is asked."""

from collections.abc import Iterator
from contextlib import contextmanager

import torch
from torch import Tensor
from torch.nn.attention import SDPBackend, sdpa_kernel

# Longest input for which attention is computed unfused in training in bf16 on a CPU: what it keeps
# grows with the length.
LONGEST_UNFUSED = 512


@contextmanager
def fast_attention(ids: Tensor, *, has_way_back: bool) -> Iterator[None]:
    """Choose the attention whose way back is fast.

    In bf16 on a CPU the way back through torch's fused attention is slow: with plain products in
    its place a training step takes an eighth less time (MiniLM on two cores). In prediction the
    fused kernel is the faster one.

    ids (Tensor): What the encoder reads. *Shape:* (windows, length)
    has_way_back (bool): Whether gradients go back through what is computed in the context.
    """
    is_slow = (
        has_way_back
        and ids.device.type == "cpu"
        and torch.is_autocast_enabled("cpu")
        and torch.get_autocast_dtype("cpu") == torch.bfloat16
        and ids.shape[1] <= LONGEST_UNFUSED
    )
    if not is_slow:
        yield
        return
    # else they are computed in fp32, which takes twice as long
    is_reduced = torch.backends.cuda.fp16_bf16_reduction_math_sdp_allowed()
    torch.backends.cuda.allow_fp16_bf16_reduction_math_sdp(True)
    try:
        with sdpa_kernel(SDPBackend.MATH):
            yield
    finally:
        torch.backends.cuda.allow_fp16_bf16_reduction_math_sdp(is_reduced)
