"""The forward-backward algorithm for batches of linear chains.

Method: the scaled recursion of Rabiner (1989), "A tutorial on hidden Markov models", section V.A,
in fp64. Messages are kept as probabilities with maximum 1, so that a step is one small matrix
product, and the logarithms of the scales add up to log Z. The forward and the backward recursion
run in the same loop, which halves the number of sequential steps.

Factors below 1e-308 would vanish. Whether any came near that is checked once after the loop;
only then (scores of several hundreds, far outside what a trained tagger gives) is the same
recursion repeated in log space, which is two to ten times slower.
"""

import math
from dataclasses import dataclass
from typing import NamedTuple

import torch
from torch import Tensor

from .layout import Layout, iterate_steps

_MIN = torch.finfo(torch.float64).min
_TINY = torch.finfo(torch.float64).tiny
# The smallest factor (in log space) that counts as safe: a product of three of them, the most
# that meet before the next normalisation, is still far above 1e-308.
_LOG_SAFE = -200.0


class Scores(NamedTuple):
    """Scores of a linear chain besides its emissions: fp64, -inf where forbidden."""

    start: Tensor  # (tags,)
    transition: Tensor  # (tags, tags), from and to
    end: Tensor  # (tags,)


@dataclass(frozen=True)
class Messages:
    """Forward and backward messages of a batch, in the flat order of its `Layout`.

    All scores are relative to shifts that cancel in every probability; only `log_z` has them
    added back. A token's marginals are proportional to `alpha * beta`.

    Attributes:
        emissions (Tensor): log space, at most 0. *Shape:* (N, tags)
        scores (Scores): shifted start, transition and end scores, log space.
        alpha (Tensor): all paths up to and with this token, maximum 1. *Shape:* (N, tags)
        beta (Tensor): all paths after this token, `exp(transition) @ beta_emitted` of the next
            one. *Shape:* (N, tags)
        beta_emitted (Tensor): beta times this token's exp emission, maximum 1. *Shape:* (N, tags)
        alpha_scale, beta_scale (Tensor): log of what alpha and beta_emitted of each token were
            divided by. *Shape:* (N,)
        shift (Tensor): what was subtracted from each sequence's score. *Shape:* (batch,)
        is_log (bool): alpha, beta and beta_emitted are logarithms.
    """

    layout: Layout
    emissions: Tensor
    scores: Scores
    alpha: Tensor
    beta: Tensor
    beta_emitted: Tensor
    alpha_scale: Tensor
    beta_scale: Tensor
    shift: Tensor
    is_log: bool

    def marginals(self) -> tuple[Tensor, Tensor]:
        """RETURNS (tuple[Tensor, Tensor]): the probability of each tag of each token (N, tags)
        and the log of the sum of `alpha * beta` that it was divided by (N,). A sequence without
        any path has zeros and -inf.
        """
        if self.is_log:
            joint = self.alpha + self.beta
            log_norm = torch.logsumexp(joint, -1)
            return (joint - finite(log_norm)[:, None]).exp(), log_norm
        joint = self.alpha * self.beta
        log_norm = joint.sum(-1).log()
        return joint / finite(log_norm).exp()[:, None], log_norm

    def log_z(self, log_norm: Tensor) -> Tensor:
        """log_norm (Tensor): from `marginals`. *Shape:* (N,)
        RETURNS (Tensor): log of the summed exp scores of all paths, -inf without any. (batch,)
        """
        return self.relative_log_z(log_norm) + self.shift

    def relative_log_z(self, log_norm: Tensor) -> Tensor:
        """As `log_z`, for the shifted scores: what to compare with sums of `emissions` and
        `scores`, without the rounding of a large shift.
        """
        return self.layout.sum(self.alpha_scale) + log_norm[self.layout.last]

    def step(self, token: int) -> Tensor:
        """RETURNS (Tensor): log of what alpha of a token (flat position) sends to each tag of the
        next token. *Shape:* (tags,)
        """
        alpha, transition = self.alpha[token], self.scores.transition
        if self.is_log:
            return torch.logsumexp(alpha[:, None] + transition, 0)
        return (alpha @ transition.exp()).log()

    def pairs(self, log_norm: Tensor) -> tuple[Tensor, Tensor]:
        """Factors of the pairwise marginals: left[n, i] * exp(transition[i, j]) * right[n, j] is
        the probability of tag i before and tag j on the n-th token that has a predecessor.

        log_norm (Tensor): from `marginals`. *Shape:* (N,)
        RETURNS (tuple[Tensor, Tensor]): left and right, logarithms when `is_log`.
            *Shape:* (N - batch, tags) each
        """
        inner = self.layout.inner
        left, right = self.alpha[inner - 1], self.beta_emitted[inner]
        log_norm = finite(log_norm)[inner - 1, None]
        return left, right - log_norm if self.is_log else right / log_norm.exp()


def expected_transitions(
    left: Tensor, right: Tensor, transition: Tensor, weights: Tensor, *, is_log: bool
) -> Tensor:
    """Weighted expected number of uses of each transition, without a (N, tags, tags) array.

    left, right (Tensor): from `Messages.pairs`. *Shape:* (M, tags)
    transition (Tensor): the shifted log scores of the same messages. *Shape:* (tags, tags)
    weights (Tensor): one factor for each pair. *Shape:* (M,)
    is_log (bool): left and right are logarithms.
    RETURNS (Tensor): *Shape:* (tags, tags)
    """
    if not is_log:
        return (left * weights[:, None]).T @ right * transition.exp()
    rows = [
        weights @ (left[:, tag, None] + transition[tag] + right).exp()  # (tags,)
        for tag in range(len(transition))
    ]
    return torch.stack(rows)


def expected_transitions_by_sequence(messages: Messages, log_norm: Tensor) -> Tensor:
    """Expected number of uses of each transition in each sequence.

    log_norm (Tensor): from `Messages.marginals`. *Shape:* (N,)
    RETURNS (Tensor): *Shape:* (batch, tags, tags)
    """
    layout, transition = messages.layout, messages.scores.transition
    before = torch.full_like(messages.alpha, -torch.inf if messages.is_log else 0.0)
    after = before.clone()
    before[layout.inner], after[layout.inner] = messages.pairs(log_norm)
    if not messages.is_log:
        before, after = layout.pad(before), layout.pad(after)  # (batch, time, tags)
        return before.transpose(1, 2) @ after * transition.exp()
    rows = [
        layout.pad((before[:, tag, None] + scores + after).exp()).sum(1)  # (batch, tags)
        for tag, scores in enumerate(transition)
    ]
    return torch.stack(rows, 1)


def forward_backward(emissions: Tensor, scores: Scores, layout: Layout) -> Messages:
    """Run both recursions over a batch. Use without gradients.

    emissions (Tensor): fp64, finite or -inf. *Shape:* (N, tags) in flat order
    scores (Scores): start, transition and end scores.
    layout (Layout): the batch's index arrays.
    RETURNS (Messages)
    """
    peak = emissions.amax(-1, keepdim=True).clamp_min(_MIN)  # (N, 1)
    emissions = emissions - peak
    shifts = [score.max().clamp_min(_MIN) for score in scores]
    shifted = Scores(*(score - shift for score, shift in zip(scores, shifts, strict=True)))
    n_transitions = (layout.lengths - 1).to(layout.device)
    shift = layout.sum(peak.squeeze(-1)) + shifts[0] + n_transitions * shifts[1] + shifts[2]

    packed = layout.pack_both(emissions)  # (2 N, tags)
    messages, states, scales = _scaled_recursion(packed, shifted, layout.step_sizes)
    is_log = not _is_safe(packed, states, shifted)
    if is_log:
        messages, states, scales = _log_recursion(packed, shifted, layout.step_sizes)
    alpha, beta_emitted = layout.unpack_both(states)
    alpha_scale, beta_scale = layout.unpack_both(scales.squeeze(-1))
    return Messages(
        layout=layout,
        emissions=emissions,
        scores=shifted,
        alpha=alpha,
        beta=layout.unpack_both(messages)[1],
        beta_emitted=beta_emitted,
        alpha_scale=alpha_scale,
        beta_scale=beta_scale,
        shift=shift,
        is_log=is_log,
    )


def finite(log_values: Tensor) -> Tensor:
    """-inf replaced by 0, to subtract or divide by where the other operand is -inf or 0 anyway."""
    return log_values.masked_fill(log_values == -torch.inf, 0.0)


def _both_directions(scores: Scores) -> tuple[Tensor, Tensor]:
    """Backward is forward over reversed sequences, with reversed transitions."""
    boundary = torch.stack([scores.start, scores.end]).unsqueeze(1)  # (2, 1, tags)
    transition = torch.stack([scores.transition, scores.transition.T])  # (2, tags, tags)
    return boundary, transition


def _scaled_recursion(
    packed: Tensor, scores: Scores, step_sizes: list[int]
) -> tuple[Tensor, Tensor, Tensor]:
    """packed (Tensor): emissions, both directions. *Shape:* (2 N, tags)
    RETURNS (tuple[Tensor, Tensor, Tensor]): as probabilities, what reaches each token before its
        own emission and after it (2 N, tags), and the log of the latter's scale (2 N, 1).
    """
    boundary, transition = (score.exp() for score in _both_directions(scores))
    emissions = packed.exp()
    n_tags = packed.shape[-1]
    messages, states = torch.empty_like(packed), torch.empty_like(packed)
    scales = packed.new_empty(len(packed), 1)
    sizes = [2 * size for size in step_sizes]
    previous, previous_n = states, 0
    for n, emission, message, state, scale in zip(
        step_sizes,
        iterate_steps(emissions, sizes),
        iterate_steps(messages, sizes),
        iterate_steps(states, sizes),
        iterate_steps(scales, sizes),
        strict=True,
    ):
        if previous_n == 0:
            message.view(2, n, n_tags).copy_(boundary)
        else:
            if n < previous_n:
                previous = previous[:, :n]
            torch.bmm(previous, transition, out=message.view(2, n, n_tags))
        torch.mul(message, emission, out=state)
        torch.amax(state, -1, keepdim=True, out=scale)
        scale.clamp_min_(_TINY)  # a sequence without any path stays all zero
        state.div_(scale)
        previous, previous_n = state.view(2, n, n_tags), n
    return messages, states, scales.log_()


def _is_safe(packed: Tensor, states: Tensor, scores: Scores) -> bool:
    """Whether no factor of the scaled recursion came near the smallest number: one that did is
    seen here at the first step where it happens. The only wait for the device in a whole run.
    """
    unsafe = [((score < _LOG_SAFE) & (score > -torch.inf)).any() for score in (packed, *scores)]
    unsafe.append(((states < math.exp(_LOG_SAFE)) & (states > 0)).any())
    return not bool(torch.stack(unsafe).any())


def _log_recursion(
    packed: Tensor, scores: Scores, step_sizes: list[int]
) -> tuple[Tensor, Tensor, Tensor]:
    """As `_scaled_recursion`, all in log space."""
    boundary, transition = _both_directions(scores)
    to_from = transition.transpose(1, 2).unsqueeze(1).contiguous()  # (2, 1, to, from)
    n_tags = packed.shape[-1]
    messages, states = torch.empty_like(packed), torch.empty_like(packed)
    scales = packed.new_empty(len(packed), 1)
    sizes = [2 * size for size in step_sizes]
    incoming = boundary  # broadcasts over the first step's sequences
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
        incoming = torch.logsumexp(state.view(2, n, 1, n_tags) + to_from, -1)  # (2, n, tags)
    return messages, states, scales
