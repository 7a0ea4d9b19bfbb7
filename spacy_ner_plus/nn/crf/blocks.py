"""Transitions of very many tags: a dense block, and a few besides.

Of BILOU's tags, I and L of a label come after B and I of the same label alone; O, B and U come
after all O, L and U. So three quarters of the transitions are forbidden, and need not be looked at.
Tags of slots (see `slot_tags`) come after each other as the tags that they stand for: in the block,
tags that nothing tells from each other are one, so that it does not grow with the slots.
"""

from typing import NamedTuple

import torch
from torch import Tensor

# With fewer tags, a step takes less time than the calls that its parts would need.
FEWEST_TAGS = 600
# Sources besides the dense block that a tag may have.
_MOST_BESIDES = 3
# The largest share of all transitions that may be in the block.
_LARGEST_SHARE = 0.75


class Blocks(NamedTuple):
    """Transitions without most of the forbidden ones.

    sources (Tensor): the tags that the dense block leads from, int64: in each row, ascending, those
        from which it leads on alike, with others behind them where there are fewer.
        *Shape:* (n_sources, most_alike)
    is_source (Tensor): what a row's own tags are weighed with, and what forbids the others.
        *Shape:* (n_sources, most_alike)
    scores (Tensor): the dense block, [to, from]. *Shape:* (n_targets, n_sources)
    targets (Tensor): the tags that it leads to, ascending. *Shape:* (n_all_targets,)
    target_rows (Tensor): the row of `scores` of each of them. *Shape:* (n_all_targets,)
    others (Tensor): the tags that have further sources. *Shape:* (n_others,)
    other_sources (Tensor): these sources, ascending. *Shape:* (n_others, most)
    other_scores (Tensor): from each of them, and what forbids where there are fewer.
        *Shape:* (n_others, most)
    """

    sources: Tensor
    is_source: Tensor
    scores: Tensor
    targets: Tensor
    target_rows: Tensor
    others: Tensor
    other_sources: Tensor
    other_scores: Tensor

    @classmethod
    def of(cls, transition: Tensor, forbidden: float) -> "Blocks | None":
        """The blocks of some transitions, None where there is not much to be left out.

        transition (Tensor): scores or factors, from and to. *Shape:* (tags, tags)
        forbidden (float): what those have that are not permitted.
        """
        n_tags = len(transition)
        if n_tags < FEWEST_TAGS:
            return None
        permitted = transition != forbidden  # (from, to)
        is_source = permitted.sum(1) > _MOST_BESIDES
        is_target = permitted.sum(0) > _MOST_BESIDES
        besides = permitted & ~(is_source[:, None] & is_target)
        # What many tags lead to that lead to little else is in the block, too.
        is_source |= besides[:, besides.sum(0) > _MOST_BESIDES].any(1)
        besides = permitted & ~(is_source[:, None] & is_target)
        most = int(besides.sum(0).max())
        if most > _MOST_BESIDES or most == 0:
            return None
        sources, targets = is_source.nonzero().flatten(), is_target.nonzero().flatten()
        dense, target_rows = torch.unique(
            transition[sources[:, None], targets].T, dim=0, return_inverse=True
        )  # (n_targets, n_all_sources)
        columns, source_rows = torch.unique(dense.T, dim=0, return_inverse=True)
        scores = columns.T.contiguous()  # (n_targets, n_sources)
        if scores.numel() > _LARGEST_SHARE * n_tags**2:
            return None
        rows, is_own = _rows_of(source_rows, len(columns))  # (n_sources, most_alike) each
        neutral = 1.0 if forbidden == 0 else 0.0
        is_source = torch.full_like(is_own, neutral, dtype=scores.dtype)
        is_source.masked_fill_(~is_own, forbidden)
        block = (sources[rows], is_source, scores, targets, target_rows)
        return cls(*block, *_others_of(transition, besides, most, forbidden))

    @classmethod
    def of_all(cls, transitions: Tensor, forbidden: float) -> "list[Blocks] | None":
        """The blocks of each of several, None where those of one of them are.

        transitions (Tensor): *Shape:* (n, tags, tags)
        """
        if transitions.shape[-1] < FEWEST_TAGS:
            return None
        blocks = [found for one in transitions if (found := cls.of(one, forbidden)) is not None]
        return blocks if len(blocks) == len(transitions) else None

    def best(self, state: Tensor, best: Tensor, previous: Tensor) -> None:
        """The best previous tag of each tag, and its score with the transition's.

        state (Tensor): scores of the previous tags. *Shape:* (n, tags)
        best, previous (Tensor): filled, the latter with tags, int64. *Shape:* (n, tags)
        """
        score, index = (state[:, self.sources] + self.is_source).max(-1)  # (n, n_sources)
        tags = self.sources.expand(len(state), -1, -1).gather(2, index[..., None]).squeeze(-1)
        sums = score[:, None] + self.scores  # (n, n_targets, n_sources)
        score = sums.amax(-1)  # (n, n_targets)
        # of equal scores, that of the lower tag
        is_best = sums == score[..., None]
        lowest = torch.where(is_best, tags[:, None], state.shape[1]).amin(-1)
        best.fill_(-torch.inf)
        previous.zero_()
        best[:, self.targets] = score[:, self.target_rows]
        previous[:, self.targets] = lowest[:, self.target_rows]
        score, index = (state[:, self.other_sources] + self.other_scores).max(-1)  # (n, n_others)
        tags = self.other_sources.expand(len(state), -1, -1).gather(2, index[..., None])
        known, tags = previous[:, self.others], tags.squeeze(-1)
        old = best[:, self.others]
        is_better = (score > old) | ((score == old) & (tags < known))
        best[:, self.others] = torch.where(is_better, score, old)
        previous[:, self.others] = torch.where(is_better, tags, known)

    def product(self, state: Tensor, out: Tensor) -> None:
        """The product with the transitions, which are factors.

        state (Tensor): *Shape:* (n, tags)
        out (Tensor): filled. *Shape:* (n, tags)
        """
        out.zero_()
        sums = (state[:, self.sources] * self.is_source).sum(-1)  # (n, n_sources)
        out[:, self.targets] = (sums @ self.scores.T)[:, self.target_rows]
        out[:, self.others] += (state[:, self.other_sources] * self.other_scores).sum(-1)

    def log_product(self, state: Tensor) -> Tensor:
        """As product, of logarithms.

        RETURNS (Tensor): *Shape:* (n, tags)
        """
        out = torch.full_like(state, -torch.inf)
        sums = torch.logsumexp(state[:, self.sources] + self.is_source, -1)  # (n, n_sources)
        sums = torch.logsumexp(sums[:, None] + self.scores, -1)  # (n, n_targets)
        out[:, self.targets] = sums[:, self.target_rows]
        others = torch.logsumexp(state[:, self.other_sources] + self.other_scores, -1)
        out[:, self.others] = torch.logaddexp(out[:, self.others], others)
        return out


def _others_of(
    transition: Tensor, besides: Tensor, most: int, forbidden: float
) -> tuple[Tensor, Tensor, Tensor]:
    """The tags that have sources besides, these, and their scores: see Blocks.

    besides (Tensor): bool, the transitions besides. *Shape:* (tags, tags)
    most (int): how many a tag has at most.
    """
    others = besides.any(0).nonzero().flatten()
    # those that are besides, in ascending order: the first ones, if others fill the row up
    _, found_sources = besides[:, others].T.to(torch.uint8).topk(most, dim=1)
    sources = found_sources.sort(dim=1).values  # (n_others, most)
    found = besides[sources, others[:, None]]
    scores = transition[sources, others[:, None]].masked_fill(~found, forbidden)
    return others, sources, scores


def _rows_of(row_of: Tensor, n_rows: int) -> tuple[Tensor, Tensor]:
    """The positions of each row's members, and which of them are that and no padding.

    row_of (Tensor): int64, the row of each position. *Shape:* (n,)
    RETURNS (tuple[Tensor, Tensor]): int64 and bool. *Shape:* (n_rows, most in one)
    """
    order = torch.argsort(row_of, stable=True)
    counts = torch.bincount(row_of, minlength=n_rows)
    places = torch.arange(int(counts.max()), device=row_of.device)
    is_own = places < counts[:, None]
    firsts = (counts.cumsum(0) - counts)[:, None]
    return order[(firsts + places).clamp_max(len(order) - 1)], is_own
