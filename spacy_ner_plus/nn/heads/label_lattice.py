"""Probabilities of labelled spans under several chains."""

from collections.abc import Sequence

import numpy as np
import torch
from torch import Tensor

from ...tags import TagScheme
from ..crf import Lattice, SpanTags, likely_spans


class LabelLattice:
    """The chains of a batch, after one forward-backward run over all of them.

    A label may be in several chains, one for each level. P(a span has a label) is the probability
    that any of them has it, 1 - product of (1 - P(the span in the chain)), which is exact where
    levels are independent, as they are in the model. The spans of one chain exclude each other, so
    an inner span has the probability that the chain of its own level gives it.
    """

    def __init__(
        self, lattices: Sequence[Lattice], scheme: TagScheme, label_ids: np.ndarray
    ) -> None:
        """Keep the chains.

        lattices (Sequence[Lattice]): Each chain's.
        scheme (TagScheme): The tags of each.
        label_ids (np.ndarray): The labels that those of the scheme stand for in each chain, int64.
            *Shape:* (chains, labels of the scheme)
        """
        self.lattices = list(lattices)
        self._label_ids = label_ids
        columns = (scheme.first, scheme.inside, scheme.last, scheme.unit)
        # copies: the scheme's own arrays are read-only
        self._tags = SpanTags(*(torch.tensor(column) for column in columns))

    def span_log_probs(self, sequence: Tensor, start: Tensor, end: Tensor, label: Tensor) -> Tensor:
        """The log probability that exactly this span has this label, at any level.

        sequence (Tensor): Row of each span's sequence in the batch. *Shape:* (n_spans,)
        start (Tensor): First token. *Shape:* (n_spans,)
        end (Tensor): Token after the last one. *Shape:* (n_spans,)
        label (Tensor): Index of each one's label. *Shape:* (n_spans,)
        RETURNS (Tensor): fp64, -inf for the impossible. *Shape:* (n_spans,)
        RAISES ValueError: A span is empty or not within its sequence, or has an unknown label.
        """
        sequence, start, end, label = (part.cpu() for part in (sequence, start, end, label))
        n_labels = int(self._label_ids.max()) + 1
        if bool(((label < 0) | (label >= n_labels)).any()):
            raise ValueError(f"labels of spans must be from 0 to {n_labels - 1}")
        device = self.lattices[0].layout.device
        total = torch.full((len(label),), -torch.inf, dtype=torch.float64, device=device)
        for lattice, label_ids in zip(self.lattices, self._label_ids, strict=True):
            own = np.full(n_labels, -1)
            own[label_ids] = np.arange(len(label_ids))
            own_label = torch.from_numpy(own)[label]  # (n_spans,) in this chain, -1 where it is not
            rows = (own_label >= 0).nonzero().squeeze(1)
            if not len(rows):
                continue
            tags = self._tags_of(own_label[rows])
            log_probs = lattice.span_log_probs(sequence[rows], start[rows], end[rows], tags)
            rows = rows.to(device)
            total[rows] = log_any(total[rows], log_probs.clamp_max(0.0))
        return total.clamp_max(0.0)

    def candidates(self, least: float) -> np.ndarray:
        """Spans among which are all that have at least some probability at any level.

        RETURNS (np.ndarray): int64 rows of a sequence, start, end and label each; a span may be
            there twice. *Shape:* (n, 4)
        RAISES ValueError: least is not above 0 and at most 1.
        """
        if not 0 < least <= 1:
            raise ValueError(f"the least probability must be above 0 and at most 1, got {least}")
        found = [np.zeros((0, 4), dtype=np.int64)]
        n_levels = np.bincount(self._label_ids[:, 0]).max()
        # Not all of n levels can have less than this: their product would be above 1 - least.
        in_chain = min(1.0, -float(np.expm1(np.log1p(-least) / n_levels))) if least < 1 else 1.0
        in_chain *= 1 - 1e-9
        for lattice, label_ids in zip(self.lattices, self._label_ids, strict=True):
            sequence, start, end, label = likely_spans(lattice, self._tags, in_chain)
            columns = (sequence.numpy(), start.numpy(), end.numpy(), label_ids[label.numpy()])
            found.append(np.stack(columns, axis=1))
        return np.concatenate(found)

    def _tags_of(self, label: Tensor) -> SpanTags:
        tags = self._tags
        return SpanTags(tags.first[label], tags.inside[label], tags.last[label], tags.unit[label])


def log_any(one: Tensor, other: Tensor) -> Tensor:
    """The log probability of either of two independent events, from theirs.

    It is p + q (1 - p), where nothing cancels, however small or near to 1 they are.
    """
    return torch.logaddexp(one, other + log_complement(one))


def log_complement(log_prob: Tensor) -> Tensor:
    """log(1 - exp(x)) of x at most 0.

    Mächler (2012), "Accurately computing log(1 - exp(-|a|))".
    """
    is_large = log_prob > -np.log(2.0)
    large = torch.where(is_large, log_prob, -1.0)
    small = torch.where(is_large, -1.0, log_prob)
    return torch.where(is_large, (-torch.expm1(large)).log(), torch.log1p(-small.exp()))
