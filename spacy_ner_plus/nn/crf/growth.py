"""Further tags for CRFs that have learned some."""

import torch

from .crf import CRF
from .parallel_crf import ParallelCRF


@torch.no_grad()
def grow_scores(old: CRF | ParallelCRF, new: CRF | ParallelCRF) -> None:
    """Fill a CRF of further tags: old scores where there are any, those of O elsewhere.

    Forbidden ones are never read. Chains behind those of the old one stay as they are.

    old, new (CRF | ParallelCRF): Both of one kind. The old one's tags are the first of the new
        one's, or of each of its chains; its chains are the new one's first.
    """
    n = old.start.shape[-1]
    own = tuple(slice(size) for size in old.start.shape[:-1])  # chains, if there are some
    start, transition, end = (part[own] for part in (new.start, new.transition, new.end))
    start[...] = old.start[..., :1]
    start[..., :n] = old.start
    end[...] = old.end[..., :1]
    end[..., :n] = old.end
    transition[...] = old.transition[..., :1, :1]
    transition[..., :n, n:] = old.transition[..., :, :1]
    transition[..., n:, :n] = old.transition[..., :1, :]
    transition[..., :n, :n] = old.transition
