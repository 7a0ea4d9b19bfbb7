"""The entropy of a linear chain's distribution over whole tag sequences.

A Markov chain's entropy is that of its first tag plus the expected entropies of each tag given
the one before: a sum of terms that are never negative, so nothing cancels in long sequences
(Hernando, Crespo and Cybenko 2005, "Efficient computation of the hidden Markov model entropy for
a given observation sequence"; here with the roles of forward and backward exchanged).
"""

import torch
from torch import Tensor

from .messages import Messages, finite


def path_entropy(messages: Messages, marginals: Tensor) -> Tensor:
    """Shannon entropy of each sequence's distribution over its valid tag sequences.

    marginals (Tensor): from `Messages.marginals`. *Shape:* (N, tags)
    RETURNS (Tensor): fp64, in nats, at least 0. *Shape:* (batch,)
    """
    layout = messages.layout
    given_previous = _log_next_entropies if messages.is_log else _next_entropies
    following = messages.beta_emitted[layout.inner]  # (N - batch, tags)
    previous = marginals[layout.inner - 1]  # (N - batch, tags)
    entropies = marginals.new_zeros(len(marginals))
    entropies[layout.first] = torch.special.entr(marginals[layout.first]).sum(-1)
    entropies[layout.inner] = given_previous(following, previous, messages.scores.transition)
    return layout.sum(entropies.clamp_min_(0.0))


def _next_entropies(following: Tensor, previous: Tensor, transition: Tensor) -> Tensor:
    """Expected entropy of a tag given the one before it, without a (M, tags, tags) array.

    following (Tensor): weight of each tag by all that comes after. *Shape:* (M, tags)
    previous (Tensor): probability of each tag before. *Shape:* (M, tags)
    transition (Tensor): log scores. *Shape:* (tags, tags)
    RETURNS (Tensor): *Shape:* (M,)
    """
    weights = transition.exp().T  # (to, from)
    log_weighted = weights * finite(transition).T
    total = following @ weights  # (M, from)
    expected = following @ log_weighted + torch.xlogy(following, following) @ weights
    impossible = total == 0
    total = total.masked_fill(impossible, 1.0)
    entropy = (total.log() - expected / total).masked_fill(impossible, 0.0)
    return (previous * entropy).sum(-1)


def _log_next_entropies(following: Tensor, previous: Tensor, transition: Tensor) -> Tensor:
    """As `_next_entropies`, with `following` in log space."""
    result = following.new_zeros(len(following))
    for tag, scores in enumerate(transition):
        joint = scores + following  # (M, to)
        conditional = joint - finite(torch.logsumexp(joint, -1))[:, None]
        result += previous[:, tag] * -(conditional.exp() * finite(conditional)).sum(-1)
    return result
