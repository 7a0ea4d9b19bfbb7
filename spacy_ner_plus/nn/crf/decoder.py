"""A tagger that knows which tag sequences the tag scheme permits, and never leaves them.

Everything is computed in fp64, whatever the emissions' precision, autocast or not (which leaves
fp64 alone).
"""

import math
from typing import Self

import torch
from torch import Tensor, nn

from ...tags import TagScheme
from .consistency import softmax_consistency
from .distillation import (
    PathDivergence,
    SoftTargets,
    check_targets,
    softmax_divergence,
    softmax_targets,
)
from .forward_backward import forward_backward
from .lattice import Lattice
from .layout import Layout
from .messages import (
    ChainScores,
    check_allowed,
    check_scores,
    checked_emissions,
    refuse_impossible,
)
from .padded import PaddedBatch
from .path_loss import PathLoss
from .slot_tags import SlotTags
from .span_factors import SpanFactors
from .span_lattice import SpanLattice
from .transfer import to_device
from .viterbi import viterbi


class TagDecoder(nn.Module):
    """Softmax tagger over valid sequences: transitions score 0 or are forbidden. No parameters.

    In all methods `emissions` are the scores of each token's tags, *Shape:* (N, tags), finite or
    -inf (tag impossible at this token): all tokens of a batch in the flat order of its `layout`,
    that is, the sequences one after the other. `padded` takes and gives padded tensors instead.
    Some take scores of whole spans, `spans` (SpanFactors), on top: see `span_factors`.
    """

    start_mask: Tensor
    transition_mask: Tensor
    end_mask: Tensor

    def __init__(self, starts: Tensor, transitions: Tensor, ends: Tensor) -> None:
        """Keep what the tags may do.

        starts (Tensor): bool, tags that may begin a sequence. *Shape:* (tags,)
        transitions (Tensor): bool, [from, to] that may follow each other. *Shape:* (tags, tags)
        ends (Tensor): bool, tags that may end a sequence. *Shape:* (tags,)
        RAISES (ValueError): shapes or types do not fit.
        """
        super().__init__()
        n_tags = len(starts)
        for name, mask, shape in (
            ("starts", starts, (n_tags,)),
            ("transitions", transitions, (n_tags, n_tags)),
            ("ends", ends, (n_tags,)),
        ):
            if mask.dtype != torch.bool or mask.shape != shape:
                raise ValueError(
                    f"{name} must be bool with shape {shape}, "
                    f"got {mask.dtype} with shape {tuple(mask.shape)}"
                )
        self.n_tags = n_tags
        # Derived from the tag scheme, so they are no part of the weights.
        self.register_buffer("start_mask", starts.clone(), persistent=False)
        self.register_buffer("transition_mask", transitions.clone(), persistent=False)
        self.register_buffer("end_mask", ends.clone(), persistent=False)

    @classmethod
    def from_scheme(cls, scheme: TagScheme) -> Self:
        """A decoder of a tag scheme.

        scheme (TagScheme): its tags, in its order, with what it says of their sequence.
        """
        masks = (scheme.starts, scheme.transitions, scheme.ends)
        return cls(*(torch.tensor(mask) for mask in masks))

    @classmethod
    def unconstrained(cls, n_tags: int) -> Self:
        """n_tags (int): tags that may follow each other in any order."""
        every = torch.ones(n_tags, dtype=torch.bool)
        return cls(every, every.expand(n_tags, n_tags), every)

    def padded(self, emissions: Tensor, mask: Tensor | None = None) -> PaddedBatch:
        """For those who have padded tensors: losses, best paths and probabilities of a batch.

        emissions (Tensor): padding may hold anything, even nan. *Shape:* (batch, time, tags)
        mask (Tensor | None): true or 1 where there is a token; None if there is no padding.
            *Shape:* (batch, time)
        RETURNS (PaddedBatch)
        RAISES (ValueError): shapes do not fit, or a sequence has no token.
        """
        return PaddedBatch(self, emissions, mask)

    def loss(
        self,
        emissions: Tensor,
        layout: Layout,
        allowed: Tensor,
        *,
        spans: SpanFactors | None = None,
    ) -> Tensor:
        """Cross-entropy of each sequence.

        It is the sum over its tokens of logsumexp(all tags) - logsumexp(allowed tags). With scores
        of spans or rejected ones, which no token has, it is the negative log-likelihood among the
        valid paths, as that of a CRF.

        allowed (Tensor): bool, tags that agree with the annotation: one where it is complete, all
            where it is missing. *Shape:* (N, tags)
        RETURNS (Tensor): fp64; +inf, without gradient, for a sequence with a token that no tag is
            allowed for. *Shape:* (batch,)
        RAISES (ValueError): arguments do not fit, or emissions are nan or +inf.
        """
        emissions = self._check(emissions, layout)
        check_allowed(allowed, emissions)
        if spans is not None:
            return self._loss_with_spans(emissions, layout, allowed, spans)
        possible = (allowed & (emissions > -torch.inf)).any(-1)  # (N,)
        lengths = to_device(layout.lengths.numpy(), layout.device)  # (batch,)
        feasible = layout.sum(possible.long()) == lengths  # (batch,)
        # Sequences that cannot be satisfied are replaced by ones without information: no nan.
        unknown = ~feasible[layout.sequence, None]  # (N, 1)
        emissions = emissions.masked_fill(unknown, 0.0)
        allowed = allowed | unknown
        log_allowed = torch.logsumexp(emissions.masked_fill(~allowed, -torch.inf), -1)  # (N,)
        loss = layout.sum(torch.logsumexp(emissions, -1) - log_allowed)  # (batch,)
        return loss.masked_fill(~feasible, torch.inf)

    def _loss_with_spans(
        self, emissions: Tensor, layout: Layout, allowed: Tensor, spans: SpanFactors
    ) -> Tensor:
        """Log Z(valid paths) - log Z(those of allowed tags and no rejected span), fp64 (batch,)."""
        tags = SlotTags(spans.scheme, spans.n_slots())
        every, permitted = tags.targets(emissions, allowed, layout, spans)  # (N, n_all) each
        scores = tags.scores(self._scores()).stacked()
        loss: Tensor = PathLoss.apply(every, *scores, permitted, layout)
        return loss

    @torch.no_grad()
    def decode(
        self, emissions: Tensor, layout: Layout, *, spans: SpanFactors | None = None
    ) -> Tensor:
        """The best valid path of each sequence. Of equally good tags the lowest id wins.

        With scores of spans that rule is kept but for paths that differ in where a span began.

        RETURNS (Tensor): int64 tag ids. *Shape:* (N,)
        RAISES (ValueError): arguments do not fit, emissions or the decoder's own scores are nan or
            +inf, or the emissions' -inf leave a sequence without any valid path.
        """
        emissions = self._check(emissions, layout)
        scores = self._checked_scores()
        if spans is None:
            tags, best = viterbi(emissions, scores, layout)  # (N,), (batch,)
        else:
            slot_tags = SlotTags(spans.scheme, spans.n_slots())
            every, _ = slot_tags.emissions(emissions, layout, spans)  # (N, n_all)
            tags, best = viterbi(every, slot_tags.scores(scores), layout)
            tags = to_device(slot_tags.base, tags.device)[tags]
        refuse_impossible(best == -torch.inf)
        return tags

    @torch.no_grad()
    def lattice(
        self,
        emissions: Tensor,
        layout: Layout,
        *,
        temperature: float = 1.0,
        spans: SpanFactors | None = None,
    ) -> Lattice:
        """Run forward-backward once, for probabilities under all valid paths.

        temperature (float): what all scores, the learned ones and those of spans too, are divided
            by: the probabilities are those of whole sequences to the power of its inverse,
            normalised (Guo et al. 2017, "On Calibration of Modern Neural Networks", for a linear
            chain).
        RETURNS (Lattice): log Z, marginals, span probabilities, entropies and best paths.
        RAISES (ValueError): arguments do not fit, emissions or the decoder's own scores are nan or
            +inf, or the temperature is not a finite number above 0, or so small that scores
            overflow.
        """
        check_temperature(temperature)
        emissions = self._check(emissions, layout)
        scores = self._checked_scores()
        if temperature != 1:
            emissions = emissions / temperature
            scores = ChainScores(*(score / temperature for score in scores))
            spans = None if spans is None else spans.divided(temperature)
            parts = (emissions, *scores) if spans is None else (emissions, *scores, spans.scores)
            if not all(bool((part < torch.inf).all()) for part in parts):
                raise ValueError(f"temperature {temperature} is too small: scores overflow")
        if spans is None:
            return Lattice(forward_backward(emissions, scores, layout))
        tags = SlotTags(spans.scheme, spans.n_slots())
        every, _ = tags.emissions(emissions, layout, spans)  # (N, n_all)
        messages = forward_backward(every, tags.scores(scores), layout)
        return SpanLattice(messages, tags, spans.groups)

    @torch.no_grad()
    def chain_scores(self) -> ChainScores:
        """Start, transition and end scores: fp64, -inf where the scheme forbids it.

        RAISES (ValueError): one of them is nan or +inf.
        """
        return self._checked_scores()

    @torch.no_grad()
    def soft_targets(self, emissions: Tensor, layout: Layout) -> SoftTargets:
        """The decoder's own distribution, for a student to keep.

        It is over each token's tags here, over whole tag sequences for the CRF; that is, the
        distribution that `loss` trains.

        RAISES (ValueError): arguments do not fit, emissions or the decoder's own scores are nan or
            +inf, or the emissions' -inf leave a sequence without any valid path.
        """
        return self._soft_targets(self._check(emissions, layout), layout)

    def distillation_loss(
        self,
        emissions: Tensor,
        layout: Layout,
        targets: SoftTargets,
        tags: Tensor,
        *,
        temperature: float = 1.0,
    ) -> Tensor:
        """How far this decoder is from a teacher.

        It is the Kullback-Leibler divergence KL(teacher || student) of each sequence, in nats, with
        this decoder's distribution taken conditional on the teacher's tags. What it learns about
        further tags is left alone.

        Where targets are about whole tag sequences, it is the exact divergence of the distributions
        over the valid ones, else the sum over the tokens.

        targets (SoftTargets): for the same lengths. A CRF learns from those of sequences alone.
        tags (Tensor): int64, this decoder's id of each of the teacher's tags, all different.
            *Shape:* (teacher's tags,)
        temperature (float): what this decoder's scores, the learned ones too, are divided by; those
            of the teacher were before.
        RETURNS (Tensor): fp64, at least 0, and 0 for equal distributions; +inf, without gradient,
            where the teacher believes in what is impossible here. *Shape:* (batch,)
        RAISES (ValueError): arguments do not fit, or emissions are nan or +inf.
        """
        check_temperature(temperature)
        emissions = self._check(emissions, layout)
        check_targets(targets, tags, self.n_tags, layout)
        tags = tags.to(emissions.device)
        known = emissions.index_select(1, tags) / temperature  # (N, teacher's tags)
        if targets.transitions is None:
            return self._token_divergence(known, targets, layout)
        start, transition, end = (score / temperature for score in self._scores())
        scores = (start[tags], transition[tags[:, None], tags], end[tags])
        loss: Tensor = PathDivergence.apply(known, *scores, targets, layout)
        return loss

    def consistency_loss(self, emissions: Tensor, layout: Layout) -> Tensor:
        """How far two passes over the same tokens are apart: see `consistency`.

        It is (KL(p || q) + KL(q || p)) / 2 of each sequence, in nats, where p and q are the
        distributions that `loss` trains: over each token's tags here, over whole tag sequences for
        the CRF. The gradient goes through both.

        emissions (Tensor): of one pass, and then of the other. *Shape:* (2 N, tags)
        layout (Layout): of one pass.
        RETURNS (Tensor): fp64, at least 0, and 0 for equal distributions; +inf, without gradient,
            where something is possible for one of them alone. *Shape:* (batch,)
        RAISES (ValueError): arguments do not fit, or emissions are nan or +inf.
        """
        return self._consistency(self._check(emissions, layout.repeated(2)), layout)

    def _soft_targets(self, emissions: Tensor, layout: Layout) -> SoftTargets:
        return softmax_targets(emissions, layout)

    def _token_divergence(self, known: Tensor, targets: SoftTargets, layout: Layout) -> Tensor:
        """The divergence of each sequence's tokens, once arguments are known to fit.

        known (Tensor): emissions of the teacher's tags. *Shape:* (N, teacher's tags)
        """
        return softmax_divergence(known, targets, layout)

    def _consistency(self, emissions: Tensor, layout: Layout) -> Tensor:
        first, second = emissions.chunk(2)  # (N, tags) each
        return softmax_consistency(first, second, layout)

    def _scores(self) -> ChainScores:
        """Start, transition and end scores: fp64, -inf where the scheme forbids it."""
        masks = (self.start_mask, self.transition_mask, self.end_mask)
        zeros = (torch.zeros_like(mask, dtype=torch.float64) for mask in masks)
        return ChainScores.within(masks, zeros)

    def _checked_scores(self) -> ChainScores:
        """The scores, for results that would hide it if one of them were no number."""
        scores = self._scores()
        check_scores(scores)
        return scores

    def _check(self, emissions: Tensor, layout: Layout) -> Tensor:
        return checked_emissions(emissions, layout, self.n_tags)


def check_temperature(temperature: float) -> None:
    """RAISES (ValueError): it is not a finite number above 0."""
    if not (math.isfinite(temperature) and temperature > 0):
        raise ValueError(f"temperature must be a finite number above 0, got {temperature}")
