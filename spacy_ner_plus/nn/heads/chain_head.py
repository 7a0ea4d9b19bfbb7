"""The head of chains: the scores of the tags of a CRF for each label, or layer, and level.

Few spans lie within others of their label, so few teach what the deeper levels look for. What makes
an entity is the same at all levels, though: a deeper one adds what it has learned itself to the
scores of the outermost, and so learns only what is different.
"""

import torch
from torch import Tensor

from ...nesting.chain_plan import ChainPlan
from .label_crfs import LabelCRFs
from .span_head import SpanHead
from .tag_head import TagHead


class ChainHead(SpanHead):
    """Token vectors to the emissions of all chains, and the CRFs that read them.

    width (int): Numbers of a token vector; None if emissions are given in place of vectors.
    plan (ChainPlan): The chains.
    scheme_name (str): Of the tags of all chains: see TagScheme.
    dropout (float): Share of the vectors' numbers dropped in training.
    RAISES ValueError: There are no chains, or the scheme is unknown.

    Attributes:
        tags (TagHead): One linear layer for all chains: the scores of the outermost levels, and the
            differences from these of the deeper ones.
        outermost (Tensor): int64, for each chain the one of level 0 of its labels. *Shape:*
            (n_chains,)
        is_deeper (Tensor): 1 for chains of deeper levels, 0 for others. *Shape:* (n_chains, 1)
    """

    outermost: Tensor
    is_deeper: Tensor

    undecayed = ("tags.decoder.",)

    def __init__(
        self, width: int | None, plan: ChainPlan, scheme_name: str, *, dropout: float
    ) -> None:
        super().__init__()
        self.plan = plan
        self.tags = TagHead(width, LabelCRFs(plan, scheme_name), dropout=dropout)
        outermost = [i - chain.level for i, chain in enumerate(plan.chains)]
        levels = torch.tensor([[chain.level] for chain in plan.chains])  # (n_chains, 1)
        self.register_buffer("outermost", torch.tensor(outermost), persistent=False)
        self.register_buffer("is_deeper", (levels > 0).float(), persistent=False)

    @property
    def crfs(self) -> LabelCRFs:
        """The CRFs of all chains."""
        crfs = self.tags.decoder
        assert isinstance(crfs, LabelCRFs)
        return crfs

    @property
    def width(self) -> int | None:
        """See SpanHead.width."""
        return self.tags.width

    @property
    def n_features(self) -> int:
        """The tags of all chains."""
        return self.tags.n_features

    def read_tokens(self, vectors: Tensor) -> Tensor:
        """The emissions, (n_rows, width) -> (n_rows, n_features) float32."""
        crfs = self.crfs
        each = self.tags(vectors).unflatten(1, (crfs.n_chains, crfs.n_tags_each))
        # (n_rows, n_chains, n_tags_each)
        emissions: Tensor = each + self.is_deeper * each[:, self.outermost]
        return emissions.flatten(1)
