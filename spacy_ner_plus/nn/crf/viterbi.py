"""The best path of each linear chain of a batch."""

import torch
from torch import Tensor

from .blocks import Blocks
from .chunks import Chunks, Limits, cut, transfer_matrices
from .layout import Layout, iterate_steps
from .messages import ChainScores

LIMITS = Limits(shortest=200, per_cube=0.1, most_tags=25)
# Sums that are compared at once in a product of matrices: what a cache holds.
_BLOCK = 1 << 20


def viterbi(emissions: Tensor, scores: ChainScores, layout: Layout) -> tuple[Tensor, Tensor]:
    """Batched Viterbi (1967) decoding; the back-tracing is batched too.

    Of paths with equal scores the one whose last differing tag has the lowest id wins. Scores are
    equal if their sums in fp64 are. Sums of fp32 scores are mostly exact there; where they are
    not, rounding decides between paths this close, as it does in any implementation.

    emissions (Tensor): fp64, finite or -inf. *Shape:* (N, tags) in flat order
    scores (ChainScores): start, transition and end scores.
    RETURNS (tuple[Tensor, Tensor]): the tags int64 (N,) in flat order and the score of each path
        (batch,), relative to the sum of each token's largest emission; -inf where no path exists.
    """
    # Emissions relative to each token's largest keep the running scores small.
    peak = emissions.amax(-1, keepdim=True).clamp_min(torch.finfo(torch.float64).min)  # (N, 1)
    emissions = emissions - peak
    chunks = cut(layout, len(scores.start), LIMITS)
    if chunks is not None:
        return _viterbi_in_chunks(emissions, scores, chunks)
    backpointers, final = _best_scores(layout.pack(emissions), scores.start, scores, layout)
    best, tags = (final + scores.end).max(-1)  # (batch,), longest sequence first

    path = trace_back(tags[:, None], backpointers, layout)
    return path.squeeze(1), layout.unsort(best)


def _viterbi_in_chunks(
    emissions: Tensor, scores: ChainScores, chunks: Chunks
) -> tuple[Tensor, Tensor]:
    """As `viterbi`, in the three phases of `chunks`.

    The way back is cut, too: from each chunk's end it is traced for all tags at once, then chunk by
    chunk the right tag is known.
    """
    layout, chain = chunks.layout, chunks.chain
    starts = _starts(emissions, scores, chunks)  # (chunks, tags)
    packed = layout.pack(emissions)
    backpointers, final = _best_scores(packed, starts[layout.order], scores, layout)
    final = layout.unsort(final)
    best, tags = (final[chain.last] + scores.end).max(-1)  # (batch,)

    every_tag = torch.arange(final.shape[1], device=final.device).expand_as(final)
    paths = trace_back(every_tag, backpointers, layout)  # (N, tag at the chunk's end)
    # The best last tag of the chunk before, for each first tag of a chunk.
    before = (final.roll(1, 0).unsqueeze(1) + scores.transition.T).argmax(-1)  # (chunks, tags)
    links = before.gather(1, paths[layout.first])  # the same for each last tag (chunks, tags)
    ends = trace_back(tags[chain.order, None], chain.pack(links), chain)  # (chunks, 1)
    return paths.gather(1, ends[layout.sequence]).squeeze(1), best


def _starts(emissions: Tensor, scores: ChainScores, chunks: Chunks) -> Tensor:
    """The score of the best path to each tag of each chunk's first token, (chunks, tags).

    It is without this token's emission.
    """
    pairs = scores.transition[:, :, None, None]  # (from, to, 1, 1)

    def advance(running: Tensor, emission: Tensor) -> Tensor:
        return (running.unsqueeze(1) + pairs).amax(0).add_(emission)

    block = max(1, _BLOCK // len(pairs) ** 3)
    matrices = transfer_matrices(emissions, chunks, advance, -torch.inf, block)
    # From the first tags of a chunk to those of the next one.
    matrices = (matrices.unsqueeze(-1) + scores.transition).amax(2)  # (chunks, from, to)
    chain = chunks.chain
    starts = emissions.new_empty(len(matrices), len(pairs))
    running = scores.start.expand(chain.step_sizes[0], -1)
    for n, start, matrix in zip(
        chain.step_sizes,
        iterate_steps(starts, chain.step_sizes),
        iterate_steps(chain.pack(matrices), chain.step_sizes),
        strict=True,
    ):
        start.copy_(running[:n])
        running = (start.unsqueeze(-1) + matrix).amax(1)  # (n, tags)
    return chain.unpack(starts)


def _best_scores(
    packed: Tensor, starts: Tensor, scores: ChainScores, layout: Layout
) -> tuple[Tensor, Tensor]:
    """The recursion over time, with the way back.

    starts (Tensor): scores that sequences start with, of each, longest first, or of all.
        *Shape:* (batch, tags) or (tags,)
    RETURNS (tuple[Tensor, Tensor]): the best previous tag of each tag of each token (N, tags), and
        the score of the best path to each tag of each sequence's last token (batch, tags), longest
        sequence first.
    """
    n_tags, step_sizes = packed.shape[-1], layout.step_sizes
    to_from = scores.transition.T.contiguous()
    blocks = Blocks.of(scores.transition, -torch.inf)
    index_type = torch.int16 if n_tags <= torch.iinfo(torch.int16).max else torch.int32
    backpointers = torch.zeros(packed.shape, dtype=index_type, device=packed.device)
    batch = step_sizes[0] if step_sizes else 0
    running = starts + packed[:batch]  # rows of finished sequences are left alone
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
            # (n, to, from)
            candidates = packed.new_empty(n, 0 if blocks is not None else n_tags, n_tags)
            best = packed.new_empty(n, n_tags)
            previous = torch.empty(n, n_tags, dtype=torch.int64, device=packed.device)
            state = running[:n]
            state_from = state.unsqueeze(1)
        if blocks is not None:
            blocks.best(state, best, previous)
        else:
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
