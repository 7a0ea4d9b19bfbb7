"""How much of a batch is in the encoder at once, and less of it where memory runs out."""

import gc
import logging
from collections.abc import Callable, Sequence
from typing import TypeVar

import torch
from thinc.types import ArgsKwargs

from ...nn.encoders.buckets import TensorBucket

logger = logging.getLogger("spacy_ner_plus")

Result = TypeVar("Result")

# What allocators say whose errors have no type of their own.
OUT_OF_MEMORY = (
    "DefaultCPUAllocator",
    "CUDA error: out of memory",  # of what torch's own allocator does not manage
    "CUBLAS_STATUS_ALLOC_FAILED",
    "MPS backend out of memory",
)


class PieceBudget:
    """How many padded wordpieces may be in the encoder at once.

    In training these are the pieces whose activations are kept for the backward pass. Of a batch
    that has more of them, the first buckets are computed again in the backward pass, one at a time
    (Chen et al. (2016), "Training deep nets with sublinear memory cost"), and the last ones, which
    the backward pass needs first, are kept.

    pieces (int): How many at first.

    Attributes:
        pieces (int): How many from now on: fewer than at first when memory has run out.
    """

    def __init__(self, pieces: int) -> None:
        self.pieces = pieces
        self._has_told = False

    def run(
        self, step: Callable[[ArgsKwargs], Result], inputs: ArgsKwargs, *, keeps: bool
    ) -> Result:
        """What a step gives for some inputs of a module.

        If memory runs out, the budget is halved, for as long as the process lives, and the step is
        tried again with smaller buckets.

        inputs (ArgsKwargs): (buckets, n_rows); others go through as they are.
        keeps (bool): Whether the step keeps activations for a backward pass.
        RAISES ValueError: If there is no memory for one window.
        """
        if not (inputs.args and isinstance(inputs.args[0], list)):
            return step(inputs)
        whole, n_rows = inputs.args
        had_to_shrink = False
        while True:
            buckets = [part for bucket in whole for part in bucket.split(self.pieces)]
            n_recomputed = count_recomputed(buckets, self.pieces) if keeps else 0
            if n_recomputed and not self._has_told:
                self._tell(buckets, n_recomputed)
            try:
                result = step(ArgsKwargs((buckets, n_rows), {"n_recomputed": n_recomputed}))
            except RuntimeError as error:
                if not is_out_of_memory(error):
                    raise
                self._shrink(buckets, n_recomputed, keeps, error)
                had_to_shrink = True
            else:
                if had_to_shrink:
                    logger.warning(
                        "Memory ran out: from now on at most %d padded wordpieces are in the "
                        "encoder at once. To have it so from the start, set max_batch_pieces = %d.",
                        self.pieces,
                        self.pieces,
                    )
                return result
            gc.collect()  # what the failed step held, now that its error is gone

    def _shrink(
        self, buckets: list[TensorBucket], n_recomputed: int, keeps: bool, error: RuntimeError
    ) -> None:
        longest = max(bucket.ids.shape[1] for bucket in buckets)
        tried = max(bucket.n_pieces for bucket in buckets)
        if keeps:
            tried = max(tried, sum(bucket.n_pieces for bucket in buckets[n_recomputed:]))
        if tried <= longest:
            advice = ', gradient_checkpointing = true or freeze = "encoder"' if keeps else ""
            raise ValueError(
                f"There is not enough memory for one window of {longest} wordpieces in the "
                f"encoder: use a smaller window{advice}, a smaller encoder or another device. "
                f"{error}"
            ) from error
        self.pieces = min(self.pieces, max(longest, min(self.pieces, tried) // 2))

    def _tell(self, buckets: list[TensorBucket], n_recomputed: int) -> None:
        self._has_told = True
        n_pieces = sum(bucket.n_pieces for bucket in buckets)
        again = sum(bucket.n_pieces for bucket in buckets[:n_recomputed])
        logger.info(
            "A training batch has %d padded wordpieces, and at most max_batch_pieces = %d of them "
            "are kept for the backward pass: %d are encoded twice, which takes about %d %% more "
            "time. Smaller batches (training.batcher) or a larger max_batch_pieces avoid it.",
            n_pieces,
            self.pieces,
            again,
            round(100 * again / (3 * n_pieces)),  # forward is a third of forward and backward
        )


def count_recomputed(buckets: Sequence[TensorBucket], max_pieces: int) -> int:
    """How many of the first buckets to compute again in the backward pass.

    It is so many that those after them have at most max_pieces padded pieces. The last one is never
    among them: it is the first that the backward pass needs.
    """
    kept = 0
    for i in reversed(range(len(buckets))):
        kept += buckets[i].n_pieces
        if kept > max_pieces and i < len(buckets) - 1:
            return i + 1
    return 0


def is_out_of_memory(error: RuntimeError) -> bool:
    """Whether an error of torch says that there is no memory left."""
    is_typed = isinstance(error, torch.OutOfMemoryError)
    return is_typed or any(message in str(error) for message in OUT_OF_MEMORY)
