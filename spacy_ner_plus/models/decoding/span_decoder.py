"""What a head of spans must be able to do: the face that all of them have.

A head is in a module that makes rows of features of tokens. Everything on spans is done here, on
these rows: they are scored, chosen ones are given back, and the loss is taken. The rows are the
model's output, and their gradient goes back to it; the head's own parameters collect theirs on the
way, as those of a CRF do.

A new head is a subclass in a file of its own, with its line in `span_heads`. Nobody else knows any
by name.
"""

from abc import ABC, abstractmethod
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType
from typing import ClassVar, Generic, TypeVar

import numpy as np
from torch import Tensor

from ...nesting.chain_plan import ChainPlan
from ...nn.heads.span_head import SpanHead
from .entities import Entities
from .row_features import RowFeatures
from .row_gold import RowGold
from .row_spans import RowSpans
from .span_calibration import SpanCalibration
from .span_settings import SpanHeadSettings

# Spans that are less probable are given by no head, unless a threshold lies below it.
FLOOR = 0.05


@dataclass(frozen=True, kw_only=True)
class HeadShape:
    """What a head is made for.

    settings (SpanHeadSettings): Those of the config.
    width (int): Numbers of a token vector; None for a head that is given features, which is the
        part of one that an exported graph leaves.
    labels (Tuple[str, ...]): In the order of its scores.
    chains (ChainPlan): What `plan_chains` gave, or what it became as labels were added.
    dropout (float): Of token vectors, and of their features.
    """

    settings: SpanHeadSettings
    width: int | None
    labels: tuple[str, ...]
    chains: ChainPlan | None
    dropout: float


@dataclass(frozen=True, kw_only=True)
class SpanLearning:
    """How spans are learned.

    label_weights: (n_labels,) float64, what training multiplies the odds of each label's entities
        by; None for 1.
    negative_weight (float): How much a span without a label counts in the loss, over 0.
    smoothing (float): Share of an entity that is given to the spans next to it, from 0 to less
        than 1.
    """

    label_weights: np.ndarray | None = None
    negative_weight: float = 1.0
    smoothing: float = 0.0


@dataclass(frozen=True)
class SpanLosses:
    """Losses of some documents, with a graph.

    of_docs: (n_docs,) float64 in nats, 0 where nothing is known.
    n_known (int): Rows of which something is known.
    n_left_out (int): Annotated spans that the head can't learn: see SpanDecoder.left_out.
    """

    of_docs: Tensor
    n_known: int
    n_left_out: int


@dataclass(frozen=True)
class UnlearnableSpans:
    """Annotated spans of a document that a head can't learn.

    why (str): What is so with them, and what to do (str) about it: for a message.
    spans: (n_spans,) bool, which of the annotated ones they are.
    """

    why: str
    what_to_do: str
    spans: np.ndarray


HeadT = TypeVar("HeadT", bound=SpanHead)


class SpanDecoder(ABC, Generic[HeadT]):
    """A head of spans, with the meaning of its labels.

    head (SpanHead): The head.
    labels (Tuple[str, ...]): In the order of its scores.

    Attributes:
        unheeded (Mapping[str, str]): What of SpanLearning means nothing to it, with the name of the
            component's setting.
    """

    unheeded: ClassVar[Mapping[str, str]] = MappingProxyType({})

    def __init__(self, head: HeadT, labels: tuple[str, ...]) -> None:
        self.head = head
        self.labels = labels

    # Heads

    @classmethod
    def plan_chains(
        cls,
        settings: SpanHeadSettings,
        labels: Sequence[str],
        batches: Iterable[Sequence[RowGold]],
    ) -> ChainPlan | None:
        """The chains that the training data need, if the head has any.

        batches: The annotation of all documents, some at a time. One without chains reads none.
        """
        return None

    @classmethod
    @abstractmethod
    def make_head(cls, shape: HeadShape) -> HeadT:
        """A new head.

        RAISES TypeError: It has chains, and there is no plan of them.
        """

    @classmethod
    @abstractmethod
    def grown_head(cls, head: HeadT, shape: HeadShape) -> HeadT:
        """A head for further labels, which start as very improbable ones.

        The weights of the old ones are the same bit for bit.

        head (SpanHead): Stays as it is.
        shape (HeadShape): That of the old one, with labels behind those that it has.
        """

    @classmethod
    def check_learning(cls, learning: SpanLearning) -> None:
        """RAISES ValueError: A setting is given that means nothing to the head."""
        default = SpanLearning()
        for name, setting in cls.unheeded.items():
            value = getattr(learning, name)
            if value != getattr(default, name):
                raise ValueError(
                    f"{setting} = {value} means nothing to this head, which does not score spans "
                    f"one by one: leave it at {getattr(default, name)}, or set head to another."
                )

    # Predicting

    def find_spans(
        self, rows: RowFeatures, *, floor: float, calibration: SpanCalibration
    ) -> list[Entities]:
        """The spans of each Doc that are probable enough, on its tokens.

        floor (float): The least probability, after calibration.
        calibration (SpanCalibration): How its scores become probabilities.
        RETURNS: For each Doc, from left to right. They may overlap and have several labels.
        """
        spans = self.score_spans(rows, floor=floor, calibration=calibration)
        return spans.on_tokens(rows.row_tokens)

    @abstractmethod
    def score_spans(
        self, rows: RowFeatures, *, floor: float, calibration: SpanCalibration
    ) -> RowSpans:
        """As find_spans, on rows."""

    @abstractmethod
    def raw_scores(self, rows: RowFeatures) -> Tensor:
        """All scores that probabilities are made of, (n_scores,) float32.

        Those of two heads with the same settings are of the same spans, or tags of chains.
        """

    # Learning

    @abstractmethod
    def losses(
        self, rows: RowFeatures, gold: Sequence[RowGold], learning: SpanLearning
    ) -> SpanLosses:
        """How improbable what is annotated is. gold: Of each Doc."""

    def begin_with(self, batches: Iterable[Sequence[RowGold]], learning: SpanLearning) -> None:
        """Set what can be told from the training data before anything is learned.

        batches: The annotation of all documents, some at a time. They need not be read.
        """

    @abstractmethod
    def left_out(self, gold: RowGold) -> list[UnlearnableSpans]:
        """The annotated spans of a document that the head can't learn, by reason."""
