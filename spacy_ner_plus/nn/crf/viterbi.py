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
    return viterbi_of_chains(emissions, scores.stacked(), layout)


def viterbi_of_chains(
    emissions: Tensor, scores: ChainScores, layout: Layout
) -> tuple[Tensor, Tensor]:
    """As `viterbi`, for several chains over the same batch, all in the same steps.

    Inside, each token has the tags of all chains, and a *state* is one of them, counted through.

    emissions (Tensor): fp64, finite or -inf, one chain after the other.
        *Shape:* (chains * N, tags)
    scores (ChainScores): stacked.
    layout (Layout): of one chain.
    RETURNS (tuple[Tensor, Tensor]): the tags (chains * N,) and scores (chains * batch,), one chain
        after the other.
    """
    n_chains, n_tags = scores.start.shape
    # Emissions relative to each token's largest keep the running scores small.
    peak = emissions.amax(-1, keepdim=True).clamp_min(torch.finfo(torch.float64).min)
    by_chain = (emissions - peak).view(n_chains, layout.n_tokens, n_tags)
    chunks = cut(layout, n_tags, LIMITS)
    if chunks is not None:
        states, best = _viterbi_in_chunks(by_chain, scores, chunks)  # (N, chains), (batch, chains)
    else:
        packed = layout.pack(by_chain.transpose(0, 1).contiguous())  # (N, chains, tags)
        backpointers, final = _best_scores(packed, scores.start, scores, layout)
        best, tags = (final + scores.end).max(-1)  # (batch, chains), longest sequence first
        states = trace_back(tags + _first_states(final), backpointers, layout)
        best = layout.unsort(best)
    return (states - _first_states(by_chain.transpose(0, 1))).T.flatten(), best.T.flatten()


def _first_states(scores: Tensor) -> Tensor:
    """The first state of each chain, (chains,).

    scores (Tensor): *Shape:* (..., chains, tags)
    """
    n_chains, n_tags = scores.shape[-2:]
    return torch.arange(n_chains, device=scores.device) * n_tags


def _viterbi_in_chunks(
    emissions: Tensor, scores: ChainScores, chunks: Chunks
) -> tuple[Tensor, Tensor]:
    """As `viterbi_of_chains`, in the three phases of `chunks`.

    The way back is cut, too: from each chunk's end it is traced for all states at once, then chunk
    by chunk the right states are known.

    emissions (Tensor): *Shape:* (chains, N, tags)
    RETURNS (tuple[Tensor, Tensor]): the best states (N, chains), and scores (batch, chains).
    """
    layout, chain = chunks.layout, chunks.chain
    starts = _starts(emissions, scores, chunks)  # (chunks, chains, tags)
    packed = layout.pack(emissions.transpose(0, 1).contiguous())  # (N, chains, tags)
    backpointers, final = _best_scores(packed, starts[layout.order], scores, layout)
    final = layout.unsort(final)
    first_states = _first_states(final)
    best, tags = (final[chain.last] + scores.end).max(-1)  # (batch, chains)

    n_chunks, n_states = len(final), final[0].numel()
    every_state = torch.arange(n_states, device=final.device).expand(n_chunks, -1)
    paths = trace_back(every_state, backpointers, layout)  # (N, state at the chunk's end)
    # The best last state of the chunk before, for each first state of a chunk.
    to_from = scores.transition.transpose(1, 2)
    before = (final.roll(1, 0).unsqueeze(2) + to_from).argmax(-1)  # (chunks, chains, tags)
    before = (before + first_states[:, None]).flatten(1)  # (chunks, states)
    links = before.gather(1, paths[layout.first])  # the same for each last state (chunks, states)
    ends = trace_back((tags + first_states)[chain.order], chain.pack(links), chain)
    return paths.gather(1, ends[layout.sequence]), best  # ends: (chunks, chains)


def _starts(emissions: Tensor, scores: ChainScores, chunks: Chunks) -> Tensor:
    """The score of the best path to each tag of each chunk's first token, (chunks, chains, tags).

    It is without this token's emission.

    emissions (Tensor): *Shape:* (chains, N, tags)
    """
    n_chains, n_tags = scores.start.shape
    pairs = scores.transition[..., None, None]  # (chains, from, to, 1, 1)

    def advance(running: Tensor, emission: Tensor) -> Tensor:
        return (running.unsqueeze(2) + pairs).amax(1).add_(emission)

    block = max(1, _BLOCK // (n_chains * n_tags**3))
    matrices = transfer_matrices(emissions, chunks, advance, -torch.inf, block)
    # From the first tags of a chunk to those of the next one: (chains, chunks, from, to)
    matrices = (matrices.unsqueeze(-1) + scores.transition[:, None, None]).amax(3)
    chain = chunks.chain
    starts = emissions.new_empty(chain.n_tokens, n_chains, n_tags)
    running = scores.start.expand(chain.step_sizes[0], -1, -1)
    for n, start, matrix in zip(
        chain.step_sizes,
        iterate_steps(starts, chain.step_sizes),
        iterate_steps(chain.pack(matrices.transpose(0, 1)), chain.step_sizes),
        strict=True,
    ):
        start.copy_(running[:n])
        running = (start.unsqueeze(-1) + matrix).amax(2)  # (n, chains, tags)
    return chain.unpack(starts)


def _best_scores(
    packed: Tensor, starts: Tensor, scores: ChainScores, layout: Layout
) -> tuple[Tensor, Tensor]:
    """The recursion over time, with the way back.

    packed (Tensor): emissions. *Shape:* (N, chains, tags)
    starts (Tensor): scores that sequences start with, of each, longest first, or of all.
        *Shape:* (batch, chains, tags) or (chains, tags)
    RETURNS (tuple[Tensor, Tensor]): the best previous state of each state of each token
        (N, states), and the score of the best path to each tag of each sequence's last token
        (batch, chains, tags), longest sequence first.
    """
    _, n_chains, n_tags = packed.shape
    step_sizes = layout.step_sizes
    to_from = scores.transition.transpose(1, 2).contiguous()  # (chains, to, from)
    blocks = Blocks.of_all(scores.transition, -torch.inf)
    is_small = n_chains * n_tags <= torch.iinfo(torch.int16).max
    index_type = torch.int16 if is_small else torch.int32
    backpointers = torch.zeros(packed.shape, dtype=index_type, device=packed.device)
    batch = step_sizes[0] if step_sizes else 0
    running = starts + packed[:batch]  # rows of finished sequences are left alone
    candidates = packed.new_empty(0, n_chains, n_tags, n_tags)
    steps = zip(
        step_sizes,
        iterate_steps(packed, step_sizes),
        iterate_steps(backpointers, step_sizes),
        strict=True,
    )
    next(steps, None)  # the first tokens have no previous tag
    for n, emission, backpointer in steps:
        if len(candidates) != n:
            # (n, chains, to, from)
            n_targets = 0 if blocks is not None else n_tags
            candidates = packed.new_empty(n, n_chains, n_targets, n_tags)
            best = packed.new_empty(n, n_chains, n_tags)
            previous = torch.empty(n, n_chains, n_tags, dtype=torch.int64, device=packed.device)
            state = running[:n]
            state_from = state.unsqueeze(2)
        if blocks is not None:
            for i, block in enumerate(blocks):
                block.best(state[:, i], best[:, i], previous[:, i])
        else:
            torch.add(state_from, to_from, out=candidates)
            torch.max(candidates, -1, out=(best, previous))
        torch.add(best, emission, out=state)
        backpointer.copy_(previous)
    if n_chains > 1:  # else they are the tags, and the array is as long as the text
        backpointers += _first_states(packed)[:, None]
    return backpointers.flatten(1), running


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
