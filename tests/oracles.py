"""Slow, obvious implementations that the tests compare with."""

from collections.abc import Sequence
from itertools import product

import numpy as np
import torch
from torch import Tensor

from spacy_ner_plus.tags import TagScheme


def is_valid(scheme: TagScheme, path: tuple[int, ...]) -> bool:
    """Whether the scheme permits a sequence of tag ids."""
    starts, ends = scheme.starts[path[0]], scheme.ends[path[-1]]
    return bool(starts and ends and scheme.transitions[path[:-1], path[1:]].all())


def valid_paths(scheme: TagScheme, n_rows: int) -> list[tuple[int, ...]]:
    """All sequences of tag ids of a length that the scheme permits."""
    paths = product(range(scheme.n_tags), repeat=n_rows)
    return [path for path in paths if is_valid(scheme, path)]


# The linear-chain oracles take one sequence: emissions (time, tags), start (tags,), transition
# (tags, tags) as [from, to] and end (tags,); -inf marks what is forbidden.


def crf_enumerate_paths(
    emissions: Tensor, start: Tensor, transition: Tensor, end: Tensor
) -> tuple[Tensor, Tensor]:
    """All tag sequences (paths, time) and their scores (paths,)."""
    n_times, n_tags = emissions.shape
    paths = torch.tensor(list(product(range(n_tags), repeat=n_times)))
    scores = start[paths[:, 0]] + end[paths[:, -1]]
    scores = scores + emissions[torch.arange(n_times), paths].sum(1)
    scores = scores + transition[paths[:, :-1], paths[:, 1:]].sum(1)
    return paths, scores


def crf_brute_force_log_z(
    emissions: Tensor,
    start: Tensor,
    transition: Tensor,
    end: Tensor,
    allowed: Tensor | None = None,
) -> Tensor:
    """log sum exp of the scores of all paths, or of those within `allowed` (time, tags)."""
    paths, scores = crf_enumerate_paths(emissions, start, transition, end)
    if allowed is not None:
        scores = scores[allowed[torch.arange(len(emissions)), paths].all(1)]
    return torch.logsumexp(scores, 0)


def crf_brute_force_marginals(
    emissions: Tensor, start: Tensor, transition: Tensor, end: Tensor
) -> Tensor:
    """P(tag of a token) (time, tags)."""
    paths, scores = crf_enumerate_paths(emissions, start, transition, end)
    one_hot = torch.nn.functional.one_hot(paths, emissions.shape[1]).to(emissions.dtype)
    return torch.einsum("p,ptk->tk", torch.softmax(scores, 0), one_hot)


def crf_brute_force_best_path(
    emissions: Tensor, start: Tensor, transition: Tensor, end: Tensor
) -> list[int]:
    """The best path; among equals the one whose last differing tag has the lowest id."""
    paths, scores = crf_enumerate_paths(emissions, start, transition, end)
    best: list[list[int]] = paths[scores == scores.max()].tolist()
    return min(best, key=lambda path: path[::-1])


def crf_brute_force_k_best(
    emissions: Tensor, start: Tensor, transition: Tensor, end: Tensor
) -> list[tuple[list[int], float]]:
    """All valid paths with their log probabilities, best first; among equals the one whose last
    differing tag has the lowest id.
    """
    paths, scores = crf_enumerate_paths(emissions, start, transition, end)
    paths, scores = paths[scores > -torch.inf], scores[scores > -torch.inf]
    order = sorted(range(len(paths)), key=lambda i: (-scores[i].item(), paths[i].tolist()[::-1]))
    log_probs = scores - torch.logsumexp(scores, 0)
    return [(paths[i].tolist(), log_probs[i].item()) for i in order]


def crf_brute_force_entropy(
    emissions: Tensor, start: Tensor, transition: Tensor, end: Tensor
) -> Tensor:
    """Shannon entropy of the distribution over paths, in nats."""
    _, scores = crf_enumerate_paths(emissions, start, transition, end)
    return torch.special.entr(torch.softmax(scores, 0)).sum()


def crf_brute_force_transitions(
    emissions: Tensor, start: Tensor, transition: Tensor, end: Tensor
) -> Tensor:
    """Expected number of uses of each transition (tags, tags)."""
    paths, scores = crf_enumerate_paths(emissions, start, transition, end)
    one_hot = torch.nn.functional.one_hot(paths, emissions.shape[1]).to(emissions.dtype)
    return torch.einsum("p,pti,ptj->ij", torch.softmax(scores, 0), one_hot[:, :-1], one_hot[:, 1:])


def crf_brute_force_divergence(
    teacher: tuple[Tensor, Tensor, Tensor, Tensor], student: tuple[Tensor, Tensor, Tensor, Tensor]
) -> Tensor:
    """KL(teacher || student) of the distributions over paths; both are emissions, start,
    transition and end over the same tags.
    """
    log_p = torch.log_softmax(crf_enumerate_paths(*teacher)[1], 0)
    log_q = torch.log_softmax(crf_enumerate_paths(*student)[1], 0)
    possible = log_p > -torch.inf
    return (log_p[possible].exp() * (log_p[possible] - log_q[possible])).sum()


def crf_brute_force_segment(
    emissions: Tensor,
    start: Tensor,
    transition: Tensor,
    end: Tensor,
    span: tuple[int, int],
) -> dict[tuple[int, ...], float]:
    """The log probability of each possible tag sequence of tokens span[0] to span[1] - 1."""
    paths, scores = crf_enumerate_paths(emissions, start, transition, end)
    parts, group = torch.unique(paths[:, span[0] : span[1]], dim=0, return_inverse=True)
    log_probs = torch.stack([torch.logsumexp(scores[group == i], 0) for i in range(len(parts))])
    log_probs -= torch.logsumexp(scores, 0)
    pairs = zip(parts.tolist(), log_probs.tolist(), strict=True)
    return {tuple(part): log_prob for part, log_prob in pairs if log_prob > -torch.inf}


def crf_brute_force_span_log_prob(
    emissions: Tensor,
    start: Tensor,
    transition: Tensor,
    end: Tensor,
    span: tuple[int, int],
    span_tags: Sequence[int],
    inside: int,
) -> Tensor:
    """log P(the tags of tokens span[0] to span[1] - 1 are `span_tags` and the next is not
    `inside`).
    """
    paths, scores = crf_enumerate_paths(emissions, start, transition, end)
    first, stop = span
    matches = (paths[:, first:stop] == torch.tensor(span_tags)).all(1)
    if stop < len(emissions):
        matches &= paths[:, stop] != inside
    return torch.logsumexp(scores[matches], 0) - torch.logsumexp(scores, 0)


def crf_log_space_log_z(
    emissions: Tensor, start: Tensor, transition: Tensor, end: Tensor
) -> Tensor:
    """The forward algorithm by logsumexp; plain autograd works through it."""
    alpha = start + emissions[0]
    for emission in emissions[1:]:
        alpha = torch.logsumexp(alpha[:, None] + transition, 0) + emission
    return torch.logsumexp(alpha + end, 0)


def crf_log_space_marginals(
    emissions: Tensor, start: Tensor, transition: Tensor, end: Tensor
) -> tuple[Tensor, Tensor]:
    """Forward-backward by logsumexp: P(tag of a token) (time, tags), and log Z."""
    alphas, betas = [start + emissions[0]], [end]
    for emission in emissions[1:]:
        alphas.append(torch.logsumexp(alphas[-1][:, None] + transition, 0) + emission)
    for emission in emissions[1:].flip(0):
        betas.append(torch.logsumexp(transition + emission + betas[-1], 1))
    log_z = torch.logsumexp(alphas[-1] + end, 0)
    return (torch.stack(alphas) + torch.stack(betas[::-1]) - log_z).exp(), log_z


def crf_long_double(
    emissions: Tensor, start: Tensor, transition: Tensor, end: Tensor
) -> tuple[np.ndarray, np.longdouble, list[int]]:
    """Marginals (time, tags), log Z and the best path of a long sequence, one token at a time in
    extended precision. Each token's messages are scaled; scores must be moderate.
    """
    scores = [np.asarray(x, dtype=np.longdouble) for x in (emissions, start, transition, end)]
    rows, first, between, last = scores
    factors, weights = np.exp(rows), np.exp(between)
    n_times = len(rows)
    alpha, beta = np.empty_like(rows), np.empty_like(rows)
    log_z = np.longdouble(0)
    incoming = np.exp(first)
    for time in range(n_times):
        alpha[time] = incoming * factors[time]
        scale = alpha[time].sum()
        alpha[time] /= scale
        log_z += np.log(scale)
        incoming = alpha[time] @ weights
    log_z += np.log(alpha[-1] @ np.exp(last))
    beta[-1] = np.exp(last)
    for time in range(n_times - 2, -1, -1):
        beta[time] = weights @ (factors[time + 1] * beta[time + 1])
        beta[time] /= beta[time].sum()
    marginals = alpha * beta
    marginals /= marginals.sum(1, keepdims=True)

    best = first + rows[0]
    origins = np.zeros(rows.shape, dtype=np.int64)
    for time in range(1, n_times):
        candidates = best[:, None] + between  # (from, to)
        origins[time] = candidates.argmax(0)
        best = candidates.max(0) + rows[time]
    path = [int((best + last).argmax())]
    for origin in origins[:0:-1]:
        path.append(int(origin[path[-1]]))
    return marginals, log_z, path[::-1]
