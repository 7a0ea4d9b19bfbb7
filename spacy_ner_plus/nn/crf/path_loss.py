"""The negative log-likelihood of a linear-chain CRF and its gradient."""

from typing import Any

import torch
from torch import Tensor
from torch.autograd.function import once_differentiable

from .forward_backward import forward_backward
from .layout import Layout
from .messages import ChainScores, expected_transitions, gradients_but_transitions


class PathLoss(torch.autograd.Function):
    """log Z of all paths - log Z of the allowed ones.

    The gradient of a log Z is the expected number of uses of each score, so that plain autograd
    with its (N, tags, tags) intermediates is not needed.
    """

    @staticmethod
    def forward(
        ctx: Any,
        emissions: Tensor,
        start: Tensor,
        transition: Tensor,
        end: Tensor,
        allowed: Tensor,
        layout: Layout,
    ) -> Tensor:
        """The loss of each sequence, (batch,)."""
        scores = ChainScores(start, transition, end)
        if bool((allowed.sum(-1) == 1).all()):
            path = allowed.long().argmax(-1)  # (N,)
            messages = forward_backward(emissions, scores, layout)
            difference, log_norm = messages.marginals()  # (N, tags), (N,)
            loss = messages.log_z(log_norm) - _path_score(emissions, scores, path, layout)
            difference.scatter_add_(1, path[:, None], difference.new_full((len(path), 1), -1.0))
        else:
            path = None
            both = torch.cat([emissions, emissions.masked_fill(~allowed, -torch.inf)])
            messages = forward_backward(both, scores, layout.doubled())
            marginals, log_norm = messages.marginals()  # (2 N, tags), (2 N,)
            log_z, log_z_allowed = messages.log_z(log_norm).chunk(2)
            loss = log_z - log_z_allowed
            difference = marginals[: len(emissions)] - marginals[len(emissions) :]
        left, right = messages.pairs(log_norm)
        feasible = loss < torch.inf  # nan if there is no valid path at all
        ctx.layout, ctx.is_log = layout, messages.is_log
        ctx.save_for_backward(difference, left, right, messages.scores.transition, path, feasible)
        return loss.masked_fill(~feasible, torch.inf)

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, grad_loss: Tensor) -> tuple[Tensor | None, ...]:
        """The gradients of forward's arguments, None for those that are no scores."""
        difference, left, right, transition, path, feasible = ctx.saved_tensors
        layout: Layout = ctx.layout
        weights = grad_loss.masked_fill(~feasible, 0.0)  # (batch,)
        d_emissions, d_start, d_end = gradients_but_transitions(difference, weights, layout)
        pair_weights = weights[layout.sequence[layout.inner]]  # (N - batch,)
        if path is None:  # the pairs of the allowed paths follow those of all paths
            pair_weights = torch.cat([pair_weights, -pair_weights])
        d_transition = expected_transitions(
            left, right, transition, pair_weights, is_log=ctx.is_log
        )  # (tags, tags)
        if path is not None:
            n_tags = len(transition)
            used = path[layout.inner - 1] * n_tags + path[layout.inner]  # (N - batch,)
            d_transition.view(-1).index_add_(0, used, pair_weights, alpha=-1)
        return d_emissions, d_start, d_transition, d_end, None, None


def _path_score(emissions: Tensor, scores: ChainScores, path: Tensor, layout: Layout) -> Tensor:
    """The score of one path (N,) in flat order for each sequence, (batch,)."""
    score = emissions.gather(1, path[:, None]).squeeze(1)
    score[layout.first] += scores.start[path[layout.first]]
    score[layout.last] += scores.end[path[layout.last]]
    score[layout.inner] += scores.transition[path[layout.inner - 1], path[layout.inner]]
    return layout.sum(score)
