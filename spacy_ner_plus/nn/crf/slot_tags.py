"""A chain with scores of spans as a chain with more tags and no such scores.

A slot is a set of tags for spans of one label that began at one known token. While the factors of
a group (see `span_factors`) are going on, paths that begin a span of its label at its start go
through its slot, and only they do; for each path of the chain there is exactly one of the larger
chain:

    opening    the first token of a span that goes on: in the place of the scheme's own first tag,
               which is impossible there
    inner      a token inside, as long as an end with a factor may come
    closing    the last token: here the score of a factor that ends is added
    exiting    the token `exits` of a span that goes on beyond all factors: the next one has the
               scheme's own tags again
    unit       a span of one token, in schemes whose tags don't tell it from a first token (BIO)

Which of them a token may have, and the scores of spans, are all in the emissions. The transitions
are the same for the whole batch, so that what is there for linear chains runs on it as it is.
"""

import numpy as np
import torch
from torch import Tensor

from ...tags import TagScheme
from .layout import Layout
from .messages import ChainScores
from .span_factors import SpanFactors, SpanGroups
from .transfer import to_device

_OWN, _OPENING, _INNER, _CLOSING, _EXITING, _UNIT = range(6)


class SlotTags:
    """The tags of a scheme, and those of slots among them.

    scheme (TagScheme): The tags of the chain.
    n_slots: int64 (n_labels,), slots of each label, as the attribute of this name.

    Attributes, int64:
        base: (n_all,), the scheme's tag that each stands for, ascending, so that of equally good
            paths the lower tags win as without slots, almost always.
        own: (n_tags,), where the scheme's own tags are.
        opening, inner, closing, exiting: (n_slots,), where those of each slot are.
        slot_labels: (n_slots,), the label of each slot.
        first_slots: (n_labels,), the first slot of each label.
        unit: (n_labels,), where the tag of a span of one token is, where there is a choice: it
            is one of the scheme's own in BILOU, and for labels without slots.
    """

    def __init__(self, scheme: TagScheme, n_slots: np.ndarray) -> None:
        self.scheme = scheme
        self.n_slots = n_slots
        labels = np.repeat(np.arange(len(n_slots)), n_slots)  # (n_slots,)
        self.slot_labels = labels
        self.first_slots = np.cumsum(n_slots) - n_slots
        self.tells_last = bool((scheme.last != scheme.inside).all())
        split = np.zeros(0, dtype=np.int64) if self.tells_last else np.flatnonzero(n_slots)
        parts = [
            (_OWN, np.arange(scheme.n_tags)),
            (_OPENING, scheme.first[labels]),
            (_INNER, scheme.inside[labels]),
            (_CLOSING, scheme.last[labels]),
            (_EXITING, scheme.inside[labels]),
            (_UNIT, scheme.unit[split]),
        ]
        base = np.concatenate([tags for _, tags in parts]).astype(np.int64)
        order = np.argsort(base, kind="stable")
        place = np.empty_like(order)
        place[order] = np.arange(len(order))
        splits = np.cumsum([len(tags) for _, tags in parts])[:-1]
        own, self.opening, self.inner, self.closing, self.exiting, units = np.split(place, splits)
        self.own = own
        self.unit = own[scheme.unit]
        self.unit[split] = units
        self.base = base[order]
        kinds = np.concatenate([np.full(len(tags), kind) for kind, tags in parts])[order]
        slots = np.tile(np.arange(len(labels)), 4)
        slots = np.concatenate([np.full(len(own), -1), slots, np.full(len(units), -1)])[order]
        self._permit(kinds, slots)

    @property
    def n_all(self) -> int:
        """How many tags there are."""
        return len(self.base)

    def _permit(self, kinds: np.ndarray, slots: np.ndarray) -> None:
        """What may follow what, besides what the scheme says of the tags they stand for."""
        starts = self.scheme.starts[self.base]  # (n_all,)
        is_done = np.isin(kinds, (_OWN, _CLOSING, _UNIT))
        begins = np.isin(kinds, (_OPENING, _UNIT)) | ((kinds == _OWN) & starts)
        goes_on = (kinds == _OWN) & ~starts
        in_slot = np.isin(kinds, (_INNER, _CLOSING, _EXITING))
        sends = np.isin(kinds, (_OPENING, _INNER))
        resumes = np.isin(kinds, (_OWN, _EXITING))
        permitted = is_done[:, None] & begins  # (from, to)
        permitted |= resumes[:, None] & goes_on
        permitted |= (sends[:, None] & in_slot) & (slots[:, None] == slots)
        self.transitions = permitted & self.scheme.transitions[self.base[:, None], self.base]
        self.starts = begins & starts
        self.ends = is_done & self.scheme.ends[self.base]

    def scores(self, scores: ChainScores) -> ChainScores:
        """The chain's start, transition and end scores, of all tags. Differentiable."""
        device = scores.start.device
        base = to_device(self.base, device)
        masks = (to_device(mask, device) for mask in (self.starts, self.transitions, self.ends))
        every = (scores.start[base], scores.transition[base[:, None], base], scores.end[base])
        return ChainScores.within(masks, every)

    def scores_of_chains(self, scores: ChainScores) -> ChainScores:
        """As `scores`, of stacked scores."""
        chains = [self.scores(scores.of_chain(i)) for i in range(len(scores.start))]
        return ChainScores(*(torch.stack(parts) for parts in zip(*chains, strict=True)))

    def emissions(
        self, emissions: Tensor, layout: Layout, factors: SpanFactors
    ) -> tuple[Tensor, Tensor]:
        """The emissions of all tags, with the factors' scores. Differentiable.

        emissions (Tensor): fp64. *Shape:* (N, tags) in the layout's flat order
        RETURNS (Tuple[Tensor, Tensor]): The emissions, -inf for what a token can't have, and bool,
            what it can have. *Shape:* (N, n_all) each
        """
        device = emissions.device
        lengths = layout.lengths.numpy()
        firsts = np.cumsum(lengths) - lengths  # (batch,)
        possible = to_device(self._possible(factors.groups, firsts, lengths), device)
        every = emissions[:, to_device(self.base, device)].masked_fill(~possible, -torch.inf)
        row, tag = self._last_cells(layout, factors)
        index = (to_device(row, device), to_device(tag, device))
        return every.index_put(index, factors.scores.to(device), accumulate=True), possible

    def targets(
        self, emissions: Tensor, allowed: Tensor, layout: Layout, factors: SpanFactors
    ) -> tuple[Tensor, Tensor]:
        """As `emissions`, with the tags that agree with an annotation.

        A path has a rejected span just if it has one tag on one row, which is not permitted.

        allowed (Tensor): bool, the scheme's tags. *Shape:* (N, tags)
        RETURNS (Tuple[Tensor, Tensor]): The emissions of all tags, and bool, what the paths that
            agree are made of. *Shape:* (N, n_all) each
        """
        every, possible = self.emissions(emissions, layout, factors)
        device = emissions.device
        permitted = allowed[:, to_device(self.base, device)] & possible  # (N, n_all)
        if factors.rejected is not None:
            row, tag = self._last_cells(layout, factors)
            rejected = factors.rejected
            permitted[to_device(row[rejected], device), to_device(tag[rejected], device)] = False
        return every, permitted

    def _last_cells(self, layout: Layout, factors: SpanFactors) -> tuple[np.ndarray, np.ndarray]:
        """The row and tag that a path has just if it has a factor's span, int64 (n_factors,)."""
        lengths = layout.lengths.numpy()
        firsts = np.cumsum(lengths) - lengths  # (batch,)
        tag = self.unit[factors.labels]  # (n_factors,)
        is_long = factors.ends - factors.starts > 1
        tag[is_long] = self.closing[self.slots_of(factors.groups)[factors.group_of[is_long]]]
        return firsts[factors.sequences] + factors.ends - 1, tag

    def _possible(self, groups: SpanGroups, firsts: np.ndarray, lengths: np.ndarray) -> np.ndarray:
        """Which tags each token may have, (N, n_all) bool."""
        possible = np.zeros((int(lengths.sum()), self.n_all), dtype=bool)
        possible[:, self.own] = True
        slots = self.slots_of(groups)
        first, length = firsts[groups.sequences], lengths[groups.sequences]
        head = first + groups.starts
        possible[head, self.own[self.scheme.first[groups.labels]]] = False
        possible[head, self.opening[slots]] = True
        possible[head, self.unit[groups.labels]] = True
        # from the second token to the exit, or the sequence's end
        stops = np.minimum(groups.exits + 1, length)
        counts = stops - groups.starts - 1
        group = np.repeat(np.arange(len(groups)), counts)
        token = np.arange(counts.sum()) - np.repeat(np.cumsum(counts) - counts, counts)
        token += groups.starts[group] + 1
        row, slot, is_exit = first[group] + token, slots[group], token == groups.exits[group]
        possible[row, self.closing[slot]] = True
        possible[row, np.where(is_exit, self.exiting[slot], self.inner[slot])] = True
        return possible

    def slots_of(self, groups: SpanGroups) -> np.ndarray:
        """int64 (n_groups,), the slot of each group among all slots."""
        return np.asarray(self.first_slots[groups.labels] + groups.slots)
