"""The head of chains: the scores of the tags of a CRF for each label, or layer, and level."""

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
        tags (TagHead): One linear layer for all chains.
    """

    undecayed = ("tags.decoder.",)

    def __init__(
        self, width: int | None, plan: ChainPlan, scheme_name: str, *, dropout: float
    ) -> None:
        super().__init__()
        self.plan = plan
        self.tags = TagHead(width, LabelCRFs(plan, scheme_name), dropout=dropout)

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
        emissions: Tensor = self.tags(vectors)
        return emissions
