"""Segments of a chain with slots: what is one sequence of tags in them must be one path.

Within a segment nothing tells where a span that began before it has begun, nor, in BIO, whether
one that reaches its end goes on. So paths that differ in that alone are summed up: at the left
edge, all beginnings of a span of one label, each with its own scores for the ends to come, become
one; at the right edge, the tags of a last token and those of a token with others behind it.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
import torch
from torch import Tensor

from .lattice import Segments
from .slot_tags import SlotTags
from .span_factors import SpanGroups


def merge_edges(
    parts: Segments, tags: SlotTags, groups: SpanGroups, places: Sequence[tuple[int, int, int]]
) -> tuple[Tensor, SpanGroups]:
    """The emissions of segments, with what is around them, and who is in which slot.

    parts (Segments): What was cut out.
    groups (SpanGroups): Of the whole sequences.
    places (Sequence[Tuple[int, int, int]]): The sequence, first token and token after the last one
        of each segment.
    RETURNS: (N, n_all), and the groups, of which those that began before a segment start at -1.
    """
    # Single cells are looked at, which a GPU would be slow in.
    own_emissions, before, after, firsts, lasts = (
        tensor.cpu()
        for tensor in (
            parts.emissions,
            parts.before,
            parts.after,
            parts.layout.first,
            parts.layout.last,
        )
    )
    emissions = own_emissions.clone()
    emissions[firsts] += before
    emissions[lasts] += after
    kept = []
    for i, (sequence, start, end) in enumerate(places):
        own = groups.chosen(groups.sequences == sequence)
        within = _moved(own.chosen((own.starts >= start) & (own.starts < end)), i, start)
        kept.append(within)
        crossing = own.chosen((own.starts < start) & (own.exits >= start))
        rows = slice(int(firsts[i]), int(lasts[i]) + 1)
        for label in np.unique(crossing.labels):
            moved = _moved(crossing.chosen(crossing.labels == label), i, start)
            _, one_a_slot = np.unique(moved.slots, return_index=True)
            one = _Carried(
                tags,
                moved.chosen(one_a_slot),
                within.chosen(within.labels == label),
                bool(groups.shares[groups.labels == label].any()),
                own_emissions[rows],
                before[i],
                after[i],
            )
            one.merge_into(emissions[rows])
            kept.append(one.merged)
    if not tags.tells_last:
        emissions[lasts] = _merged_ends(emissions[lasts], tags)
    columns = zip(*(vars(one).values() for one in kept), strict=True)
    merged = SpanGroups(*(np.concatenate(column) for column in columns))
    return emissions.to(parts.emissions.device), merged


def _moved(groups: SpanGroups, sequence: int, start: int) -> SpanGroups:
    """As groups of a segment that begins at a token of theirs."""
    return replace(
        groups,
        sequences=np.full(len(groups), sequence),
        starts=np.maximum(groups.starts - start, -1),
        exits=groups.exits - start,
    )


def _merged_ends(last: Tensor, tags: SlotTags) -> Tensor:
    """Emissions of last tokens, of which none tells any more whether the span goes on.

    last (Tensor): *Shape:* (segments, n_all)
    """
    merged = last.clone()
    ways = (tags.closing, tags.inner, tags.exiting)  # (n_slots,) each
    merged[:, tags.closing] = torch.logsumexp(torch.stack([last[:, way] for way in ways]), 0)
    for column in (tags.inner, tags.exiting, tags.opening):
        merged[:, column] = -torch.inf
    for opening, unit in zip(tags.opening, tags.unit[tags.slot_labels], strict=True):
        merged[:, unit] = torch.logaddexp(merged[:, unit], last[:, opening])
    return merged


@dataclass(frozen=True)
class _Carried:
    """A span of one label that has begun before a segment, somewhere.

    It may have begun where one of some groups did, or anywhere else. From the segment's first token
    on it is a group of its own, in the slot of that one of them that takes longest; or, as groups
    within the segment may share that, in the one that is there for it.

    groups (SpanGroups): Those that it may be of, in the segment's tokens, one of each slot.
    within (SpanGroups): Those of its label that begin in the segment.
    has_own_slot (bool): Whether the last slot of its label is there for it.
    emissions (Tensor): The segment's own. *Shape:* (n_tokens, n_all)
    before, after (Tensor): Log of what is around it. *Shape:* (n_all,)
    """

    tags: SlotTags
    groups: SpanGroups
    within: SpanGroups
    has_own_slot: bool
    emissions: Tensor
    before: Tensor
    after: Tensor

    @property
    def merged(self) -> SpanGroups:
        """The one group."""
        one = self.groups.chosen(np.array([int(self.groups.exits.argmax())]))
        slots = self.tags.n_slots[one.labels] - 1 if self.has_own_slot else one.slots
        return replace(one, slots=slots, shares=np.zeros(1, dtype=bool))

    def merge_into(self, segment: Tensor) -> None:
        """Write the emissions of the one group, in the place of all others.

        segment (Tensor): The segment's emissions with what is around it. *Shape:* (n_tokens, n_all)
        """
        tags, last = self.tags, len(segment) - 1
        slots = tags.slots_of(self.groups)
        for slot, stop in zip(slots, self._stops(), strict=True):
            for column in (tags.inner[slot], tags.closing[slot], tags.exiting[slot]):
                segment[:stop, column] = -torch.inf
        segment[0, self._own] = -torch.inf
        [slot], [exit_] = tags.slots_of(self.merged), self.merged.exits
        shares = None  # log of how much of what goes on began at each beginning
        for token in range(min(int(exit_), last) + 1):
            ended, gone = self._ways(token, shares, is_last=token == last)
            going = torch.logsumexp(gone, 0)
            if shares is None:
                shares = gone - going.clamp_min(torch.finfo(gone.dtype).min)
            elif token < last:
                going = self.emissions[token, self._own[0]]
            column = tags.exiting[slot] if token == exit_ else tags.inner[slot]
            segment[token, tags.closing[slot]] = torch.logsumexp(ended, 0)
            segment[token, column] = going

    def _stops(self) -> np.ndarray:
        """Until where the slots of the groups are not needed any more, int64 (n_groups,).

        It is where they are free, or where a group within the segment begins that shares one.
        """
        stops = self.groups.exits + 1
        for slot, start in zip(self.within.slots, self.within.starts, strict=True):
            own = self.groups.slots == slot
            stops[own] = np.minimum(stops[own], start + 1)
        return stops

    def _ways(self, token: int, shares: Tensor | None, *, is_last: bool) -> tuple[Tensor, Tensor]:
        """Log weights of the span's end at a token, and of its going on, by where it began.

        shares (Tensor): None at the first token.
        RETURNS (Tuple[Tensor, Tensor]): (1 + n_groups,) each, where it began in no group first; of
            a last token of which nothing tells whether the span goes on, all ways are in the first.
        """
        slots, exits = self.tags.slots_of(self.groups), self.groups.exits
        inside, last = self._own
        in_slot = np.where(token < exits, self.tags.inner[slots], self.tags.exiting[slots])
        stops = np.append(last, np.where(token <= exits, self.tags.closing[slots], last))
        goes = np.append(inside, np.where(token <= exits, in_slot, inside))
        ended, gone = (
            self.emissions[token, tag]
            + (self.before[tag] if shares is None else shares)
            + (self.after[tag] if is_last else 0.0)
            for tag in (stops, goes)
        )
        if is_last and not self.tags.tells_last:
            in_group = np.flatnonzero(np.append(False, token <= exits))
            return torch.cat([ended, gone[in_group]]), torch.full_like(gone, -torch.inf)
        return ended, gone

    @property
    def _own(self) -> tuple[int, int]:
        """The scheme's own tags inside of the span and at its end."""
        label = int(self.groups.labels[0])
        scheme = self.tags.scheme
        own = self.tags.own
        return int(own[scheme.inside[label]]), int(own[scheme.last[label]])
