"""torch functions that are slow in training on a CPU, in other words of the same meaning.

What is measured here was so with MiniLM on two cores that have matrix units for bf16 (AMX), in
steps of 1,000 words. Together they take a sixth of a step's time away.
"""

from collections.abc import Callable, Sequence
from typing import Any

import torch
from torch import Tensor
from torch.nn import functional
from torch.overrides import TorchFunctionMode

# Rows of a matrix product. A training step has up to 30 multiples of it.
ROWS = 64
# Longest input for which attention is computed unfused: what it keeps grows with the length.
LONGEST_UNFUSED = 512
# Of random numbers, by which dropout decides: its probability is a multiple of 1 / 65,536.
BITS = 16


class FastTraining(TorchFunctionMode):
    """A context for a forward pass with a way back. On other devices it changes nothing.

    It is not there on the way back: what is computed again there needs a context of its own.
    """

    def __torch_function__(
        self,
        func: Callable[..., Any],
        types: Any,
        args: Sequence[Any] = (),
        kwargs: dict[str, Any] | None = None,
    ) -> Any:
        return _FASTER.get(func, func)(*args, **(kwargs or {}))


def linear(input: Tensor, weight: Tensor, bias: Tensor | None = None) -> Tensor:
    """See functional.linear: in bf16 with a multiple of ROWS rows. (..., n) -> (..., n_outputs).

    torch's library for bf16 (oneDNN) compiles kernels for each number of rows that is new to it.
    That takes 1 to 7 ms, several times as long as the product, and hardly any two batches have the
    same number of wordpieces. With rows of zeros added, all kernels are soon there.
    """
    if weight.dim() != 2 or not _is_reduced(input):
        return functional.linear(input, weight, bias)
    n_outputs, n_inputs = weight.shape
    n_rows = input.numel() // n_inputs
    n_added = -n_rows % ROWS
    if not n_added:
        return functional.linear(input, weight, bias)
    rows = input.reshape(n_rows, n_inputs).to(torch.bfloat16)
    padded = torch.cat([rows, rows.new_zeros(n_added, n_inputs)])  # (n_rows + n_added, n_inputs)
    outputs = functional.linear(padded, weight, bias)[:n_rows]  # (n_rows, n_outputs)
    return outputs.view(*input.shape[:-1], n_outputs)


def dropout(input: Tensor, p: float = 0.5, training: bool = True, inplace: bool = False) -> Tensor:
    """See functional.dropout: four decisions a random number, where torch draws one for each.

    Drawing took a tenth of a step.
    """
    n_dropped = round(p * 2**BITS)  # of so many values
    if not training or not 0 < n_dropped < 2**BITS or inplace or input.device.type != "cpu":
        return functional.dropout(input, p, training, inplace)
    n_drawn = -(-input.numel() // (64 // BITS))
    drawn = torch.empty(n_drawn, dtype=torch.int64).random_(-(2**63), 2**63 - 1)
    values = drawn.view(torch.int16)[: input.numel()].view(input.shape)
    is_kept = values >= n_dropped - 2 ** (BITS - 1)
    return torch.where(is_kept, input, 0.0) * (2**BITS / (2**BITS - n_dropped))


def attention(
    query: Tensor,
    key: Tensor,
    value: Tensor,
    attn_mask: Tensor | None = None,
    dropout_p: float = 0.0,
    is_causal: bool = False,
    **others: Any,
) -> Tensor:
    """See functional.scaled_dot_product_attention: in bf16 by plain products.

    The way back through the fused kernel is slow there; torch's own unfused form looks at each
    number thrice, to see whether a row has nothing to attend to. Such a row attends to everything
    here.

    query: (..., length, width). key, value: (..., n, width). attn_mask: (..., length, n), bool, or
    added to the scores. RETURNS: (..., length, width).
    """
    is_plain = not (dropout_p or is_causal or others.get("enable_gqa"))
    if not is_plain or not _is_reduced(query) or key.shape[-2] > LONGEST_UNFUSED:
        return functional.scaled_dot_product_attention(
            query, key, value, attn_mask, dropout_p, is_causal, **others
        )
    scale = others.get("scale") or query.shape[-1] ** -0.5
    scores = torch.matmul(query * scale, key.transpose(-2, -1))  # (..., length, n) bf16
    lowest = torch.finfo(scores.dtype).min
    if attn_mask is not None and attn_mask.dtype == torch.bool:
        scores = scores.masked_fill(~attn_mask, lowest)
    elif attn_mask is not None:
        scores = scores + attn_mask.clamp(min=lowest).to(scores.dtype)
    with torch.autocast("cpu", enabled=False):  # which would have the numbers in fp32
        weights = torch.softmax(scores, dim=-1)  # its sums are in fp32
    return torch.matmul(weights, value)


def _is_reduced(tensor: Tensor) -> bool:
    """Whether products of it are computed in bf16 on a CPU."""
    return (
        tensor.device.type == "cpu"
        and torch.is_autocast_enabled("cpu")
        and torch.get_autocast_dtype("cpu") == torch.bfloat16
    )


_FASTER: dict[Callable[..., Any], Callable[..., Any]] = {
    functional.linear: linear,
    functional.dropout: dropout,
    functional.scaled_dot_product_attention: attention,
}
