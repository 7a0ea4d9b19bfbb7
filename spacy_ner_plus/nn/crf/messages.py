"""Messages between tokens, which the forward-backward algorithm gives, and what they tell."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import NamedTuple

import torch
from torch import Tensor

from .layout import Layout


class ChainScores(NamedTuple):
    """Scores of a linear chain besides its emissions: fp64, -inf where forbidden.

    Those of several chains are *stacked*: all three have a dimension more, the first. What takes
    stacked scores takes flat arrays of one chain after the other, and the layout of one.
    """

    start: Tensor  # (tags,)
    transition: Tensor  # (tags, tags), from and to
    end: Tensor  # (tags,)

    @classmethod
    def within(cls, masks: Iterable[Tensor], scores: Iterable[Tensor]) -> "ChainScores":
        """Scores of any precision, and bool masks of what is permitted, both in this order."""
        pairs = zip(masks, scores, strict=True)
        return cls(*(score.double().masked_fill(~mask, -torch.inf) for mask, score in pairs))

    def stacked(self) -> "ChainScores":
        """Those of one chain as those of several."""
        return ChainScores(*(score.unsqueeze(0) for score in self))

    def of_chain(self, chain: int) -> "ChainScores":
        """One chain's of those that are stacked."""
        return ChainScores(*(score[chain] for score in self))


def refuse_impossible(impossible: Tensor) -> None:
    """Stop where there is nothing to choose from.

    impossible (Tensor): bool, the sequences without any valid path. *Shape:* (batch,)
    RAISES (ValueError): there are some.
    """
    rows = torch.nonzero(impossible).flatten().tolist()
    if rows:
        raise ValueError(f"no valid tag sequence exists for the sequences {rows}")


def check_allowed(allowed: Tensor, emissions: Tensor) -> None:
    """RAISES (ValueError): the allowed tags are no bools of the emissions' shape, (N, tags)."""
    if allowed.dtype != torch.bool or allowed.shape != emissions.shape:
        raise ValueError(
            f"allowed must be bool with shape {tuple(emissions.shape)}, "
            f"got {allowed.dtype} with shape {tuple(allowed.shape)}"
        )


def checked_emissions(emissions: Tensor, layout: Layout, n_tags: int) -> Tensor:
    """The emissions in fp64.

    RAISES (ValueError): they are not (N, tags) for the layout, or nan or +inf.
    """
    shape = (layout.n_tokens, n_tags)
    if emissions.shape != shape:
        raise ValueError(
            f"emissions must have shape (tokens, tags) = {shape}, got {tuple(emissions.shape)}; "
            "see `padded` of CRF for padded ones"
        )
    emissions = emissions.double()
    if not bool((emissions < torch.inf).all()):  # false for nan, too
        raise ValueError("emissions contain nan or +inf: the encoder's output is not finite")
    return emissions


def check_scores(scores: ChainScores) -> None:
    """RAISES (ValueError): one of them is no number: it would not show in a best path."""
    is_number = torch.stack([(part < torch.inf).all() for part in scores])  # false for nan, too
    if not bool(is_number.all()):
        raise ValueError(
            "start, transition or end scores contain nan or +inf: the decoder's weights are not "
            "finite"
        )


@dataclass(frozen=True)
class Messages:
    """Forward and backward messages of a batch, in the flat order of its `Layout`.

    All scores are relative to shifts that cancel in every probability; only `log_z` has them
    added back. A token's marginals are proportional to `alpha * beta`.

    Attributes:
        emissions (Tensor): log space, at most 0. *Shape:* (N, tags)
        scores (ChainScores): shifted start, transition and end scores, log space.
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
    scores: ChainScores
    alpha: Tensor
    beta: Tensor
    beta_emitted: Tensor
    alpha_scale: Tensor
    beta_scale: Tensor
    shift: Tensor
    is_log: bool

    def of_chain(self, chain: int, layout: Layout) -> "Messages":
        """One chain's messages of those of several, whose scores are stacked.

        layout (Layout): that of one chain.
        """
        tokens = slice(chain * layout.n_tokens, (chain + 1) * layout.n_tokens)
        batch = len(layout.lengths)
        return Messages(
            layout=layout,
            emissions=self.emissions[tokens],
            scores=self.scores.of_chain(chain),
            alpha=self.alpha[tokens],
            beta=self.beta[tokens],
            beta_emitted=self.beta_emitted[tokens],
            alpha_scale=self.alpha_scale[tokens],
            beta_scale=self.beta_scale[tokens],
            shift=self.shift[chain * batch : (chain + 1) * batch],
            is_log=self.is_log,
        )

    def marginals(self) -> tuple[Tensor, Tensor]:
        """The probability of each tag of each token, and its divisor.

        RETURNS (tuple[Tensor, Tensor]): the probability of each tag of each token (N, tags) and the
            log of the sum of `alpha * beta` that it was divided by (N,). A sequence without any
            path has zeros and -inf.
        """
        if self.is_log:
            joint = self.alpha + self.beta
            log_norm = torch.logsumexp(joint, -1)
            return (joint - finite(log_norm)[:, None]).exp(), log_norm
        joint = self.alpha * self.beta
        log_norm = joint.sum(-1).log()
        return joint / finite(log_norm).exp()[:, None], log_norm

    def log_z(self, log_norm: Tensor) -> Tensor:
        """The log of the sum over all paths of each sequence.

        log_norm (Tensor): from `marginals`. *Shape:* (N,)
        RETURNS (Tensor): log of the summed exp scores of all paths, -inf without any. (batch,)
        """
        return self.relative_log_z(log_norm) + self.shift

    def relative_log_z(self, log_norm: Tensor) -> Tensor:
        """As `log_z`, for the shifted scores.

        It is what to compare with sums of `emissions` and `scores`, without the rounding of a large
        shift.
        """
        return self.layout.sum(self.alpha_scale) + log_norm[self.layout.last]

    def steps(self, tokens: Tensor) -> Tensor:
        """What tokens send on, in log space.

        RETURNS (Tensor): log of what alpha of each token (flat positions) sends to each tag of the
            next token. *Shape:* (tokens, tags)
        """
        alpha, transition = self.alpha[tokens], self.scores.transition
        if self.is_log:
            return torch.logsumexp(alpha[:, :, None] + transition, 1)
        return (alpha @ transition.exp()).log()

    def step_probs(self, before: int, after: int) -> Tensor:
        """The probability that a tag follows another one, given that it is there.

        RETURNS (Tensor): P(the next token has the tag `after` | the token has the tag `before`), of
            each token but the last one of the flat order. *Shape:* (N - 1,)
        """
        score = self.scores.transition[before, after]
        following, rest = self.beta_emitted[1:, after], self.beta[:-1, before]
        if self.is_log:
            return (score + following - finite(rest)).exp()
        return score.exp() * following / rest.masked_fill(rest == 0, 1.0)

    def pairs(self, log_norm: Tensor) -> tuple[Tensor, Tensor]:
        """Factors of the pairwise marginals.

        left[n, i] * exp(transition[i, j]) * right[n, j] is the probability of tag i before and tag
        j on the n-th token that has a predecessor.

        log_norm (Tensor): from `marginals`. *Shape:* (N,)
        RETURNS (tuple[Tensor, Tensor]): left and right, logarithms when `is_log`.
            *Shape:* (N - batch, tags) each
        """
        inner = self.layout.inner
        left, right = self.alpha[inner - 1], self.beta_emitted[inner]
        log_norm = finite(log_norm)[inner - 1, None]
        return left, right - log_norm if self.is_log else right / log_norm.exp()


def gradients_but_transitions(
    difference: Tensor, weights: Tensor, layout: Layout, n_chains: int
) -> tuple[Tensor, Tensor, Tensor]:
    """The gradients of a loss that is a log Z less another one, or less an expected score.

    Of each score it is how much more often the first distribution uses it.

    difference (Tensor): of the two distributions' marginals. *Shape:* (N, tags)
    weights (Tensor): the gradient of each sequence's loss. *Shape:* (batch,)
    layout (Layout): of the sequences of all chains, one chain after the other.
    RETURNS (tuple[Tensor, Tensor, Tensor]): of the emissions (N, tags), and of the stacked start
        and end scores (chains, tags).
    """
    d_emissions = difference * weights[layout.sequence, None]  # (N, tags)
    shape = (n_chains, len(weights) // n_chains, difference.shape[1])
    d_start, d_end = (
        d_emissions[edge].view(shape).sum(1) for edge in (layout.first, layout.last)
    )  # (chains, tags) each
    return d_emissions, d_start, d_end


def expected_transitions(
    left: Tensor, right: Tensor, transition: Tensor, weights: Tensor, *, is_log: bool
) -> Tensor:
    """Weighted expected number of uses of each transition, without a (N, tags, tags) array.

    left, right (Tensor): from `Messages.pairs`, one chain after the other. *Shape:* (M, tags)
    transition (Tensor): the shifted log scores of the same messages, stacked.
        *Shape:* (chains, tags, tags)
    weights (Tensor): one factor for each pair. *Shape:* (M,)
    is_log (bool): left and right are logarithms.
    RETURNS (Tensor): *Shape:* (chains, tags, tags)
    """
    n_chains, n_tags, _ = transition.shape
    shape = (n_chains, len(weights) // n_chains, n_tags)
    right = right.view(shape)
    if not is_log:
        left = (left * weights[:, None]).view(shape)
        return left.transpose(1, 2) @ right * transition.exp()
    left, weights = left.view(shape), weights.view(n_chains, 1, shape[1])
    rows = [
        # (chains, 1, tags)
        weights @ (left[..., tag, None] + transition[:, tag].unsqueeze(1) + right).exp()
        for tag in range(n_tags)
    ]
    return torch.cat(rows, 1)


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


def finite(log_values: Tensor) -> Tensor:
    """-inf replaced by 0, to subtract or divide by where the other operand is -inf or 0 anyway."""
    return log_values.masked_fill(log_values == -torch.inf, 0.0)
