"""The k best paths of each linear chain of a batch."""

import torch
from torch import Tensor

from .layout import Layout, iterate_steps
from .messages import ChainScores
from .viterbi import trace_back


def k_best(emissions: Tensor, scores: ChainScores, layout: Layout, k: int) -> tuple[Tensor, Tensor]:
    """Batched list Viterbi: each tag of each token keeps its k best paths.

    This is the parallel algorithm of Seshadri and Sundberg (1994), "List Viterbi decoding
    algorithms with applications".

    Of paths with equal scores the one whose last differing tag has the lowest id comes first.

    emissions (Tensor): fp64, finite or -inf. *Shape:* (N, tags) in flat order
    scores (ChainScores): start, transition and end scores.
    k (int): number of paths wanted, at least 1.
    RETURNS (tuple[Tensor, Tensor]): the tags int64 (N, paths) in flat order and the score of each
        path (batch, paths), best first, -inf where there are no more paths; `paths` is k, or the
        number of all sequences of tags where that is smaller.
    """
    packed = layout.pack(emissions)
    running, backpointers = _best_scores(packed, scores, layout.step_sizes, k)
    n_tags, width = running.shape[1:]
    best, ends = _merge(running, scores.end[None], min(k, n_tags * width))
    path = trace_back(ends.squeeze(1), backpointers, layout)
    best = best.squeeze(1)  # (batch, paths)
    return path // width, layout.unsort(best)


def _best_scores(
    packed: Tensor, scores: ChainScores, step_sizes: list[int], k: int
) -> tuple[Tensor, Tensor]:
    """The best paths to each tag of each sequence's last token.

    RETURNS (tuple[Tensor, Tensor]): their scores (batch, tags, width), longest sequence first, and
        where each path comes from (N, tags * width). A path is known by its tag * width + its rank
        among the paths to this tag.
    """
    n_tags = packed.shape[-1]
    n_steps = max(len(step_sizes) - 1, 0)
    width = min(k, n_tags ** min(n_steps, k.bit_length()))  # no more paths lead to a tag
    to_from = scores.transition.T
    n_states = n_tags * width
    index_type = torch.int32 if n_states <= torch.iinfo(torch.int32).max else torch.int64
    backpointers = torch.zeros(len(packed), n_states, dtype=index_type, device=packed.device)
    batch = step_sizes[0] if step_sizes else 0
    running = packed.new_full((batch, n_tags, width), -torch.inf)
    running[..., 0] = scores.start + packed[:batch]
    steps = zip(
        step_sizes,
        iterate_steps(packed, step_sizes),
        iterate_steps(backpointers, step_sizes),
        strict=True,
    )
    next(steps, None)  # the first tokens have no previous tag
    for n, emission, backpointer in steps:
        best, origins = _merge(running[:n], to_from, width)
        torch.add(best, emission.unsqueeze(-1), out=running[:n])  # finished sequences stay
        backpointer.copy_(origins.flatten(1))
    return running, backpointers


def _merge(lists: Tensor, to_from: Tensor, width: int) -> tuple[Tensor, Tensor]:
    """The best continuations of paths, by a merge of their sorted lists.

    It takes `width` passes over all pairs of tags, and no sort of all candidates.

    lists (Tensor): scores of the paths to each tag, best first. *Shape:* (n, from, ranks)
    to_from (Tensor): what each continuation scores. *Shape:* (to, from)
    RETURNS (tuple[Tensor, Tensor]): scores, best first, and `from * ranks + rank` of the path that
        each continues. *Shape:* (n, to, width)
    """
    n, n_from, n_ranks = lists.shape
    n_to = len(to_from)
    best = lists.new_empty(n, n_to, width)
    origins = torch.empty(n, n_to, width, dtype=torch.int64, device=lists.device)
    ranks = torch.zeros(n, n_to, n_from, dtype=torch.int64, device=lists.device)
    heads = lists[:, None, :, 0] + to_from  # (n, to, from)
    # One more rank, for the end of each list.
    padded = torch.nn.functional.pad(lists, (0, 1), value=-torch.inf).flatten(1)
    for i in range(width):
        best[..., i], tag = heads.max(-1)  # (n, to)
        tag = tag.unsqueeze(-1)
        rank = ranks.gather(-1, tag)  # (n, to, 1)
        # A list that is at its end is only taken where all are: there are no more paths.
        origins[..., i] = (tag * n_ranks + rank.clamp_max(n_ranks - 1)).squeeze(-1)
        rank = (rank + 1).clamp_max_(n_ranks)
        following = padded.gather(1, (tag * (n_ranks + 1) + rank).flatten(1)).view(n, n_to, 1)
        following += to_from.expand_as(heads).gather(-1, tag)
        ranks.scatter_(-1, tag, rank)
        heads.scatter_(-1, tag, following)
    return best, origins
