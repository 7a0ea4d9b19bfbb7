"""Several linear-chain CRFs over the same tokens, run together."""

from typing import Self

import torch
from torch import Tensor, nn

from ...tags import TagScheme
from .decoder import TagDecoder
from .forward_backward import forward_backward_of_chains
from .lattice import Lattice
from .layout import Layout
from .messages import (
    ChainScores,
    check_allowed,
    check_scores,
    checked_emissions,
    refuse_impossible,
)
from .path_loss import PathLoss
from .slot_tags import SlotTags
from .span_factors import SpanFactors
from .viterbi import viterbi_of_chains


class ParallelCRF(nn.Module):
    """Independent CRFs of as many tags each, with their own emissions and their own scores.

    Each gives what a `CRF` of its own would, but all of a batch are run in the same time steps,
    which cost little more for many sequences than for one.

    In all methods `emissions` are the scores of the tags of all chains, one chain after the other.
    *Shape:* (N, chains * tags). Otherwise they are as in `TagDecoder`.
    """

    def __init__(self, starts: Tensor, transitions: Tensor, ends: Tensor, *, n_chains: int) -> None:
        """Keep what the tags of each chain may do; see `TagDecoder`.

        n_chains (int): at least 1.
        RAISES (ValueError): shapes or types do not fit, or there are no chains.
        """
        super().__init__()
        if n_chains < 1:
            raise ValueError(f"there must be at least 1 chain, got {n_chains}")
        self.constraints = TagDecoder(starts, transitions, ends)
        self.n_chains = n_chains
        self.n_tags_each = self.constraints.n_tags
        self.n_tags = n_chains * self.n_tags_each
        self.start = nn.Parameter(torch.zeros(n_chains, self.n_tags_each))
        self.transition = nn.Parameter(torch.zeros(n_chains, self.n_tags_each, self.n_tags_each))
        self.end = nn.Parameter(torch.zeros(n_chains, self.n_tags_each))

    @classmethod
    def from_scheme(cls, scheme: TagScheme, *, n_chains: int) -> Self:
        """Chains of a tag scheme.

        scheme (TagScheme): each chain's tags, in its order, with what it says of their sequence.
        """
        masks = (scheme.starts, scheme.transitions, scheme.ends)
        return cls(*(torch.tensor(mask) for mask in masks), n_chains=n_chains)

    def loss(
        self,
        emissions: Tensor,
        layout: Layout,
        allowed: Tensor,
        *,
        spans: SpanFactors | None = None,
    ) -> Tensor:
        """Negative log-likelihood of each sequence's annotation in all chains together.

        RETURNS (Tensor): the sum of `chain_losses` over the chains. *Shape:* (batch,)
        RAISES (ValueError): as `chain_losses`.
        """
        return self.chain_losses(emissions, layout, allowed, spans=spans).sum(1)

    def chain_losses(
        self,
        emissions: Tensor,
        layout: Layout,
        allowed: Tensor,
        *,
        spans: SpanFactors | None = None,
    ) -> Tensor:
        """Negative log-likelihood of each sequence's annotation in each chain; see `CRF.loss`.

        allowed (Tensor): bool, tags that agree with the annotation. *Shape:* (N, chains * tags)
        spans (SpanFactors): of the sequences of all chains, those of one chain after the other: a
            chain's number times the batch, and a sequence's. The scheme is that of each chain.
        RETURNS (Tensor): fp64; +inf, without gradient, where the allowed tags contain no valid
            path. *Shape:* (batch, chains)
        RAISES (ValueError): arguments do not fit, or emissions are nan or +inf.
        """
        emissions = checked_emissions(emissions, layout, self.n_tags)
        check_allowed(allowed, emissions)
        by_chain, allowed = self._chain_after_chain(emissions), self._chain_after_chain(allowed)
        scores = self._scores()
        if spans is not None:
            tags = SlotTags(spans.scheme, spans.n_slots())
            every = layout.repeated(self.n_chains)
            by_chain, allowed = tags.targets(by_chain, allowed, every, spans)
            scores = tags.scores_of_chains(scores)
        loss: Tensor = PathLoss.apply(by_chain, *scores, allowed, layout)
        return loss.view(self.n_chains, len(layout.lengths)).T

    @torch.no_grad()
    def decode(self, emissions: Tensor, layout: Layout) -> Tensor:
        """The best valid path of each sequence in each chain; see `TagDecoder.decode`.

        RETURNS (Tensor): int64, each chain's own tag ids. *Shape:* (N, chains)
        RAISES (ValueError): as `TagDecoder.decode`.
        """
        emissions = checked_emissions(emissions, layout, self.n_tags)
        scores = self._checked_scores()
        tags, best = viterbi_of_chains(self._chain_after_chain(emissions), scores, layout)
        refuse_impossible((best.view(self.n_chains, -1) == -torch.inf).any(0))
        return tags.view(self.n_chains, layout.n_tokens).T

    @torch.no_grad()
    def lattices(
        self, emissions: Tensor, layout: Layout, *, temperature: float | Tensor = 1.0
    ) -> list[Lattice]:
        """Run forward-backward once over all chains, for probabilities under all valid paths.

        temperature (float | Tensor): what all scores are divided by, or each chain's.
            *Shape:* (chains,)
        RETURNS (list[Lattice]): each chain's; see `TagDecoder.lattice`.
        RAISES (ValueError): as `TagDecoder.lattice`.
        """
        emissions = checked_emissions(emissions, layout, self.n_tags)
        scores, divisors = self._checked_scores(), self._divisors(temperature)  # (chains,)
        by_chain = self._chain_after_chain(emissions)
        if bool((divisors != 1).any()):
            by_chain = by_chain / divisors.repeat_interleave(layout.n_tokens)[:, None]
            edge = divisors[:, None]  # (chains, 1)
            scores = ChainScores(
                scores.start / edge, scores.transition / edge[..., None], scores.end / edge
            )
            if not all(bool((part < torch.inf).all()) for part in (by_chain, *scores)):
                raise ValueError(f"temperature {temperature} is too small: scores overflow")
        messages = forward_backward_of_chains(by_chain, scores, layout)
        return [Lattice(messages.of_chain(i, layout)) for i in range(self.n_chains)]

    def _divisors(self, temperature: float | Tensor) -> Tensor:
        """(chains,) fp64."""
        given = torch.as_tensor(temperature, dtype=torch.float64, device=self.start.device)
        if not bool((torch.isfinite(given) & (given > 0)).all()):
            raise ValueError(f"temperature must be a finite number above 0, got {temperature}")
        return given.expand(self.n_chains)

    def _chain_after_chain(self, columns: Tensor) -> Tensor:
        """(N, chains * tags) -> (chains * N, tags)."""
        by_token = columns.view(len(columns), self.n_chains, self.n_tags_each)
        return by_token.transpose(0, 1).reshape(-1, self.n_tags_each)

    def _scores(self) -> ChainScores:
        """Start, transition and end scores of all chains, stacked; -inf where forbidden."""
        each = self.constraints
        masks = (each.start_mask, each.transition_mask, each.end_mask)
        return ChainScores.within(masks, (self.start, self.transition, self.end))

    def _checked_scores(self) -> ChainScores:
        scores = self._scores()
        check_scores(scores)
        return scores
