"""Spans that are known to be wrong, in the chains that could hold them.

A span has a label if any chain of the label has it. So one that is known not to have it is in none
of them, at whatever level: the chains are independent, and the probability of that is the product
of theirs.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch

from ...nn.crf import SpanFactors
from ...tags import TagScheme
from .rejected import possible_spans


@dataclass(frozen=True)
class ChainRejects:
    """What is known to be wrong of some Docs, where annotated spans leave it open.

    scheme (TagScheme): Of the tags of each chain.
    device (torch.device): Of the scores.
    rows: int64 (n, 5), the chain, Doc, start row, end row (exclusive) and label of each, by the
        scheme's labels.
    """

    scheme: TagScheme
    device: torch.device
    rows: np.ndarray

    @classmethod
    def of_docs(
        cls,
        spans: Sequence[np.ndarray],
        allowed: Sequence[np.ndarray],
        scheme: TagScheme,
        label_ids: np.ndarray,
        device: torch.device,
    ) -> "ChainRejects":
        """Put spans into all chains of their labels.

        spans: For each Doc, int64 (n, 3): start row, end row (exclusive) and label.
        allowed: For each Doc (n_rows, n_chains * n_tags) bool, what annotated spans permit.
        label_ids: int64 (n_chains, labels of the scheme), the labels that those stand for.
        """
        rows = []
        for doc, (own, permitted) in enumerate(zip(spans, allowed, strict=True)):
            if not len(own):
                continue
            by_chain = np.split(permitted, len(label_ids), axis=1)
            for chain, (ids, tags) in enumerate(zip(label_ids, by_chain, strict=True)):
                which, label = np.nonzero(own[:, 2:] == ids)  # (n,) each
                of_chain = np.column_stack([own[which, :2], label])
                rows += [(chain, doc, *span) for span in possible_spans(of_chain, tags, scheme)]
        return cls(scheme, device, np.array(rows, dtype=np.int64).reshape(-1, 5))

    @property
    def of_all(self) -> SpanFactors | None:
        """Those of any chain, by Doc, to divide Docs into groups by."""
        return self._factors(np.unique(self.rows[:, 1:], axis=0))

    def of_group(self, docs: np.ndarray) -> SpanFactors | None:
        """Those of some Docs, by the sequences of all chains: see ParallelCRF.chain_losses.

        docs: int64 (n_docs,), in the order of the sequences.
        """
        chains, own = self.rows[:, 0], self.rows[:, 1]
        place = np.full(max(own.max(initial=0), docs.max(initial=0)) + 1, -1)
        place[docs] = np.arange(len(docs))
        is_in_group = place[own] >= 0
        sequences = chains * len(docs) + place[own]  # (n,)
        return self._factors(np.column_stack([sequences, self.rows[:, 2:]])[is_in_group])

    def _factors(self, rows: np.ndarray) -> SpanFactors | None:
        """rows: int64 (n, 4)."""
        return SpanFactors.of_rejected(self.scheme, rows, self.device) if len(rows) else None
