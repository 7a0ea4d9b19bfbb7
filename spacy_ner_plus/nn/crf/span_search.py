"""All spans that a linear chain gives some probability, found in time linear in its length."""

import torch
from torch import Tensor

from .lattice import Lattice, SpanTags


def likely_spans(
    lattice: Lattice, tags: SpanTags, least: float
) -> tuple[Tensor, Tensor, Tensor, Tensor]:
    """The spans with at least some probability, whether or not they are on the best path.

    A span is followed from its start for as long as it is probable that it goes on. Spans that go
    on at the same token exclude each other, so that of one label at most 1 / least are followed
    there, however long the chain is.

    tags (SpanTags): those of each label. *Shape:* (labels,) each
    least (float): above 0, at most 1.
    RETURNS (tuple[Tensor, Tensor, Tensor, Tensor]): sequence, start, end (exclusive) and label of
        each, int64 (n_spans,), on the CPU, in no particular order.
    RAISES (ValueError): least is out of range.
    """
    if not 0 < least <= 1:
        raise ValueError(f"the least probability must be above 0 and at most 1, got {least}")
    bound = least * (1 - 1e-9)  # products of rounded numbers; the probabilities decide
    parts = [
        _candidates(lattice, [int(ids[label]) for ids in _columns(tags)], bound)
        for label in range(len(tags.first))
    ]
    none = torch.zeros(0, dtype=torch.int64)
    if not any(len(heads) for heads, _ in parts):
        return none, none, none, none
    label = torch.repeat_interleave(
        torch.arange(len(parts)), torch.tensor([len(heads) for heads, _ in parts])
    )
    heads = torch.cat([heads.cpu() for heads, _ in parts])
    tails = torch.cat([tails.cpu() for _, tails in parts])
    sequence = lattice.layout.sequence.cpu()[heads]
    first = lattice.layout.first.cpu()[sequence]
    start, end = heads - first, tails - first + 1
    own = SpanTags(*(ids.cpu()[label] for ids in _columns(tags)))
    log_probs = lattice.span_log_probs(sequence, start, end, own).cpu()
    kept = log_probs.exp() >= least
    return sequence[kept], start[kept], end[kept], label[kept]


def _columns(tags: SpanTags) -> tuple[Tensor, Tensor, Tensor, Tensor]:
    return tags.first, tags.inside, tags.last, tags.unit


def _candidates(lattice: Lattice, tags: list[int], bound: float) -> tuple[Tensor, Tensor]:
    """Flat positions of the first and the last token of spans of a label, (n_spans,) each.

    The chain's tags are a Markov chain, so the probability of a span that is still open is a
    product.

    tags (list[int]): first, inside, last and unit.
    """
    first, inside, last, unit = tags
    marginals = lattice.marginals()  # (N, tags)
    units = (marginals[:, unit] >= bound).nonzero().squeeze(1)
    found = [(units, units)]
    head = (marginals[:, first] >= bound).nonzero().squeeze(1)
    if not len(head):  # as in most chains of most texts
        return units, units
    steps = [lattice.step_probs(*pair) for pair in _pairs(first, inside, last)]  # (N - 1,) each
    tail, still_open = head, marginals[head, first]
    is_last = torch.zeros(len(marginals), dtype=torch.bool, device=marginals.device)
    is_last[lattice.layout.last] = True
    to_inside, to_last = steps[0], steps[1]
    while len(head):
        goes_on = ~is_last[tail]
        head, tail, still_open = head[goes_on], tail[goes_on], still_open[goes_on]
        closed = still_open * to_last[tail] >= bound
        found.append((head[closed], tail[closed] + 1))
        still_open = still_open * to_inside[tail]
        goes_on = still_open >= bound
        head, tail, still_open = head[goes_on], tail[goes_on] + 1, still_open[goes_on]
        to_inside, to_last = steps[2], steps[3]
    heads, tails = zip(*found, strict=True)
    return torch.cat(heads), torch.cat(tails)


def _pairs(first: int, inside: int, last: int) -> list[tuple[int, int]]:
    """Tags of neighbouring tokens: behind the first one, and further inside."""
    return [(first, inside), (first, last), (inside, inside), (inside, last)]
