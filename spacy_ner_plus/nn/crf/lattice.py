"""Probabilities of tags and spans under a linear chain."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import torch
from torch import Tensor

from .entropy import path_entropy
from .forward_backward import forward_backward
from .k_best import k_best
from .layout import Layout
from .messages import (
    ChainScores,
    Messages,
    check_allowed,
    expected_transitions_by_sequence,
    finite,
)
from .transfer import to_device_together

# Inner emissions this far below their token's best make a span impossible (-inf): in a running
# sum they would swallow the digits of everything after them.
_IMPOSSIBLE = -1e8


@dataclass(frozen=True)
class SpanTags:
    """The tag ids of each span's label: int64 tensors (n_spans,).

    first, inside, last (Tensor): tags of a span of two or more tokens.
    unit (Tensor): tag of a span of one token.
    """

    first: Tensor
    inside: Tensor
    last: Tensor
    unit: Tensor


@dataclass(frozen=True)
class Segments:
    """Segments of sequences, cut out.

    layout (Layout): a sequence for each segment.
    emissions (Tensor): their own. *Shape:* (N, tags)
    before (Tensor): log of all that comes before, for each first tag. *Shape:* (segments, tags)
    after (Tensor): log of all that comes after, for each last tag. *Shape:* (segments, tags)
    """

    layout: Layout
    emissions: Tensor
    before: Tensor
    after: Tensor


class Lattice:
    """All tag sequences of a batch with their probabilities, after one forward-backward run.

    Attributes:
        layout (Layout): the batch's index arrays.
        log_z (Tensor): log of the sum of the exp scores of all valid paths, fp64; -inf if a
            sequence has none. *Shape:* (batch,)
    """

    @torch.no_grad()
    def __init__(self, messages: Messages) -> None:
        """Keep what was run.

        messages (Messages): of a batch, from `forward_backward`.
        """
        self.layout = messages.layout
        self._messages = messages
        self._marginals, self._log_norm = self._messages.marginals()
        self.log_z = self._messages.log_z(self._log_norm)

    def marginals(self) -> Tensor:
        """The probability of each tag of each token.

        RETURNS (Tensor): P(tag of a token), fp64; rows sum to 1, but those of sequences without any
            valid path are 0. *Shape:* (N, tags) in flat order
        """
        return self._marginals

    def entropy(self) -> Tensor:
        """How undecided the distribution over each sequence's tag sequences is.

        RETURNS (Tensor): Shannon entropy of the distribution over a sequence's whole valid tag
            sequences, fp64, in nats, at least 0; 0 without any valid path. *Shape:* (batch,)
        """
        return path_entropy(self._messages, self._marginals)

    def step_probs(self, before: int, after: int) -> Tensor:
        """See `Messages.step_probs`: the tags of a sequence are a Markov chain."""
        return self._messages.step_probs(before, after)

    def transitions(self) -> Tensor:
        """How often each sequence is expected to use each transition.

        RETURNS (Tensor): the expected number of uses of each transition [from, to] in each
            sequence, fp64. *Shape:* (batch, tags, tags)
        """
        return expected_transitions_by_sequence(self._messages, self._log_norm)

    def k_best(self, k: int) -> list[tuple[Tensor, Tensor]]:
        """The k most probable valid tag sequences of each sequence, by list Viterbi.

        Of equally probable ones that whose last differing tag has the lowest id comes first.

        k (int): number wanted, at least 1.
        RETURNS (list[tuple[Tensor, Tensor]]): for each sequence the tag ids, int64 (n, length),
            and their log probabilities, fp64 (n,), in descending order. n is less than k where
            fewer valid tag sequences exist.
        RAISES (ValueError): k is less than 1.
        """
        if k < 1:
            raise ValueError(f"k must be at least 1, got {k}")
        messages = self._messages
        paths, scores = k_best(messages.emissions, messages.scores, self.layout, k)
        log_z = messages.relative_log_z(self._log_norm)
        log_probs = scores - finite(log_z)[:, None]  # (batch, paths)
        counts = (scores > -torch.inf).sum(1).tolist()
        return [
            (tags[:, :n].T, log_prob[:n].clamp_max(0.0))
            for tags, log_prob, n in zip(
                paths.split(self.layout.lengths.tolist()), log_probs, counts, strict=True
            )
        ]

    def log_probs(self, allowed: Tensor) -> Tensor:
        """The log probability that each token of a sequence has one of its allowed tags.

        It is log Z of these tags less log Z of all.

        allowed (Tensor): bool, tags. *Shape:* (N, tags) in flat order
        RETURNS (Tensor): fp64, at most 0, -inf for the impossible. *Shape:* (batch,)
        RAISES (ValueError): allowed is no bool of this shape.
        """
        messages = self._messages
        check_allowed(allowed, messages.emissions)
        emissions = messages.emissions.masked_fill(~allowed, -torch.inf)
        log_z = messages.relative_log_z(self._log_norm)
        permitted = Lattice(forward_backward(emissions, messages.scores, self.layout))
        return (permitted.log_z - finite(log_z)).clamp_max(0.0)

    def segment(self, sequence: int, start: int, end: int) -> "Lattice":
        """The marginal distribution of the tags of some neighbouring tokens.

        They may be a sentence of a document.

        What comes before and after is summed over and ends up in the start and end scores. All
        methods work on the result, and refer to nothing outside of it: its `span_log_probs` of a
        span that ends with the segment leave open whether the span continues after it.

        sequence (int): row of the sequence in the batch.
        start (int): first token.
        end (int): token after the last one.
        RETURNS (Lattice): one sequence of end - start tokens; its log_z is 0, up to rounding.
        RAISES (ValueError): the segment is empty or not within its sequence.
        """
        return self.segments([sequence], [start], [end])

    def segments(
        self, sequences: Sequence[int], starts: Sequence[int], ends: Sequence[int]
    ) -> "Lattice":
        """As `segment`, for several of them at once.

        sequences, starts, ends (Sequence[int]): of each segment.
        RETURNS (Lattice): a sequence for each segment.
        RAISES (ValueError): a segment is empty or not within its sequence.
        """
        parts = self._cut(sequences, starts, ends)
        # What differs from segment to segment goes into the emissions.
        emissions = parts.emissions
        emissions[parts.layout.first] += parts.before
        emissions[parts.layout.last] += parts.after
        return Lattice(forward_backward(emissions, self._within, parts.layout))

    @property
    def _within(self) -> ChainScores:
        """The scores of segments, which may begin and end with any tag."""
        none = torch.zeros_like(self._messages.scores.start)
        return ChainScores(none, self._messages.scores.transition, none)

    def _cut(
        self, sequences: Sequence[int], starts: Sequence[int], ends: Sequence[int]
    ) -> "Segments":
        """Segments, with what comes before and after them summed over."""
        self._check_segments(sequences, starts, ends)
        messages, device = self._messages, self.layout.device
        firsts = self.layout.lengths.cumsum(0) - self.layout.lengths
        offsets = torch.as_tensor(starts, dtype=torch.int64)
        n_tokens = torch.as_tensor(ends, dtype=torch.int64) - offsets
        layout = Layout(n_tokens, device)
        heads = (firsts[torch.as_tensor(sequences)] + offsets).to(device)  # flat positions
        rows = torch.arange(int(n_tokens.sum()), device=device)
        rows += (heads - layout.first)[layout.sequence]
        last_rows = rows[layout.last]
        scale = layout.sum(messages.alpha_scale[rows]) + self._log_norm[last_rows]
        is_first = (offsets == 0).to(device)[:, None]
        sent = messages.steps((heads - 1).clamp_min(0))
        before = torch.where(is_first, messages.scores.start, sent) - finite(scale)[:, None]
        after = messages.beta[last_rows]
        after = after if messages.is_log else after.log()
        return Segments(layout, messages.emissions[rows], before, after)

    def _check_segments(
        self, sequences: Sequence[int], starts: Sequence[int], ends: Sequence[int]
    ) -> None:
        lengths = self.layout.lengths.tolist()
        for sequence, start, end in zip(sequences, starts, ends, strict=True):
            if not 0 <= sequence < len(lengths):
                raise ValueError(f"sequence {sequence} is outside of 0 to {len(lengths) - 1}")
            if not 0 <= start < end <= lengths[sequence]:
                raise ValueError(
                    f"segment from token {start} to {end} is empty or not within "
                    f"sequence {sequence} of {lengths[sequence]} tokens"
                )

    def span_log_probs(
        self, sequence: Tensor, start: Tensor, end: Tensor, tags: SpanTags
    ) -> Tensor:
        """The log probability that exactly this span has this label.

        That is, that its tags are [unit], or [first, inside, ..., last], and that the tag after it
        is not `inside`.

        sequence (Tensor): row of each span's sequence in the batch. *Shape:* (n_spans,)
        start (Tensor): first token. *Shape:* (n_spans,)
        end (Tensor): token after the last one. *Shape:* (n_spans,)
        tags (SpanTags): the tags of each span's label.
        RETURNS (Tensor): fp64, -inf for the impossible. *Shape:* (n_spans,)
        RAISES (ValueError): a span is empty or not within its sequence.
        """
        return self._span_log_probs(sequence, start, end, tags, tags.first)

    def _span_log_probs(
        self, sequence: Tensor, start: Tensor, end: Tensor, tags: SpanTags, opening: Tensor
    ) -> Tensor:
        """As `span_log_probs`, (n_spans,), where the first token's tag may be another one.

        opening (Tensor): The tag that begins a span of two or more tokens; it goes on as `first`
            does. *Shape:* (n_spans,)
        """
        self._check_spans(sequence, start, end)
        device = self.layout.device
        indices = (sequence, start, end, tags.first, tags.inside, tags.last, tags.unit, opening)
        sequence, start, end, first, inside, last, unit, opening = to_device_together(
            [index.cpu().numpy() for index in indices], device
        )
        n_tokens = end - start
        head = self.layout.first[sequence] + start  # flat positions (n_spans,)
        tail = head + n_tokens - 1
        opening = torch.where(n_tokens == 1, unit, opening)
        closing = torch.where(n_tokens == 1, unit, last)
        alpha, log_norm = self._log_alpha(head, opening)
        rest = self._log_rest(head, tail, first=first, inside=inside, last=last)
        rest = torch.where(n_tokens == 1, 0.0, rest)
        return alpha + rest + self._log_not_continued(sequence, tail, closing, inside) - log_norm

    def _check_spans(self, sequence: Tensor, start: Tensor, end: Tensor) -> None:
        sequence, start, end = sequence.cpu(), start.cpu(), end.cpu()
        n_sequences = len(self.layout.lengths)
        if bool(((sequence < 0) | (sequence >= n_sequences)).any()):
            raise ValueError(f"spans refer to sequences outside of 0 to {n_sequences - 1}")
        lengths = self.layout.lengths[sequence]
        bad = torch.nonzero((start < 0) | (start >= end) | (end > lengths)).flatten()
        if len(bad):
            i = int(bad[0])
            raise ValueError(
                f"span {i} from token {int(start[i])} to {int(end[i])} is empty or not within "
                f"sequence {int(sequence[i])} of {int(lengths[i])} tokens"
            )

    def _log_alpha(self, token: Tensor, tag: Tensor) -> tuple[Tensor, Tensor]:
        """Log alpha of tags at tokens (flat positions), and the tokens' log normaliser."""
        alpha, beta = self._messages.alpha[token], self._messages.beta[token]  # (n_spans, tags)
        if not self._messages.is_log:
            alpha, beta = alpha.log(), beta.log()
        log_norm = torch.logsumexp(alpha + beta, -1)
        log_norm = log_norm.masked_fill(log_norm == -torch.inf, 0.0)
        return alpha.gather(1, tag[:, None]).squeeze(1), log_norm

    def _log_rest(
        self, head: Tensor, tail: Tensor, *, first: Tensor, inside: Tensor, last: Tensor
    ) -> Tensor:
        """Log score of all tokens after the first, for spans of two or more tokens, (n_spans,)."""
        messages = self._messages
        transition = messages.scores.transition
        n_inside = tail - head - 1
        before_tail = (tail - 1).clamp_min(0)
        sums, impossible = self._inside_sums
        inner = sums[before_tail, inside] - sums[head, inside]
        n_impossible = impossible[before_tail, inside] - impossible[head, inside]
        inner = inner.masked_fill(n_impossible > 0, -torch.inf)
        # Not a plain product: a forbidden transition used zero times would be 0 * -inf.
        stay = torch.where(n_inside > 1, (n_inside - 1) * transition[inside, inside], 0.0)
        via_inside = transition[first, inside] + stay + transition[inside, last]
        path = torch.where(n_inside > 0, via_inside, transition[first, last])
        return path + inner + messages.emissions[tail, last] - messages.beta_scale[tail]

    def _log_not_continued(
        self, sequence: Tensor, tail: Tensor, closing: Tensor, inside: Tensor
    ) -> Tensor:
        """Log score of all that may follow a span, (n_spans,).

        It is a sum over the next tag, `inside` left out, or the end score where the sequence ends.
        """
        messages = self._messages
        after = (tail + 1).clamp_max(len(messages.emissions) - 1)
        following = messages.beta_emitted[after]  # (n_spans, tags)
        if not messages.is_log:
            following = following.log()
        following = following + messages.scores.transition[closing]
        following = following.scatter(1, inside[:, None], -torch.inf)
        at_end = tail == self.layout.last[sequence]
        end = messages.scores.end[closing]
        return torch.where(at_end, end, torch.logsumexp(following, -1))

    @cached_property
    def _inside_sums(self) -> tuple[Tensor, Tensor]:
        """Running sums over tokens (flat order), (N, tags) each.

        They are of the scaled emissions, and of the number of impossible ones, which the first sum
        leaves out.
        """
        emissions = self._messages.emissions
        impossible = emissions < _IMPOSSIBLE
        finite = emissions.masked_fill(impossible, 0.0)
        sums = (finite - self._messages.beta_scale[:, None]).cumsum(0)
        return sums, impossible.cumsum(0)
