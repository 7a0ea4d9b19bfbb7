"""The shim of a module with a head of spans."""

from collections.abc import Iterable, Sequence
from dataclasses import asdict
from typing import Any

from thinc.api import Model
from torch import nn

from ...nesting.chain_plan import ChainPlan
from ...nn.heads.span_head import SpanHead
from ...nn.heads.span_readers import TokenSpanReader, TransformerSpanReader
from ..decoding.row_features import RowFeatures
from ..decoding.row_gold import RowGold
from ..decoding.scored_rows import ScoredRows
from ..decoding.span_calibration import SpanCalibration, read_span_calibration
from ..decoding.span_decoder import HeadShape, SpanDecoder
from ..decoding.span_heads import DECODERS
from ..decoding.span_settings import SpanHeadSettings
from .labelled_shim import LabelledShim, find_shim
from .shim_settings import TorchSettings
from .wordpiece_shim import WordpieceShim


class SpanShim(LabelledShim):
    """A module with a head of spans, and what its scores mean.

    config (TorchSettings): Those of the config.
    head (SpanHeadSettings): What the head is. It belongs to the weights.
    dropout (float): Dropout of token vectors, and of their features.
    RAISES ValueError: The dropout is out of range.

    Attributes:
        labels (tuple): In the order of the head's scores.
        chains (ChainPlan): Those that the data need, if the head has some: see plan_chains.
        calibration (SpanCalibration): How its scores become probabilities.
    """

    labels: tuple[str, ...]
    chains: ChainPlan | None
    calibration: SpanCalibration

    def __init__(self, config: TorchSettings, *, head: SpanHeadSettings, dropout: float) -> None:
        super().__init__(config, dropout=dropout)
        self.head = head
        self.labels = ()
        self.chains = None
        self.calibration = SpanCalibration()

    @property
    def decoder_type(self) -> type[SpanDecoder[Any]]:
        """What the head's settings ask for; it is known before there is a module."""
        return DECODERS[self.head.head]

    @property
    def decoder(self) -> SpanDecoder[Any]:
        """What reads the module's rows of features."""
        return self.decoder_type(self.module.head, self.labels)

    def make_head(self, width: int | None) -> SpanHead:
        """See LabelledShim.make_head. RAISES ValueError: If there are no labels."""
        head: SpanHead = self.decoder_type.make_head(self._shape(width))
        return head

    def score_rows(self, rows: RowFeatures) -> ScoredRows:
        """See LabelledShim.score_rows. Of spans, those that are more probable than not."""
        scores = self.decoder.raw_scores(rows).cpu().numpy()
        found = self.decoder.find_spans(rows, floor=0.5, calibration=self.calibration)
        return ScoredRows(scores, None, found)

    def plan_chains(
        self, labels: Sequence[str], batches: Iterable[Sequence[RowGold]]
    ) -> ChainPlan | None:
        """The chains for `start`. batches: See SpanDecoder.plan_chains."""
        return self.decoder_type.plan_chains(self.head, labels, batches)

    def start(self, labels: Sequence[str], chains: ChainPlan | None = None) -> None:
        """Forget what the weights were: new labels, nothing learned and nothing calibrated.

        chains (ChainPlan): What plan_chains gave for them; None as long as there is no data.
        """
        self.labels = tuple(labels)
        self.chains = chains
        self.calibration = SpanCalibration()

    def grow(self, labels: Sequence[str]) -> None:
        """Give the head scores of further labels; the old weights stay bit for bit as they are.

        labels (Sequence[str]): The present ones in the present order, followed by new ones.
        """
        self.labels = tuple(labels)
        if self.chains is not None:
            self.chains = self.chains.with_labels(self.labels)
        old: SpanHead = self.module.head
        self.module.head = self.decoder_type.grown_head(old, self._shape(old.width))
        self.place(self.module)

    def label_settings(self) -> dict[str, Any]:
        """See LabelledShim.label_settings."""
        chains = None
        if self.chains is not None:
            chains = [[list(family), n_levels] for family, n_levels in self.chains.levels]
        return {"labels": list(self.labels), "chains": chains}

    def start_with(self, saved: dict[str, Any]) -> None:
        """See LabelledShim.start_with."""
        self.start(_read_labels(saved["labels"]), self._read_chains(saved["chains"]))

    @property
    def structure(self) -> dict[str, Any]:
        """See TorchShim.structure. The head belongs to it."""
        return {**super().structure, **self.head.as_structure()}

    def settings(self) -> dict[str, Any]:
        """See TorchShim.settings. The calibration is added."""
        return {**super().settings(), "calibration": asdict(self.calibration)}

    def read_settings(self, saved: dict[str, Any]) -> None:
        """See TorchShim.read_settings. Labels, chains and calibration are read too."""
        super().read_settings(saved)
        self.labels = _read_labels(saved["labels"])
        try:
            self.chains = self._read_chains(saved["chains"])
            self.calibration = read_span_calibration(saved["calibration"])
        except ValueError as error:  # the file's fault, not the config's: read_files names it
            raise TypeError(str(error)) from error

    def _shape(self, width: int | None) -> HeadShape:
        return HeadShape(
            settings=self.head,
            width=width,
            labels=self.labels,
            chains=self.chains,
            dropout=self.dropout,
        )

    def _read_chains(self, saved: object) -> ChainPlan | None:
        """RAISES TypeError, ValueError: If they are no chains, or more than there may be."""
        if saved is None:
            return None
        if not isinstance(saved, list):
            raise TypeError(f"{saved!r:.200} are no chains")
        for family, n_levels in saved:
            if type(n_levels) is not int or n_levels > self.head.max_levels:
                raise TypeError(f"{n_levels!r:.200} are no {self.head.max_levels} levels")
            _read_labels(family)
        return ChainPlan.of_levels(saved)


class TransformerSpanShim(WordpieceShim, SpanShim):
    """A TransformerSpanReader: an encoder, and a head of spans over its vectors."""

    def rebuild(self, saved: dict[str, Any]) -> nn.Module:
        """See TorchShim.rebuild. It is an encoder with a head."""
        encoder = self.rebuild_encoder(saved)
        head = self.make_head(encoder.width)
        return TransformerSpanReader(encoder, head, pooling=self.config.pooling)


class TokenSpanShim(SpanShim):
    """A TokenSpanReader: a head of spans over vectors from elsewhere."""

    def rebuild(self, saved: dict[str, Any]) -> nn.Module:
        """See TorchShim.rebuild. It is a head alone: the vectors come from a tok2vec."""
        return TokenSpanReader(self.make_head(int(saved["width"])))


def span_shim_of(model: Model) -> SpanShim:
    """The shim with the head of spans.

    RAISES ValueError: There is none: the model is of another kind.
    """
    if shim := find_shim(model, SpanShim):
        return shim
    raise ValueError(
        f"The model {model.name!r} has no head of spans: use spacy_ner_plus.TransformerSpans.v1 or "
        "spacy_ner_plus.TokenSpans.v1."
    )


def _read_labels(saved: object) -> tuple[str, ...]:
    """RAISES TypeError: If they are no list of different names."""
    if isinstance(saved, list) and all(isinstance(label, str) for label in saved):
        labels = tuple(saved)
        if len(set(labels)) == len(labels):
            return labels
    raise TypeError(f"{saved!r:.200} are no labels")
