"""The best path of each linear chain of a batch."""

import torch
from torch import Tensor

from .forward_backward import Scores
from .layout import Layout, iterate_steps


def viterbi(emissions: Tensor, scores: Scores, layout: Layout) -> tuple[Tensor, Tensor]:
    """Batched Viterbi (1967) decoding; the back-tracing is batched too.

    Of paths with equal scores the one whose last differing tag has the lowest id wins.

    emissions (Tensor): fp64, finite or -inf. *Shape:* (N, tags) in flat order
    scores (Scores): start, transition and end scores.
    RETURNS (tuple[Tensor, Tensor]): the tags int64 (N,) in flat order and the score of each path
        (batch,), relative to the sum of each token's largest emission; -inf where no path exists.
    """
    # Emissions relative to each token's largest keep the running scores small.
    peak = emissions.amax(-1, keepdim=True).clamp_min(torch.finfo(torch.float64).min)  # (N, 1)
    packed = layout.pack(emissions - peak)
    backpointers, final = _best_scores(packed, scores, layout.step_sizes)
    best, tags = (final + scores.end).max(-1)  # (batch,), longest sequence first

    path = trace_back(tags[:, None], backpointers, layout)
    return path.squeeze(1), torch.empty_like(best).index_copy_(0, layout.order, best)


def _best_scores(packed: Tensor, scores: Scores, step_sizes: list[int]) -> tuple[Tensor, Tensor]:
    """The best previous tag of each tag of each token (N, tags), and the score of the best path
    to each tag of each sequence's last token (batch, tags), longest sequence first.
    """
    n_tags = packed.shape[-1]
    to_from = scores.transition.T.contiguous()
    index_type = torch.int16 if n_tags <= torch.iinfo(torch.int16).max else torch.int32
    backpointers = torch.zeros(packed.shape, dtype=index_type, device=packed.device)
    batch = step_sizes[0] if step_sizes else 0
    running = scores.start + packed[:batch]  # rows of finished sequences are left alone
    candidates = packed.new_empty(0, n_tags, n_tags)
    steps = zip(
        step_sizes,
        iterate_steps(packed, step_sizes),
        iterate_steps(backpointers, step_sizes),
        strict=True,
    )
    next(steps, None)  # the first tokens have no previous tag
    for n, emission, backpointer in steps:
        if len(candidates) != n:
            candidates = packed.new_empty(n, n_tags, n_tags)  # (n, to, from)
            best = packed.new_empty(n, n_tags)
            previous = torch.empty(n, n_tags, dtype=torch.int64, device=packed.device)
            state = running[:n]
            state_from = state.unsqueeze(1)
        torch.add(state_from, to_from, out=candidates)
        torch.max(candidates, -1, out=(best, previous))
        torch.add(best, emission, out=state)
        backpointer.copy_(previous)
    return backpointers, running


def trace_back(ends: Tensor, backpointers: Tensor, layout: Layout) -> Tensor:
    """Follow paths from their last states to their first ones.

    ends (Tensor): int64, the last states of each sequence's paths, longest sequence first.
        *Shape:* (batch, paths)
    backpointers (Tensor): the state before each state of each token. *Shape:* (N, states), packed
    RETURNS (Tensor): int64, the states of each path in flat order. *Shape:* (N, paths)
    """
    last = layout.last[layout.order]
    flat = ends.new_zeros(len(backpointers), ends.shape[1])
    path = layout.pack(flat.index_copy_(0, last, ends))  # (N, paths)
    end = len(path)
    sizes = layout.step_sizes
    for size, previous_size in zip(sizes[:0:-1], sizes[-2::-1], strict=True):
        start = end - size
        before = backpointers[start:end].gather(1, path[start:end])
        path[start - previous_size : start - previous_size + size].copy_(before)
        end = start
    return layout.unpack(path)
