"""The negative log-likelihood of a linear-chain CRF and its gradient."""

from typing import Any

import torch
from torch import Tensor
from torch.autograd.function import once_differentiable

from .forward_backward import forward_backward_of_chains
from .layout import Layout
from .messages import ChainScores, expected_transitions, gradients_but_transitions


class PathLoss(torch.autograd.Function):
    """log Z of all paths - log Z of the allowed ones, of one chain or several.

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
        """The loss of each sequence of each chain, (chains * batch,).

        Scores are stacked, and N counts the tokens of all chains, one chain after the other.

        layout (Layout): of one chain.
        """
        scores = ChainScores(start, transition, end)
        n_chains = len(start)
        every = layout.repeated(n_chains)
        if bool((allowed.sum(-1) == 1).all()):
            path = allowed.long().argmax(-1)  # (N,)
            messages = forward_backward_of_chains(emissions, scores, layout)
            difference, log_norm = messages.marginals()  # (N, tags), (N,)
            loss = messages.log_z(log_norm) - _path_score(emissions, scores, path, every)
            difference.scatter_add_(1, path[:, None], difference.new_full((len(path), 1), -1.0))
        else:
            path = None
            permitted = emissions.masked_fill(~allowed, -torch.inf)
            shape = (n_chains, layout.n_tokens, emissions.shape[1])
            parts = [part.view(shape) for part in (emissions, permitted)]
            both = torch.cat(parts, 1).flatten(0, 1)  # (2 N, tags), both of each chain
            messages = forward_backward_of_chains(both, scores, layout.repeated(2))
            marginals, log_norm = messages.marginals()  # (2 N, tags), (2 N,)
            log_z = messages.log_z(log_norm).view(n_chains, 2, len(layout.lengths))
            loss = (log_z[:, 0] - log_z[:, 1]).flatten()
            marginals = marginals.view(n_chains, 2, *shape[1:])
            difference = (marginals[:, 0] - marginals[:, 1]).flatten(0, 1)
        left, right = messages.pairs(log_norm)
        feasible = loss < torch.inf  # nan if there is no valid path at all
        ctx.layout, ctx.is_log = every, messages.is_log
        ctx.save_for_backward(difference, left, right, messages.scores.transition, path, feasible)
        return loss.masked_fill(~feasible, torch.inf)

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, grad_loss: Tensor) -> tuple[Tensor | None, ...]:
        """The gradients of forward's arguments, None for those that are no scores."""
        difference, left, right, transition, path, feasible = ctx.saved_tensors
        layout: Layout = ctx.layout  # of all chains
        n_chains, n_tags, _ = transition.shape
        weights = grad_loss.masked_fill(~feasible, 0.0)  # (chains * batch,)
        d_emissions, d_start, d_end = gradients_but_transitions(
            difference, weights, layout, n_chains
        )
        inner_weights = weights[layout.sequence[layout.inner]]  # (N - chains * batch,)
        pair_weights = inner_weights
        if path is None:  # the pairs of each chain's allowed paths follow those of all its paths
            by_chain = inner_weights.view(n_chains, len(inner_weights) // n_chains)
            pair_weights = torch.cat([by_chain, -by_chain], 1).flatten()
        d_transition = expected_transitions(
            left, right, transition, pair_weights, is_log=ctx.is_log
        )  # (chains, tags, tags)
        if path is not None:
            states = _states(path, n_chains, n_tags)  # (N,)
            used = states[layout.inner - 1] * n_tags + path[layout.inner]
            d_transition.view(-1).index_add_(0, used, inner_weights, alpha=-1)
        return d_emissions, d_start, d_transition, d_end, None, None


def _path_score(emissions: Tensor, scores: ChainScores, path: Tensor, layout: Layout) -> Tensor:
    """The score of one path (N,) in flat order for each sequence of all chains, (chains * batch,).

    layout (Layout): of all chains.
    """
    states = _states(path, *scores.start.shape)  # (N,)
    score = emissions.gather(1, path[:, None]).squeeze(1)
    score[layout.first] += scores.start.flatten()[states[layout.first]]
    score[layout.last] += scores.end.flatten()[states[layout.last]]
    transitions = scores.transition.flatten(0, 1)  # (chains * tags, tags)
    score[layout.inner] += transitions[states[layout.inner - 1], path[layout.inner]]
    return layout.sum(score)


def _states(path: Tensor, n_chains: int, n_tags: int) -> Tensor:
    """Tags counted through all chains, (N,)."""
    if n_chains == 1:
        return path
    first = torch.arange(n_chains, device=path.device) * n_tags
    return path + first.repeat_interleave(len(path) // n_chains)
