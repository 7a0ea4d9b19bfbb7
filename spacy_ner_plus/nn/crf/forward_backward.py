"""The forward-backward algorithm for batches of linear chains.

Method: the scaled recursion of Rabiner (1989), "A tutorial on hidden Markov models", section V.A,
in fp64. Messages are kept as probabilities with maximum 1, so that a step is one small matrix
product, and the logarithms of the scales add up to log Z. The forward and the backward recursion
run in the same loop, which halves the number of sequential steps, and long sequences are cut into
chunks that run side by side (see `chunks`).

Factors below 1e-308 would vanish. Whether any came near that is checked once after the loop;
only then (scores of several hundreds, far outside what a trained tagger gives) is the same
recursion repeated in log space and in one piece, which is two to ten times slower, or more where
chunks are given up.
"""

import math
from dataclasses import replace

import torch
from torch import Tensor

from .blocks import Blocks
from .chunks import Chunks, Limits, cut, transfer_matrices
from .layout import Layout, iterate_steps
from .messages import ChainScores, Messages
from .transfer import to_device

# Below, a lane is a chain in one direction: first those of all chains forward, then backward.

LIMITS = Limits(shortest=200, per_cube=0.02, most_tags=50)
# Entries of matrices that are multiplied at once: what a cache holds.
_BLOCK = 1 << 18

_MIN = torch.finfo(torch.float64).min
_TINY = torch.finfo(torch.float64).tiny
# The smallest factor (in log space) that counts as safe: a product of three of them, the most
# that meet before the next normalisation, is still far above 1e-308.
_LOG_SAFE = -200.0
# How far the message that a chunk starts from may be, relatively, from the one that the chunk
# before it sends. Rounding explains about 1e-13.
_TOLERANCE = 1e-10

# What reaches each token before its own emission and after it, and the log of the latter's scale:
# (lanes * N, tags), (lanes * N, tags) and (lanes * N, 1), packed in both directions.
_Run = tuple[Tensor, Tensor, Tensor]


def forward_backward(emissions: Tensor, scores: ChainScores, layout: Layout) -> Messages:
    """Run both recursions over a batch. Use without gradients.

    emissions (Tensor): fp64, finite or -inf. *Shape:* (N, tags) in flat order
    scores (ChainScores): start, transition and end scores.
    layout (Layout): the batch's index arrays.
    RETURNS (Messages)
    """
    messages = forward_backward_of_chains(emissions, scores.stacked(), layout)
    return replace(messages, scores=messages.scores.of_chain(0))


def forward_backward_of_chains(emissions: Tensor, scores: ChainScores, layout: Layout) -> Messages:
    """As `forward_backward`, for several chains over the same batch, all in the same steps.

    emissions (Tensor): fp64, finite or -inf, one chain after the other.
        *Shape:* (chains * N, tags)
    scores (ChainScores): stacked.
    layout (Layout): of one chain.
    RETURNS (Messages): those of a batch of chains * batch sequences, one chain after the other,
        with stacked scores. See `Messages.of_chain`.
    """
    n_chains, batch = len(scores.start), len(layout.lengths)
    every = layout.repeated(n_chains)
    peak = emissions.amax(-1, keepdim=True).clamp_min(_MIN)  # (chains * N, 1)
    emissions = emissions - peak  # (chains * N, tags), at most 0
    shifts = [score.flatten(1).amax(1).clamp_min(_MIN) for score in scores]  # (chains,) each
    shifted = ChainScores(
        scores.start - shifts[0][:, None],
        scores.transition - shifts[1][:, None, None],
        scores.end - shifts[2][:, None],
    )
    n_transitions = to_device(layout.lengths.numpy() - 1, layout.device)  # (batch,)
    first, between, last = (shift[:, None] for shift in shifts)  # (chains, 1) each
    shift = every.sum(peak.squeeze(-1)).view(n_chains, batch)
    shift = (shift + first + n_transitions * between + last).flatten()

    run, is_log, steps = _run_both_directions(emissions, shifted, layout)
    messages, states, scales = run  # (lanes * N, tags), (lanes * N, tags), (lanes * N, 1)
    alpha, beta_emitted = steps.unpack_both(states, n_chains)  # (chains * N, tags) each
    alpha_scale, beta_scale = steps.unpack_both(scales.squeeze(-1), n_chains)  # (chains * N,) each
    return Messages(
        layout=every,
        emissions=emissions,
        scores=shifted,
        alpha=alpha,
        beta=steps.unpack_both(messages, n_chains)[1],
        beta_emitted=beta_emitted,
        alpha_scale=alpha_scale,
        beta_scale=beta_scale,
        shift=shift,
        is_log=is_log,
    )


def _run_both_directions(
    emissions: Tensor, scores: ChainScores, layout: Layout
) -> tuple[_Run, bool, Layout]:
    """The recursion in both directions: scaled, or in log space where that is not safe.

    RETURNS (tuple[_Run, bool, Layout]): the recursion's result, whether it is in log space, and the
        layout of the sequences or chunks that were run.
    """
    n_chains, n_tags = scores.start.shape
    chunks = cut(layout, n_tags, LIMITS)
    # (lanes, 1, tags) and (lanes, tags, tags)
    boundary, transition = (score.exp() for score in _both_directions(scores))
    weights = emissions.exp()  # (chains * N, tags)
    if chunks is None:
        packed = layout.pack_both(weights, weights, n_chains)  # (lanes * N, tags)
        run = _scaled_recursion(packed, boundary, transition, layout)
        safe = _is_safe(emissions, scores, run[1])
        steps = layout
    else:
        steps = chunks.layout
        starts = _starts(weights, boundary, transition, chunks)  # (lanes, chunks, tags)
        packed = steps.pack_both(weights, weights, n_chains)  # (lanes * N, tags)
        run = _scaled_recursion(packed, starts[:, steps.order], transition, steps)
        safe = _is_safe(emissions, scores, run[1]) & _are_linked(run[1], starts, transition, chunks)
    # The only wait for the device in a whole run.
    if bool(safe):
        return run, False, steps
    packed = layout.pack_both(emissions, emissions, n_chains)
    return _log_recursion(packed, scores, layout), True, layout


def _both_directions(scores: ChainScores) -> tuple[Tensor, Tensor]:
    """Backward is forward over reversed sequences, with reversed transitions."""
    boundary = torch.cat([scores.start, scores.end]).unsqueeze(1)  # (lanes, 1, tags)
    reversed_transition = scores.transition.transpose(1, 2)
    return boundary, torch.cat([scores.transition, reversed_transition])  # (lanes, tags, tags)


def _scaled_recursion(packed: Tensor, boundary: Tensor, transition: Tensor, layout: Layout) -> _Run:
    """All factors as probabilities.

    packed (Tensor): what states are weighed with: exp emissions, *Shape:* (lanes * N, tags), or,
        where the layout's tokens are chunks, transfer matrices,
        *Shape:* (lanes * N, tags, tags).
    boundary (Tensor): what reaches the first token of all sequences, or of each, longest first.
        *Shape:* (lanes, 1, tags) or (lanes, batch, tags)
    transition (Tensor): *Shape:* (lanes, tags, tags)
    """
    n_lanes, n_tags = transition.shape[:2]
    messages, states = packed.new_empty(2, len(packed), n_tags)  # (lanes * N, tags) each
    scales = packed.new_empty(len(packed), 1)
    sizes = [n_lanes * size for size in layout.step_sizes]
    blocks = Blocks.of_all(transition, 0.0)
    previous, previous_n = states, 0  # of the step before, if there is one: (lanes, n, tags)
    # Of each step, for rows of all lanes: (rows, tags) or (rows, tags, tags), (rows, tags) twice,
    # and (rows, 1).
    for n, weight, message, state, scale in zip(
        layout.step_sizes,
        iterate_steps(packed, sizes),
        iterate_steps(messages, sizes),
        iterate_steps(states, sizes),
        iterate_steps(scales, sizes),
        strict=True,
    ):
        if previous_n == 0:
            message.view(n_lanes, n, n_tags).copy_(boundary)
        else:
            if n < previous_n:
                previous = previous[:, :n]  # sequences that have ended fall away
            sent = message.view(n_lanes, n, n_tags)
            if blocks is not None:
                for lane, block in enumerate(blocks):
                    block.product(previous[lane], sent[lane])
            else:
                torch.bmm(previous, transition, out=sent)
        if weight.dim() == 2:  # (rows, tags)
            torch.mul(message, weight, out=state)
        else:  # (rows, tags, tags)
            torch.bmm(message.unsqueeze(1), weight, out=state.unsqueeze(1))
        torch.amax(state, -1, keepdim=True, out=scale)
        scale.clamp_min_(_TINY)  # a sequence without any path stays all zero
        state.div_(scale)
        previous, previous_n = state.view(n_lanes, n, n_tags), n
    return messages, states, scales.log_()


def _starts(weights: Tensor, boundary: Tensor, transition: Tensor, chunks: Chunks) -> Tensor:
    """What reaches the first token of each chunk forward, and its last token backward.

    weights (Tensor): exp emissions. *Shape:* (chains * N, tags)
    RETURNS (Tensor): *Shape:* (lanes, chunks, tags)
    """
    n_chains, n_tags = len(transition) // 2, transition.shape[-1]
    to_from = transition[n_chains:]  # (chains, to, from)

    def advance(running: Tensor, weight: Tensor) -> Tensor:
        # (chains, last, first, chunks): one product of matrices for all first tags and chunks
        product = torch.bmm(to_from, running.flatten(2)).view_as(running).mul_(weight)
        # Where numbers vanish, `_are_linked` sees it.
        return product.div_(product.amax((1, 2), keepdim=True).clamp_min_(_TINY))

    block = max(1, _BLOCK // (n_chains * n_tags**2))
    by_chain = weights.view(n_chains, chunks.layout.n_tokens, n_tags)
    matrices = transfer_matrices(by_chain, chunks, advance, 0.0, block)
    matrices = matrices.flatten(0, 1)  # (chains * chunks, first, last)
    # (lanes * chunks, from, to): backward, a chunk leads from its last tags to its first ones
    packed = chunks.chain.pack_both(matrices, matrices.transpose(1, 2), n_chains)
    messages, _, _ = _scaled_recursion(packed, boundary, transition, chunks.chain)
    both = torch.cat(chunks.chain.unpack_both(messages, n_chains))  # (lanes * chunks, tags)
    return both.view(len(transition), chunks.chain.n_tokens, n_tags)


def _are_linked(states: Tensor, starts: Tensor, transition: Tensor, chunks: Chunks) -> Tensor:
    """Whether each chunk started from what its neighbour really sends.

    If so, the first chunk being right, so is the second, and so on: all are what one run over the
    whole sequence gives.
    """
    n_chains = len(transition) // 2
    shape = (n_chains, chunks.layout.n_tokens, -1)
    both = chunks.layout.unpack_both(states, n_chains)  # (chains * N, tags) each
    alpha, beta_emitted = (state.view(shape) for state in both)
    later = chunks.chain.inner  # chunks with a chunk before them
    heads = chunks.heads  # (later chunks,) flat positions
    # Forward to each later chunk, and backward to the chunk before it: (lanes, later chunks, tags)
    sent = torch.cat([alpha[:, heads - 1], beta_emitted[:, heads]]) @ transition
    started = torch.cat([starts[:n_chains, later], starts[n_chains:, later - 1]])
    return ((started - sent).abs() <= _TOLERANCE * sent).all()


def _is_safe(emissions: Tensor, scores: ChainScores, states: Tensor) -> Tensor:
    """Whether no factor of the scaled recursion came near the smallest number.

    One that did is seen here at the first step where it happens.
    """
    factors = (emissions, *scores)
    unsafe = [((score < _LOG_SAFE) & (score > -torch.inf)).any() for score in factors]
    unsafe.append(((states < math.exp(_LOG_SAFE)) & (states > 0)).any())
    return ~torch.stack(unsafe).any()


def _log_recursion(packed: Tensor, scores: ChainScores, layout: Layout) -> _Run:
    """As `_scaled_recursion` over emissions, all in log space."""
    boundary, transition = _both_directions(scores)
    blocks = Blocks.of_all(transition, -torch.inf)
    to_from = transition.transpose(1, 2).unsqueeze(1).contiguous()  # (lanes, 1, to, from)
    n_lanes, n_tags, step_sizes = len(transition), packed.shape[-1], layout.step_sizes
    messages, states = torch.empty_like(packed), torch.empty_like(packed)  # (lanes * N, tags) each
    scales = packed.new_empty(len(packed), 1)
    sizes = [n_lanes * size for size in step_sizes]
    incoming = boundary  # broadcasts over the first step's sequences
    # Of each step, in rows of all lanes: (rows, tags) three times, and (rows, 1).
    for n, emission, message, state, scale in zip(
        step_sizes,
        iterate_steps(packed, sizes),
        iterate_steps(messages, sizes),
        iterate_steps(states, sizes),
        iterate_steps(scales, sizes),
        strict=True,
    ):
        message.view(n_lanes, n, n_tags).copy_(incoming[:, :n])
        torch.add(message, emission, out=state)
        torch.amax(state, -1, keepdim=True, out=scale)
        scale.masked_fill_(scale == -torch.inf, 0.0)  # a sequence without any path stays -inf
        state.sub_(scale)
        of_lanes = state.view(n_lanes, n, n_tags)
        if blocks is not None:
            sent = [block.log_product(own) for block, own in zip(blocks, of_lanes, strict=True)]
            incoming = torch.stack(sent)  # (lanes, n, tags)
        else:
            incoming = torch.logsumexp(of_lanes.unsqueeze(2) + to_from, -1)
    return messages, states, scales
