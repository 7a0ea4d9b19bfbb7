"""A CRF for each label, or each layer, and each level: a head for spans that nest.

A `TagHead` over it has one linear layer for the emissions of all chains. Alex, Haddow and Grover
(2007), "Recognising nested named entities in biomedical text", have taggers for each label, and for
layers, too; here they share an encoder, and are one model with exact probabilities.
"""

from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from ...nesting.chain_plan import ChainPlan
from ...tags import TagScheme
from ..crf import Layout, ParallelCRF
from .label_lattice import LabelLattice


@dataclass(frozen=True)
class LabelledSpans:
    """Spans of the sequences of a batch, each once, by sequence, start, end and label.

    sequences, starts, ends (np.ndarray): int64; rows of each one's sequence, end exclusive.
        *Shape:* (n_spans,)
    labels (np.ndarray): int64, indices into the labels of the plan. *Shape:* (n_spans,)
    """

    sequences: np.ndarray
    starts: np.ndarray
    ends: np.ndarray
    labels: np.ndarray

    def __len__(self) -> int:
        return len(self.starts)

    @classmethod
    def unique(cls, rows: np.ndarray) -> "LabelledSpans":
        """Of int64 rows of a sequence, start, end and label each. *Shape:* (n, 4)."""
        return cls(*np.unique(rows.reshape(-1, 4), axis=0).T)


class LabelCRFs(ParallelCRF):
    """The chains of a plan.

    Attributes:
        plan (ChainPlan): The chains.
        scheme (TagScheme): The tags of the first; those of the others are called otherwise.
        label_ids: The labels that those of the scheme stand for in each chain, int64 places among
            those of the plan. *Shape:* (chains, labels of the scheme)
    """

    def __init__(self, plan: ChainPlan, scheme_name: str) -> None:
        """Make a CRF for each chain.

        plan (ChainPlan): Which labels and levels the chains have.
        scheme_name (str): Of the tags of all chains: see TagScheme.
        RAISES ValueError: There are no chains, or the scheme is unknown.
        """
        schemes = [TagScheme(scheme_name, chain.labels) for chain in plan.chains]
        if not schemes:
            raise ValueError("there must be at least 1 chain: add labels before the head is made")
        each = schemes[0]  # but for the labels' names all are alike
        masks = (each.starts, each.transitions, each.ends)
        super().__init__(*(torch.tensor(mask) for mask in masks), n_chains=len(schemes))
        self.plan = plan
        self.scheme = each
        self.label_ids = np.array(
            [[plan.labels.index(label) for label in chain.labels] for chain in plan.chains]
        )

    def span_lattice(
        self, emissions: Tensor, layout: Layout, *, temperature: float | Tensor = 1.0
    ) -> LabelLattice:
        """The distribution over the spans of a batch.

        temperature (float | Tensor): See ParallelCRF.lattices.
        RAISES ValueError: As ParallelCRF.lattices.
        """
        lattices = self.lattices(emissions, layout, temperature=temperature)
        return LabelLattice(lattices, self.scheme, self.label_ids)

    def likely_spans(self, lattice: LabelLattice, least: float) -> tuple[LabelledSpans, np.ndarray]:
        """All spans that are at least so probable, whether or not they are on a best path.

        least (float): Above 0, at most 1.
        RETURNS (Tuple[LabelledSpans, np.ndarray]): The spans, and their log probabilities, float64.
            *Shape:* (n_spans,)
        RAISES ValueError: It is out of range.
        """
        found = LabelledSpans.unique(lattice.candidates(least))
        columns = (found.sequences, found.starts, found.ends, found.labels)
        log_probs = lattice.span_log_probs(*(torch.from_numpy(column) for column in columns))
        of_spans = log_probs.cpu().numpy()  # (n_spans,)
        kept = np.exp(of_spans) >= least
        return LabelledSpans(*(column[kept] for column in columns)), of_spans[kept]
