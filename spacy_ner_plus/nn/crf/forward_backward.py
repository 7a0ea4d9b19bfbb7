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

import torch
from torch import Tensor

from .blocks import Blocks
from .chunks import Chunks, Limits, cut, transfer_matrices
from .layout import Layout, iterate_steps
from .messages import ChainScores, Messages
from .transfer import to_device

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
# (2 N, tags), (2 N, tags) and (2 N, 1), packed in both directions.
_Run = tuple[Tensor, Tensor, Tensor]


def forward_backward(emissions: Tensor, scores: ChainScores, layout: Layout) -> Messages:
    """Run both recursions over a batch. Use without gradients.

    emissions (Tensor): fp64, finite or -inf. *Shape:* (N, tags) in flat order
    scores (ChainScores): start, transition and end scores.
    layout (Layout): the batch's index arrays.
    RETURNS (Messages)
    """
    peak = emissions.amax(-1, keepdim=True).clamp_min(_MIN)  # (N, 1)
    emissions = emissions - peak  # (N, tags), at most 0
    shifts = [score.max().clamp_min(_MIN) for score in scores]
    shifted = ChainScores(*(score - shift for score, shift in zip(scores, shifts, strict=True)))
    n_transitions = to_device(layout.lengths.numpy() - 1, layout.device)  # (batch,)
    shift = layout.sum(peak.squeeze(-1)) + shifts[0] + n_transitions * shifts[1] + shifts[2]

    run, is_log, steps = _run_both_directions(emissions, shifted, layout)
    messages, states, scales = run  # (2 N, tags), (2 N, tags), (2 N, 1)
    alpha, beta_emitted = steps.unpack_both(states)  # (N, tags) each
    alpha_scale, beta_scale = steps.unpack_both(scales.squeeze(-1))  # (N,) each
    return Messages(
        layout=layout,
        emissions=emissions,
        scores=shifted,
        alpha=alpha,
        beta=steps.unpack_both(messages)[1],
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
    chunks = cut(layout, len(scores.start), LIMITS)
    # (2, 1, tags) and (2, tags, tags)
    boundary, transition = (score.exp() for score in _both_directions(scores))
    weights = emissions.exp()  # (N, tags)
    if chunks is None:
        run = _scaled_recursion(layout.pack_both(weights, weights), boundary, transition, layout)
        safe = _is_safe(emissions, scores, run[1])
        steps = layout
    else:
        steps = chunks.layout
        starts = _starts(weights, boundary, transition, chunks)  # (2, chunks, tags)
        packed = steps.pack_both(weights, weights)  # (2 N, tags)
        run = _scaled_recursion(packed, starts[:, steps.order], transition, steps)
        safe = _is_safe(emissions, scores, run[1]) & _are_linked(run[1], starts, transition, chunks)
    # The only wait for the device in a whole run.
    if bool(safe):
        return run, False, steps
    return _log_recursion(layout.pack_both(emissions, emissions), scores, layout), True, layout


def _both_directions(scores: ChainScores) -> tuple[Tensor, Tensor]:
    """Backward is forward over reversed sequences, with reversed transitions."""
    boundary = torch.stack([scores.start, scores.end]).unsqueeze(1)  # (2, 1, tags)
    transition = torch.stack([scores.transition, scores.transition.T])  # (2, tags, tags)
    return boundary, transition


def _scaled_recursion(packed: Tensor, boundary: Tensor, transition: Tensor, layout: Layout) -> _Run:
    """All factors as probabilities.

    packed (Tensor): what states are weighed with: exp emissions, *Shape:* (2 N, tags), or, where
        the layout's tokens are chunks, transfer matrices, *Shape:* (2 N, tags, tags).
    boundary (Tensor): what reaches the first token of all sequences, or of each, longest first.
        *Shape:* (2, 1, tags) or (2, batch, tags)
    transition (Tensor): *Shape:* (2, tags, tags)
    """
    n_tags = packed.shape[-1]
    messages, states = packed.new_empty(2, len(packed), n_tags)  # (2 N, tags) each
    scales = packed.new_empty(len(packed), 1)
    sizes = [2 * size for size in layout.step_sizes]
    blocks = [Blocks.of(factors, 0.0) for factors in transition]  # of both directions
    previous, previous_n = states, 0  # of the step before, if there is one: (2, n, tags)
    # Of each step: (2 n, tags) or (2 n, tags, tags), (2 n, tags), (2 n, tags) and (2 n, 1).
    for n, weight, message, state, scale in zip(
        layout.step_sizes,
        iterate_steps(packed, sizes),
        iterate_steps(messages, sizes),
        iterate_steps(states, sizes),
        iterate_steps(scales, sizes),
        strict=True,
    ):
        if previous_n == 0:
            message.view(2, n, n_tags).copy_(boundary)
        else:
            if n < previous_n:
                previous = previous[:, :n]  # sequences that have ended fall away
            sent = message.view(2, n, n_tags)
            if blocks[0] is not None and blocks[1] is not None:
                blocks[0].product(previous[0], sent[0])
                blocks[1].product(previous[1], sent[1])
            else:
                torch.bmm(previous, transition, out=sent)
        if weight.dim() == 2:  # (2 n, tags)
            torch.mul(message, weight, out=state)
        else:  # (2 n, tags, tags)
            torch.bmm(message.unsqueeze(1), weight, out=state.unsqueeze(1))
        torch.amax(state, -1, keepdim=True, out=scale)
        scale.clamp_min_(_TINY)  # a sequence without any path stays all zero
        state.div_(scale)
        previous, previous_n = state.view(2, n, n_tags), n
    return messages, states, scales.log_()


def _starts(weights: Tensor, boundary: Tensor, transition: Tensor, chunks: Chunks) -> Tensor:
    """What reaches the first token of each chunk forward, and its last token backward.

    weights (Tensor): exp emissions. *Shape:* (N, tags)
    RETURNS (Tensor): *Shape:* (2, chunks, tags)
    """
    to_from = transition[1]

    def advance(running: Tensor, weight: Tensor) -> Tensor:
        # (last, first, chunks): one product of matrices for all first tags and chunks
        product = (to_from @ running.flatten(1)).view_as(running).mul_(weight)
        # Where numbers vanish, `_are_linked` sees it.
        return product.div_(product.amax((0, 1)).clamp_min_(_TINY))

    block = max(1, _BLOCK // len(to_from) ** 2)
    matrices = transfer_matrices(weights, chunks, advance, 0.0, block)  # (chunks, first, last)
    # (2 chunks, from, to): backward, a chunk leads from its last tags to its first ones
    packed = chunks.chain.pack_both(matrices, matrices.transpose(1, 2))
    messages, _, _ = _scaled_recursion(packed, boundary, transition, chunks.chain)
    return torch.stack(chunks.chain.unpack_both(messages))


def _are_linked(states: Tensor, starts: Tensor, transition: Tensor, chunks: Chunks) -> Tensor:
    """Whether each chunk started from what its neighbour really sends.

    If so, the first chunk being right, so is the second, and so on: all are what one run over the
    whole sequence gives.
    """
    alpha, beta_emitted = chunks.layout.unpack_both(states)  # (N, tags) each
    later = chunks.chain.inner  # chunks with a chunk before them
    heads = chunks.heads  # (later chunks,) flat positions
    # Forward to each later chunk, and backward to the chunk before it: (2, later chunks, tags)
    sent = torch.stack([alpha[heads - 1], beta_emitted[heads]]) @ transition
    started = torch.stack([starts[0, later], starts[1, later - 1]])  # (2, later chunks, tags)
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
    blocks = [Blocks.of(factors, -torch.inf) for factors in transition]  # of both directions
    to_from = transition.transpose(1, 2).unsqueeze(1).contiguous()  # (2, 1, to, from)
    n_tags, step_sizes = packed.shape[-1], layout.step_sizes
    messages, states = torch.empty_like(packed), torch.empty_like(packed)  # (2 N, tags) each
    scales = packed.new_empty(len(packed), 1)
    sizes = [2 * size for size in step_sizes]
    incoming = boundary  # broadcasts over the first step's sequences
    # Of each step: (2 n, tags) three times, and (2 n, 1).
    for n, emission, message, state, scale in zip(
        step_sizes,
        iterate_steps(packed, sizes),
        iterate_steps(messages, sizes),
        iterate_steps(states, sizes),
        iterate_steps(scales, sizes),
        strict=True,
    ):
        message.view(2, n, n_tags).copy_(incoming[:, :n])
        torch.add(message, emission, out=state)
        torch.amax(state, -1, keepdim=True, out=scale)
        scale.masked_fill_(scale == -torch.inf, 0.0)  # a sequence without any path stays -inf
        state.sub_(scale)
        states_of_both = state.view(2, n, n_tags)
        if blocks[0] is not None and blocks[1] is not None:
            forward, backward = (
                block.log_product(own)
                for block, own in zip(blocks, states_of_both, strict=True)
                if block is not None
            )
            incoming = torch.stack([forward, backward])  # (2, n, tags)
        else:
            incoming = torch.logsumexp(states_of_both.unsqueeze(2) + to_from, -1)
    return messages, states, scales
