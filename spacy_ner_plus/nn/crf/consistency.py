"""How far two distributions of one decoder are apart, for a loss that brings them together.

Liang et al. (2021), "R-Drop: Regularized Dropout for Neural Networks": two passes over the same
input differ by their dropout only, and each is to believe what the other does. Here the
distributions are those over whole tag sequences, exactly. With the same transitions, log p - log q
is V(y) = sum_t v_t(y_t) and a constant, where v is the difference of the emissions, so that

    (KL(p || q) + KL(q || p)) / 2 = (E_p[V] - E_q[V]) / 2 = sum_t v_t (P_t - Q_t) / 2

with the marginals P and Q of the two. Its gradient has the covariances of V with the number of uses
of each score under p and q, for which a recursion carries along the expected V of what is before
and after each tag: the second-order semiring of Li and Eisner (2009), "First- and Second-Order
Expectation Semirings", with means in place of sums, which keep their size in long sequences.
"""

from typing import Any

import torch
from torch import Tensor
from torch.autograd.function import once_differentiable

from .forward_backward import forward_backward
from .layout import Layout, iterate_steps
from .messages import ChainScores, Messages, gradients_but_transitions


def softmax_consistency(first: Tensor, second: Tensor, layout: Layout) -> Tensor:
    """The mean of both divergences, summed over the tokens of each sequence, (batch,).

    first, second (Tensor): fp64. *Shape:* (N, tags) each
    """
    possible = (first > -torch.inf, second > -torch.inf)  # (N, tags) each
    fits = (possible[0] == possible[1]).all(-1) & possible[0].any(-1)  # (N,)
    feasible = layout.sum((~fits).long()) == 0  # (batch,)
    # Sequences that can't be compared are replaced by ones without information: no nan.
    unknown = ~feasible[layout.sequence, None]  # (N, 1)
    first, second = (part.masked_fill(unknown, 0.0) for part in (first, second))
    difference = torch.softmax(first, -1) - torch.softmax(second, -1)  # (N, tags)
    ruled_out = ~(possible[0] | unknown)
    gap = first.masked_fill(ruled_out, 0.0) - second.masked_fill(ruled_out, 0.0)
    loss = layout.sum((difference * gap).sum(-1)) / 2
    return loss.clamp_min(0.0).masked_fill(~feasible, torch.inf)


class PathConsistency(torch.autograd.Function):
    """The mean of KL(p || q) and KL(q || p), of distributions over whole tag sequences."""

    @staticmethod
    def forward(
        ctx: Any, emissions: Tensor, start: Tensor, transition: Tensor, end: Tensor, layout: Layout
    ) -> Tensor:
        """The loss of each sequence, (batch,); +inf where only one can be, or neither has a path.

        emissions (Tensor): of both, one batch after the other. *Shape:* (2 N, tags)
        layout (Layout): of one batch.
        """
        both = layout.repeated(2)
        messages = forward_backward(emissions, ChainScores(start, transition, end), both)
        marginals, log_norm = messages.marginals()  # (2 N, tags), (2 N,)
        first, second = emissions.chunk(2)  # (N, tags) each
        gap = torch.where(first == second, 0.0, first - second)  # no inf - inf
        of_first, of_second = marginals.chunk(2)
        difference = of_first - of_second  # (N, tags)
        loss = layout.sum(torch.where(difference == 0, 0.0, difference * gap).sum(-1)) / 2
        has_path = messages.relative_log_z(log_norm).view(2, -1).amin(0) > -torch.inf  # (batch,)
        feasible = (loss < torch.inf) & has_path
        # a gap without end is left where neither can have the tag: it does not count
        values = gap.masked_fill(~gap.isfinite(), 0.0).repeat(2, 1)  # (2 N, tags)
        before, after, covariances = _means(messages, marginals, values)
        left, right = messages.pairs(log_norm)  # (2 (N - batch), tags) each
        ctx.layout, ctx.is_log = layout, messages.is_log
        ctx.save_for_backward(
            difference,
            covariances,
            left,
            right,
            before,
            after,
            messages.scores.transition,
            feasible,
        )
        return loss.clamp_min(0.0).masked_fill(~feasible, torch.inf)

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, grad_loss: Tensor) -> tuple[Tensor | None, ...]:
        """The gradients of forward's arguments, None for the one that is no tensor."""
        difference, covariances, left, right, before, after, transition, feasible = (
            ctx.saved_tensors
        )
        weights = grad_loss.masked_fill(~feasible, 0.0) / 2  # (batch,)
        signed = torch.cat([weights, -weights])  # (2 batch,)
        both = ctx.layout.repeated(2)
        covered, *edges = gradients_but_transitions(covariances, signed, both, 1)
        d_start, d_end = (edge.squeeze(0) for edge in edges)  # (tags,) each
        d_emissions = covered + difference.repeat(2, 1) * signed[both.sequence, None]  # (2 N, tags)
        pair_weights = signed[both.sequence[both.inner]]  # (2 (N - batch),)
        uses = _log_covered_transitions if ctx.is_log else _covered_transitions
        d_transition = uses(left, right, before, after, transition, pair_weights)  # (tags, tags)
        return d_emissions, d_start, d_transition, d_end, None


def _means(messages: Messages, marginals: Tensor, values: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    """Expectations of V, the sum of a path's values, and its covariances with the tags.

    messages (Messages): of M tokens.
    marginals (Tensor): *Shape:* (M, tags)
    values (Tensor): of each tag of each token, finite. *Shape:* (M, tags)
    RETURNS (tuple[Tensor, Tensor, Tensor]): for each token with a predecessor, what that one's tags
        expect of V up to them, (M - batch, tags); what its own tags expect of V from them on, less
        the expectation of all V, (M - batch, tags); and for each token the covariance of V with its
        having the tag, (M, tags).
    """
    layout, scores = messages.layout, messages.scores
    positions = torch.arange(layout.n_tokens, device=layout.device)
    reversal = (layout.first + layout.last)[layout.sequence] - positions  # (M,) its own inverse
    up_to = _accumulate(messages.alpha, values, scores.transition, layout, messages.is_log)
    backward = (messages.beta_emitted[reversal], values[reversal], scores.transition.T)
    from_on = _accumulate(*backward, layout, messages.is_log)[reversal]  # (M, tags)
    ends = layout.last
    mean = (marginals[ends] * up_to[ends]).sum(-1)[layout.sequence, None]  # (M, 1)
    covariances = marginals * (up_to + from_on - values - mean)  # (M, tags)
    inner = layout.inner
    return up_to[inner - 1], (from_on - mean)[inner], covariances


def _accumulate(
    sent: Tensor, values: Tensor, transition: Tensor, layout: Layout, is_log: bool
) -> Tensor:
    """The expected sum of the values up to each token, given its tag and what is behind.

    sent (Tensor): weights of tags by all up to them, logarithms if is_log. *Shape:* (M, tags)
    values (Tensor): *Shape:* (M, tags)
    transition (Tensor): log scores. *Shape:* (tags, tags)
    RETURNS (Tensor): *Shape:* (M, tags); without meaning for tags that nothing leads to.
    """
    mean = _log_mean_before if is_log else _mean_before
    factors = transition if is_log else transition.exp()
    total = torch.empty_like(values)
    packed, own = layout.pack(sent), layout.pack(values)  # (M, tags) each
    previous: tuple[Tensor, Tensor] | None = None
    steps = zip(
        *(iterate_steps(array, layout.step_sizes) for array in (packed, own, total)), strict=True
    )
    for weights, value, out in steps:  # (running sequences, tags) each
        if previous is None:
            out.copy_(value)
        else:
            before, reached = (array[: len(value)] for array in previous)
            torch.add(value, mean(before, reached, factors), out=out)
        previous = (weights, out)
    return layout.unpack(total)


def _mean_before(weights: Tensor, values: Tensor, transition: Tensor) -> Tensor:
    """The mean of the values of the tags before each tag. All but `values` are exponentials.

    weights, values (Tensor): *Shape:* (n, tags). transition (Tensor): *Shape:* (tags, tags)
    RETURNS (Tensor): *Shape:* (n, tags)
    """
    total = weights @ transition
    return (weights * values) @ transition / total.masked_fill(total == 0, 1.0)


def _log_mean_before(weights: Tensor, values: Tensor, transition: Tensor) -> Tensor:
    """As `_mean_before`, with logarithms."""
    joint = weights[:, :, None] + transition  # (n, from, to)
    share = torch.softmax(joint, 1).nan_to_num(0.0)  # 0 where nothing leads to a tag
    return (share * values[:, :, None]).sum(1)


def _covered_transitions(
    left: Tensor, right: Tensor, before: Tensor, after: Tensor, transition: Tensor, weights: Tensor
) -> Tensor:
    """Weighted covariances of V with the number of uses of each transition.

    left, right (Tensor): from `Messages.pairs`. *Shape:* (M, tags)
    before, after (Tensor): from `_means`. *Shape:* (M, tags)
    transition (Tensor): log scores of the same messages. *Shape:* (tags, tags)
    weights (Tensor): one factor for each pair. *Shape:* (M,)
    RETURNS (Tensor): *Shape:* (tags, tags)
    """
    left = left * weights[:, None]
    return ((left * before).T @ right + left.T @ (right * after)) * transition.exp()


def _log_covered_transitions(
    left: Tensor, right: Tensor, before: Tensor, after: Tensor, transition: Tensor, weights: Tensor
) -> Tensor:
    """As `_covered_transitions`, with left and right in log space."""
    rows = [
        weights @ ((left[:, tag, None] + scores + right).exp() * (before[:, tag, None] + after))
        for tag, scores in enumerate(transition)
    ]  # (tags,) each
    return torch.stack(rows)
