"""Knowledge distillation: what a teacher believes, and how far a student is from it.

Hinton, Vinyals and Dean (2015), "Distilling the Knowledge in a Neural Network"; between whole tag
sequences, exactly: Wang et al. (2020), "Structure-Level Knowledge Distillation For Multilingual
Sequence Labeling". There the teacher's paths are sampled or its marginals are used alone; here
the divergence is exact, since the expected score of a linear chain only needs the expected number
of uses of each of its scores.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor
from torch.autograd.function import once_differentiable

from .forward_backward import forward_backward
from .lattice import Lattice
from .layout import Layout
from .messages import (
    ChainScores,
    expected_transitions,
    gradients_but_transitions,
    refuse_impossible,
)


@dataclass(frozen=True)
class SoftTargets:
    """A teacher's distribution over the tags or tag sequences of a batch. All fp64.

    lengths (Tensor): int64 on the CPU. *Shape:* (batch,)
    marginals (Tensor): P(tag of a token). *Shape:* (N, tags) in flat order
    transitions (Tensor | None): expected number of uses of each transition [from, to] in each
        sequence; None if the tokens' tags are independent. *Shape:* (batch, tags, tags)
    entropy (Tensor): of each sequence's distribution, in nats. *Shape:* (batch,)
    """

    lengths: Tensor
    marginals: Tensor
    transitions: Tensor | None
    entropy: Tensor


def softmax_targets(emissions: Tensor, layout: Layout) -> SoftTargets:
    """The distribution over each token's tags, for a student to keep.

    emissions (Tensor): fp64. *Shape:* (N, tags)
    RAISES (ValueError): a token has no possible tag.
    """
    possible = (emissions > -torch.inf).any(-1)
    refuse_impossible(layout.sum((~possible).long()) > 0)
    probabilities = torch.softmax(emissions, -1)
    return SoftTargets(
        lengths=layout.lengths,
        marginals=probabilities,
        transitions=None,
        entropy=layout.sum(torch.special.entr(probabilities).sum(-1)),
    )


def path_targets(lattice: Lattice, layout: Layout) -> SoftTargets:
    """RAISES (ValueError): a sequence has no valid path."""
    refuse_impossible(lattice.log_z == -torch.inf)
    return SoftTargets(
        lengths=layout.lengths,
        marginals=lattice.marginals(),
        transitions=lattice.transitions(),
        entropy=lattice.entropy(),
    )


@torch.no_grad()
def chain_targets(emissions: Tensor, scores: ChainScores, layout: Layout) -> SoftTargets:
    """What a linear chain believes about whole tag sequences.

    emissions (Tensor): fp64, finite or -inf. *Shape:* (N, tags)
    scores (ChainScores): Start, transition and end scores, -inf where forbidden.
    RAISES (ValueError): a sequence has no valid path.
    """
    return path_targets(Lattice(forward_backward(emissions, scores, layout)), layout)


def mean_targets(targets: Sequence[SoftTargets]) -> SoftTargets:
    """What a student of several teachers learns, each of them of the same weight.

    The divergence from these targets is the mean of those from each teacher's, exactly, and so is
    its gradient: log Z of the student is in each, and all else is linear in what is averaged.

    targets (Sequence[SoftTargets]): Of the same batch and tags, all with transitions; at least one.
    """
    transitions = [one.transitions for one in targets if one.transitions is not None]
    return SoftTargets(
        lengths=targets[0].lengths,
        marginals=torch.stack([one.marginals for one in targets]).mean(0),  # (N, tags)
        transitions=torch.stack(transitions).mean(0),  # (batch, tags, tags)
        entropy=torch.stack([one.entropy for one in targets]).mean(0),  # (batch,)
    )


def merged_targets(targets: SoftTargets, tags: Tensor, n_tags: int) -> SoftTargets:
    """The same distribution over sequences of coarser tags.

    It is the same if no two of a teacher's paths become one path: then the expected score of a
    student's path takes nothing but these sums, and the entropy is as it was.

    targets (SoftTargets): With transitions.
    tags (Tensor): int64, what each of the teacher's tags becomes. *Shape:* (teacher's tags,)
    n_tags (int): How many there are then.
    """
    assert targets.transitions is not None
    rows, batch = len(targets.marginals), len(targets.entropy)
    marginals = targets.marginals.new_zeros(rows, n_tags)
    marginals.index_add_(1, tags, targets.marginals)
    to = targets.transitions.new_zeros(batch, len(tags), n_tags)
    to.index_add_(2, tags, targets.transitions)  # (batch, teacher's tags, tags)
    transitions = to.new_zeros(batch, n_tags, n_tags).index_add_(1, tags, to)
    return SoftTargets(targets.lengths, marginals, transitions, targets.entropy)


def check_targets(targets: SoftTargets, tags: Tensor, n_tags: int, layout: Layout) -> None:
    """Check that a teacher's targets fit a batch and a student's tags.

    tags (Tensor): the student's id of each of the teacher's tags.
    n_tags (int): number of the student's tags.
    RAISES (ValueError): the targets are not those of this batch, or the tags are not distinct ids
        of the student, one for each tag of the teacher.
    """
    if not torch.equal(targets.lengths, layout.lengths):
        raise ValueError(
            f"soft targets are for sequences of {targets.lengths.tolist()} tokens, "
            f"got {layout.lengths.tolist()}"
        )
    shape = (layout.n_tokens, len(tags))
    if targets.marginals.shape != shape:
        raise ValueError(
            f"soft targets must have shape (tokens, teacher's tags) = {shape}, "
            f"got {tuple(targets.marginals.shape)}"
        )
    ids = tags.tolist()
    if tags.dtype != torch.int64 or len(set(ids)) != len(ids) or not set(ids) <= set(range(n_tags)):
        raise ValueError(
            f"tags must be distinct int64 ids from 0 to {n_tags - 1}, got {tags.dtype} {ids}"
        )


def softmax_divergence(emissions: Tensor, targets: SoftTargets, layout: Layout) -> Tensor:
    """The sum over each sequence's tokens of the divergence KL(teacher || student) of their tags.

    emissions (Tensor): the student's scores of the teacher's tags. *Shape:* (N, tags)
    RETURNS (Tensor): fp64, at least 0; +inf, without gradient, where the teacher believes in a tag
        that is impossible for the student. *Shape:* (batch,)
    """
    teacher = targets.marginals.to(layout.device)  # (N, tags)
    impossible = ((teacher > 0) & (emissions == -torch.inf)).any(-1)  # (N,)
    feasible = layout.sum(impossible.long()) == 0  # (batch,)
    # Sequences that cannot be matched are replaced by ones without information: no nan.
    emissions = emissions.masked_fill(~feasible[layout.sequence, None], 0.0)
    log_probs = torch.log_softmax(emissions, -1).masked_fill(teacher == 0, 0.0)  # no 0 * -inf
    loss = -layout.sum((teacher * log_probs).sum(-1)) - targets.entropy.to(layout.device)
    return loss.clamp_min(0.0).masked_fill(~feasible, torch.inf)


class PathDivergence(torch.autograd.Function):
    """KL(teacher || student) of the distributions over whole tag sequences.

    It is log Z of the student - the teacher's expectation of the student's score - the teacher's
    entropy.

    Its gradient is the difference of the expected numbers of uses of each score, so that plain
    autograd with its (N, tags, tags) intermediates is not needed.
    """

    @staticmethod
    def forward(
        ctx: Any,
        emissions: Tensor,
        start: Tensor,
        transition: Tensor,
        end: Tensor,
        targets: SoftTargets,
        layout: Layout,
    ) -> Tensor:
        """The divergence of each sequence, (batch,); +inf where it can't be matched."""
        teacher = targets.marginals.to(layout.device)  # (N, tags)
        assert targets.transitions is not None
        transitions = targets.transitions.to(layout.device)  # (batch, tags, tags)
        messages = forward_backward(emissions, ChainScores(start, transition, end), layout)
        marginals, log_norm = messages.marginals()  # (N, tags), (N,)
        # The shifts of the messages' scores cancel in the difference.
        scores = messages.scores
        expected = (
            layout.sum(_expectation(teacher, messages.emissions))
            + _expectation(teacher[layout.first], scores.start)
            + _expectation(teacher[layout.last], scores.end)
            + _expectation(transitions, scores.transition).sum(-1)
        )
        loss = messages.relative_log_z(log_norm) - expected - targets.entropy.to(layout.device)
        left, right = messages.pairs(log_norm)
        feasible = loss < torch.inf  # nan if the student has no valid path at all
        ctx.layout, ctx.is_log = layout, messages.is_log
        ctx.save_for_backward(
            marginals - teacher, left, right, scores.transition, transitions, feasible
        )
        return loss.clamp_min(0.0).masked_fill(~feasible, torch.inf)

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, grad_loss: Tensor) -> tuple[Tensor | None, ...]:
        """The gradients of forward's arguments, None for those that are no tensors."""
        difference, left, right, transition, transitions, feasible = ctx.saved_tensors
        layout: Layout = ctx.layout
        weights = grad_loss.masked_fill(~feasible, 0.0)  # (batch,)
        d_emissions, *d_edges = gradients_but_transitions(difference, weights, layout, 1)
        d_start, d_end = (d_edge.squeeze(0) for d_edge in d_edges)  # (tags,) each
        pair_weights = weights[layout.sequence[layout.inner]]  # (N - batch,)
        d_transition = expected_transitions(
            left, right, transition.unsqueeze(0), pair_weights, is_log=ctx.is_log
        ).squeeze(0)  # (tags, tags)
        d_transition -= torch.tensordot(weights, transitions, 1)
        return d_emissions, d_start, d_transition, d_end, None, None


def _expectation(probability: Tensor, score: Tensor) -> Tensor:
    """The sum of probability * score over the last dimension.

    The impossible does not count, and something possible that scores -inf gives -inf.
    """
    return torch.where(probability > 0, probability * score, 0.0).sum(-1)
