"""Probabilities under a linear chain with scores of spans."""

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import torch
from torch import Tensor

from .forward_backward import forward_backward
from .lattice import Lattice, SpanTags
from .messages import Messages
from .slot_merging import merge_edges
from .slot_tags import SlotTags
from .span_factors import SpanGroups
from .transfer import to_device


class SpanLattice(Lattice):
    """A Lattice of a chain whose spans have scores. All arguments and results are its own tags.

    The larger chain of `slot_tags` has the same paths, so whatever is about whole paths is the same
    on it; probabilities of tags are sums over the tags that stand for them.
    """

    def __init__(self, messages: Messages, tags: SlotTags, groups: SpanGroups) -> None:
        """Keep the messages, and what their tags stand for.

        messages (Messages): Of a batch with all tags.
        tags (SlotTags): All tags. groups (SpanGroups): Who is in which slot.
        """
        super().__init__(messages)
        self._tags = tags
        self._groups = groups
        self._base = to_device(tags.base, messages.layout.device)  # (n_all,)

    def marginals(self) -> Tensor:
        """See Lattice.marginals."""
        return self._summed(super().marginals(), -1)

    def step_probs(self, before: int, after: int) -> Tensor:
        """RAISES (NotImplementedError): the scheme's own tags are no Markov chain here."""
        raise NotImplementedError("with scores of spans, tags depend on more than the one before")

    def transitions(self) -> Tensor:
        """See Lattice.transitions."""
        return self._summed(self._summed(super().transitions(), -1), -2)

    def _summed(self, values: Tensor, dim: int) -> Tensor:
        """Sums over the tags that stand for each tag of the scheme."""
        shape = list(values.shape)
        shape[dim] = self._tags.scheme.n_tags
        return values.new_zeros(shape).index_add_(dim, self._base, values)

    def k_best(self, k: int) -> list[tuple[Tensor, Tensor]]:
        """See Lattice.k_best. Of equally probable ones any may come first."""
        return [(self._base[tags], log_probs) for tags, log_probs in super().k_best(k)]

    def log_probs(self, allowed: Tensor) -> Tensor:
        """See Lattice.log_probs."""
        return super().log_probs(allowed[:, self._base])

    def segments(
        self, sequences: Sequence[int], starts: Sequence[int], ends: Sequence[int]
    ) -> "SpanLattice":
        """See Lattice.segments."""
        parts = self._cut(sequences, starts, ends)
        places = list(zip(sequences, starts, ends, strict=True))
        emissions, groups = merge_edges(parts, self._tags, self._groups, places)
        messages = forward_backward(emissions, self._within, parts.layout)
        return SpanLattice(messages, self._tags, groups)

    def span_log_probs(
        self, sequence: Tensor, start: Tensor, end: Tensor, tags: SpanTags
    ) -> Tensor:
        """See Lattice.span_log_probs. Spans of the scheme's labels have an answer."""
        self._check_spans(sequence, start, end)
        own = torch.from_numpy(self._tags.own)
        found = SpanTags(
            *(own[ids.cpu()] for ids in (tags.first, tags.inside, tags.last, tags.unit))
        )
        opening = found.first.clone()
        place = self._groups_at(sequence, start, tags.first)
        in_group = torch.from_numpy(np.flatnonzero(place >= 0))
        group = place[place >= 0]
        slot = self._tags.slots_of(self._groups)[group]
        labels, exits = self._groups.labels[group], self._groups.exits[group]
        opening[in_group] = torch.from_numpy(self._tags.opening[slot])
        found.unit[in_group] = torch.from_numpy(self._tags.unit[labels])
        # Beyond the exit a span has the scheme's tags, and scores what they do from its start on.
        ends_inside = torch.from_numpy(end.cpu().numpy()[in_group] - 1 <= exits)
        within, slot = in_group[ends_inside], slot[ends_inside.numpy()]
        for ids, column in (
            (found.first, self._tags.opening),
            (found.inside, self._tags.inner),
            (found.last, self._tags.closing),
        ):
            ids[within] = torch.from_numpy(column[slot])
        return self._span_log_probs(sequence, start, end, replace(found), opening)

    def _groups_at(self, sequence: Tensor, start: Tensor, first: Tensor) -> np.ndarray:
        """The group that begins where each span does, with its label; -1 for none, (n_spans,)."""
        groups = self._groups
        places = zip(
            groups.sequences.tolist(),
            groups.starts.tolist(),
            self._tags.scheme.first[groups.labels].tolist(),
            strict=True,
        )
        known = {place: i for i, place in enumerate(places)}
        spans = zip(sequence.tolist(), start.tolist(), first.tolist(), strict=True)
        return np.array([known.get(span, -1) for span in spans], dtype=np.int64)
