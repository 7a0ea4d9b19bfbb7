"""Further labels for a head of chains that has learned some."""

import torch
from torch import Tensor

from ...nesting.chain_plan import ChainPlan
from ..crf.growth import grow_scores
from .chain_head import ChainHead
from .new_labels import NEW_LABEL_SCORE


@torch.no_grad()
def with_chains(head: ChainHead, plan: ChainPlan) -> ChainHead:
    """A head with further labels behind those of another, whose weights it has bit for bit.

    A new chain starts with improbable tags. In layers, a new label's tags start as a kind of O that
    is as much less probable, in each.

    head (ChainHead): Stays as it is.
    plan (ChainPlan): That of the head, with further labels: see ChainPlan.with_labels.
    """
    old, crfs = head.tags, head.crfs
    grown = ChainHead(head.width, plan, crfs.scheme.name, dropout=old.dropout.p)
    grown = grown.to(old.linear.weight).train(head.training)  # of its device and precision
    n_chains, n_tags = crfs.n_chains, crfs.n_tags_each
    for name, weights in old.linear.named_parameters():
        new = _by_chain(grown.tags.linear.get_parameter(name), grown)
        if name == "bias":
            # deeper levels have it from the outermost
            score = NEW_LABEL_SCORE * (1.0 - grown.is_deeper)  # (chains, 1)
            new[n_chains:, 1:] = score[n_chains:]
            new[:n_chains, n_tags:] = score[:n_chains]
        known = _by_chain(weights, head)
        new[:n_chains, n_tags:] += known[:, :1]  # O and a little noise
        new[:n_chains, :n_tags] = known
    grow_scores(crfs, grown.crfs)
    return grown


def _by_chain(weights: Tensor, head: ChainHead) -> Tensor:
    """(chains * tags, ...) -> (chains, tags, ...)."""
    return weights.view(head.crfs.n_chains, head.crfs.n_tags_each, *weights.shape[1:])
