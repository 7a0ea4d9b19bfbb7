"""Transitions of very many tags: a dense block, and a few besides.

Of BILOU's tags, I and L of a label come after B and I of the same label alone; O, B and U come
after all O, L and U. So three quarters of the transitions are forbidden, and need not be looked at.
"""

from typing import NamedTuple

import torch
from torch import Tensor

# With fewer tags, a step takes less time than the calls that its parts would need.
FEWEST_TAGS = 600
# Sources besides the dense block that a tag may have.
_MOST_BESIDES = 2
# The largest share of all transitions that may be in the block.
_LARGEST_SHARE = 0.75


class Blocks(NamedTuple):
    """Transitions without most of the forbidden ones.

    sources, targets (Tensor): the tags that the dense block leads from and to, int64, ascending.
        *Shape:* (n_sources,) and (n_targets,)
    scores (Tensor): the dense block, [to, from]. *Shape:* (n_targets, n_sources)
    others (Tensor): the tags that have further sources. *Shape:* (n_others,)
    other_sources (Tensor): these sources, ascending. *Shape:* (n_others, most)
    other_scores (Tensor): from each of them, and what forbids where there are fewer.
        *Shape:* (n_others, most)
    """

    sources: Tensor
    targets: Tensor
    scores: Tensor
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
        n_besides = besides.sum(0)  # (to,)
        most = int(n_besides.max())
        size = int(is_source.sum()) * int(is_target.sum())
        if most > _MOST_BESIDES or most == 0 or size > _LARGEST_SHARE * n_tags**2:
            return None
        sources, targets = is_source.nonzero().flatten(), is_target.nonzero().flatten()
        others = n_besides.nonzero().flatten()
        # those that are besides, in ascending order: the first ones, if others fill the row up
        _, found_sources = besides[:, others].T.to(torch.uint8).topk(most, dim=1)
        other_sources = found_sources.sort(dim=1).values  # (n_others, most)
        found = besides[other_sources, others[:, None]]
        other_scores = transition[other_sources, others[:, None]].masked_fill(~found, forbidden)
        dense = transition[sources[:, None], targets].T.contiguous()
        return cls(sources, targets, dense, others, other_sources, other_scores)

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
        score, index = (state[:, None, self.sources] + self.scores).max(-1)  # (n, n_targets)
        best.fill_(-torch.inf)
        previous.zero_()
        best[:, self.targets] = score
        previous[:, self.targets] = self.sources[index]
        score, index = (state[:, self.other_sources] + self.other_scores).max(-1)  # (n, n_others)
        tags = self.other_sources.expand(len(state), -1, -1).gather(2, index[..., None])
        # of equal scores, that of the lower tag
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
        out[:, self.targets] = state[:, self.sources] @ self.scores.T
        out[:, self.others] += (state[:, self.other_sources] * self.other_scores).sum(-1)
