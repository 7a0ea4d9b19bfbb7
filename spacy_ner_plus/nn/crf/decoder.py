"""Linear-chain conditional random field, and its counterpart without learned transitions.

Lafferty, McCallum and Pereira (2001), "Conditional Random Fields". Both know which tag sequences
the tag scheme permits and never leave them. Everything is computed in fp64, whatever the
emissions' precision, autocast or not (which leaves fp64 alone).

The loss with missing annotation is that of Tsuboi et al. (2008), "Training Conditional Random
Fields Using Incomplete Annotations": the paths that agree with what is known are summed.
"""

import math
from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor, nn

from .distillation import (
    PathDivergence,
    SoftTargets,
    check_targets,
    path_targets,
    softmax_divergence,
    softmax_targets,
)
from .lattice import Lattice
from .layout import Layout
from .messages import ChainScores
from .path_loss import PathLoss
from .viterbi import viterbi


class TagDecoder(nn.Module):
    """Softmax tagger over valid sequences: transitions score 0 or are forbidden. No parameters.

    In all methods `emissions` are right-padded scores of each token's tags, *Shape:*
    (batch, time, tags), finite or -inf (tag impossible at this token); `lengths` are host
    integers from 1 to time, *Shape:* (batch,). Padding may hold anything, even nan.
    """

    start_mask: Tensor
    transition_mask: Tensor
    end_mask: Tensor

    def __init__(self, starts: Tensor, transitions: Tensor, ends: Tensor) -> None:
        """starts (Tensor): bool, tags that may begin a sequence. *Shape:* (tags,)
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

    def loss(self, emissions: Tensor, lengths: Sequence[int] | Tensor, allowed: Tensor) -> Tensor:
        """Cross-entropy of each sequence: the sum over its tokens of
        logsumexp(all tags) - logsumexp(allowed tags).

        allowed (Tensor): bool, tags that agree with the annotation: one where it is complete, all
            where it is missing. *Shape:* (batch, time, tags)
        RETURNS (Tensor): fp64; +inf, without gradient, for a sequence with a token that no tag is
            allowed for. *Shape:* (batch,)
        RAISES (ValueError): arguments do not fit, or emissions are nan or +inf.
        """
        flat, layout = self._flatten(emissions, lengths)
        allowed = _flatten_allowed(allowed, emissions, layout)
        possible = (allowed & (flat > -torch.inf)).any(-1)  # (N,)
        feasible = layout.sum(possible.long()) == layout.lengths.to(layout.device)  # (batch,)
        # Sequences that cannot be satisfied are replaced by ones without information: no nan.
        unknown = ~feasible[layout.sequence, None]  # (N, 1)
        flat = flat.masked_fill(unknown, 0.0)
        allowed = allowed | unknown
        log_allowed = torch.logsumexp(flat.masked_fill(~allowed, -torch.inf), -1)
        loss = layout.sum(torch.logsumexp(flat, -1) - log_allowed)
        return loss.masked_fill(~feasible, torch.inf)

    @torch.no_grad()
    def decode(self, emissions: Tensor, lengths: Sequence[int] | Tensor) -> Tensor:
        """The best valid path of each sequence. Of equally good tags the lowest id wins.

        RETURNS (Tensor): int64 tag ids, 0 on padding. *Shape:* (batch, time)
        RAISES (ValueError): arguments do not fit, emissions are nan or +inf, or their -inf leave
            a sequence without any valid path.
        """
        flat, layout = self._flatten(emissions, lengths)
        tags, best = viterbi(flat, self._scores(), layout)
        impossible = torch.nonzero(best == -torch.inf).flatten().tolist()
        if impossible:
            raise ValueError(f"no valid tag sequence exists for the sequences {impossible}")
        return layout.pad(tags)

    @torch.no_grad()
    def lattice(
        self,
        emissions: Tensor,
        lengths: Sequence[int] | Tensor,
        *,
        temperature: float = 1.0,
    ) -> Lattice:
        """Run forward-backward once, for probabilities under all valid paths.

        temperature (float): what all scores, the learned ones too, are divided by: the
            probabilities are those of whole sequences to the power of its inverse, normalised
            (Guo et al. 2017, "On Calibration of Modern Neural Networks", for a linear chain).
        RETURNS (Lattice): log Z, marginals, span probabilities, entropies and best paths.
        RAISES (ValueError): arguments do not fit, emissions are nan or +inf, or the temperature
            is not a finite number above 0, or so small that scores overflow.
        """
        if not (math.isfinite(temperature) and temperature > 0):
            raise ValueError(f"temperature must be a finite number above 0, got {temperature}")
        flat, layout = self._flatten(emissions, lengths)
        scores = self._scores()
        if temperature != 1:
            flat = flat / temperature
            scores = ChainScores(*(score / temperature for score in scores))
            if not all(bool((part < torch.inf).all()) for part in (flat, *scores)):
                raise ValueError(f"temperature {temperature} is too small: scores overflow")
        return Lattice(flat, scores, layout)

    @torch.no_grad()
    def soft_targets(self, emissions: Tensor, lengths: Sequence[int] | Tensor) -> SoftTargets:
        """This decoder's own distribution, for a student to keep: over each token's tags here,
        over whole tag sequences for the CRF; that is, the distribution that `loss` trains.

        RAISES (ValueError): arguments do not fit, emissions are nan or +inf, or their -inf leave
            a sequence without any valid path.
        """
        return self._soft_targets(*self._flatten(emissions, lengths))

    def distillation_loss(
        self,
        emissions: Tensor,
        lengths: Sequence[int] | Tensor,
        targets: SoftTargets,
        tags: Tensor,
    ) -> Tensor:
        """How far this decoder is from a teacher: the Kullback-Leibler divergence KL(teacher ||
        student) of each sequence, in nats, with this decoder's distribution taken conditional on
        the teacher's tags. What it learns about further tags is left alone.

        For the CRF it is the exact divergence of the distributions over whole tag sequences, else
        the sum over the tokens.

        targets (SoftTargets): from a teacher of the same type, for the same lengths.
        tags (Tensor): int64, this decoder's id of each of the teacher's tags, all different.
            *Shape:* (teacher's tags,)
        RETURNS (Tensor): fp64, at least 0, and 0 for equal distributions; +inf, without gradient,
            where the teacher believes in what is impossible here. *Shape:* (batch,)
        RAISES (ValueError): arguments do not fit, or emissions are nan or +inf.
        """
        flat, layout = self._flatten(emissions, lengths)
        check_targets(targets, tags, self.n_tags, layout)
        tags = tags.to(flat.device)
        return self._divergence(flat.index_select(1, tags), tags, targets, layout)

    def _soft_targets(self, flat: Tensor, layout: Layout) -> SoftTargets:
        return softmax_targets(flat, layout)

    def _divergence(
        self, flat: Tensor, tags: Tensor, targets: SoftTargets, layout: Layout
    ) -> Tensor:
        """flat (Tensor): emissions of the teacher's tags. *Shape:* (N, teacher's tags)"""
        if targets.transitions is not None:
            raise ValueError("soft targets of a CRF cannot teach a decoder without transitions")
        return softmax_divergence(flat, targets, layout)

    def _scores(self) -> ChainScores:
        """Start, transition and end scores: fp64, -inf where the scheme forbids it."""
        masks = (self.start_mask, self.transition_mask, self.end_mask)
        zeros = (torch.zeros_like(mask, dtype=torch.float64) for mask in masks)
        return _forbid(masks, zeros)

    def _flatten(self, emissions: Tensor, lengths: Sequence[int] | Tensor) -> tuple[Tensor, Layout]:
        """Checked fp64 emissions without padding (N, tags), and their layout."""
        if emissions.dim() != 3 or emissions.shape[-1] != self.n_tags:
            raise ValueError(
                f"emissions must have shape (batch, time, {self.n_tags}), "
                f"got {tuple(emissions.shape)}"
            )
        if len(lengths) != len(emissions):
            raise ValueError(f"got {len(lengths)} lengths for {len(emissions)} sequences")
        layout = Layout(lengths, emissions.shape[1], emissions.device)
        flat = layout.flatten(emissions).double()
        if not bool((flat < torch.inf).all()):  # false for nan, too
            raise ValueError("emissions contain nan or +inf: the encoder's output is not finite")
        return flat, layout


class CRF(TagDecoder):
    """Linear-chain CRF: learned start, transition and end scores on top of the constraints."""

    def __init__(self, starts: Tensor, transitions: Tensor, ends: Tensor) -> None:
        super().__init__(starts, transitions, ends)
        self.start = nn.Parameter(torch.zeros(self.n_tags))
        self.transition = nn.Parameter(torch.zeros(self.n_tags, self.n_tags))
        self.end = nn.Parameter(torch.zeros(self.n_tags))

    def loss(self, emissions: Tensor, lengths: Sequence[int] | Tensor, allowed: Tensor) -> Tensor:
        """Negative log-likelihood of each sequence's annotation:
        log Z(valid paths) - log Z(valid paths of allowed tags).

        allowed (Tensor): bool, tags that agree with the annotation: one where it is complete, all
            where it is missing. *Shape:* (batch, time, tags)
        RETURNS (Tensor): fp64; +inf, without gradient, for a sequence whose allowed tags contain
            no valid path. *Shape:* (batch,)
        RAISES (ValueError): arguments do not fit, or emissions are nan or +inf.
        """
        flat, layout = self._flatten(emissions, lengths)
        allowed = _flatten_allowed(allowed, emissions, layout)
        loss: Tensor = PathLoss.apply(flat, *self._scores(), allowed, layout)
        return loss

    def _soft_targets(self, flat: Tensor, layout: Layout) -> SoftTargets:
        return path_targets(Lattice(flat, self._scores(), layout), layout)

    def _divergence(
        self, flat: Tensor, tags: Tensor, targets: SoftTargets, layout: Layout
    ) -> Tensor:
        if targets.transitions is None:
            raise ValueError("soft targets of a decoder without transitions cannot teach a CRF")
        start, transition, end = self._scores()
        scores = (start[tags], transition[tags[:, None], tags], end[tags])
        loss: Tensor = PathDivergence.apply(flat, *scores, targets, layout)
        return loss

    def _scores(self) -> ChainScores:
        masks = (self.start_mask, self.transition_mask, self.end_mask)
        return _forbid(masks, (self.start, self.transition, self.end))


def _forbid(masks: Sequence[Tensor], scores: Any) -> ChainScores:
    return ChainScores(
        *(
            score.double().masked_fill(~mask, -torch.inf)
            for mask, score in zip(masks, scores, strict=True)
        )
    )


def _flatten_allowed(allowed: Tensor, emissions: Tensor, layout: Layout) -> Tensor:
    if allowed.dtype != torch.bool or allowed.shape != emissions.shape:
        raise ValueError(
            f"allowed must be bool with shape {tuple(emissions.shape)}, "
            f"got {allowed.dtype} with shape {tuple(allowed.shape)}"
        )
    return layout.flatten(allowed)
