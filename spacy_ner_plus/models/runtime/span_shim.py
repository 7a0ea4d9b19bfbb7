"""The shim of a module with a head of spans."""

from collections.abc import Sequence
from dataclasses import asdict
from typing import Any

from thinc.api import Model
from torch import nn

from ...nn.heads.span_band import SpanBandHead, with_labels
from ...nn.heads.span_head import SpanHead
from ...nn.heads.span_readers import TokenSpanReader, TransformerSpanReader
from ..decoding.band_decoder import BandDecoder
from ..decoding.span_calibration import SpanCalibration, read_span_calibration
from ..decoding.span_decoder import SpanDecoder
from .labelled_shim import LabelledShim
from .shim_settings import TorchSettings
from .span_settings import SpanHeadSettings
from .wordpiece_shim import WordpieceShim


class SpanShim(LabelledShim):
    """A module with a head of spans, and what its scores mean.

    config (TorchSettings): Those of the config.
    head (SpanHeadSettings): What the head is. It belongs to the weights.
    dropout (float): Dropout of token vectors, and of their features.
    RAISES ValueError: The dropout is out of range.

    Attributes:
        labels (tuple): In the order of the head's scores.
        calibration (SpanCalibration): How its scores become probabilities.
    """

    labels: tuple[str, ...]
    calibration: SpanCalibration

    def __init__(self, config: TorchSettings, *, head: SpanHeadSettings, dropout: float) -> None:
        super().__init__(config, dropout=dropout)
        self.head = head
        self.labels = ()
        self.calibration = SpanCalibration()

    @property
    def decoder(self) -> SpanDecoder:
        """What reads the module's rows of features."""
        return BandDecoder(self.module.head, self.labels)

    def make_head(self, width: int) -> SpanHead:
        """A new head for the labels over token vectors of this length.

        RAISES ValueError: If there are no labels.
        """
        sizes = self.head.sizes(width, len(self.labels))
        return SpanBandHead(sizes, dropout=self.dropout)

    def start(self, labels: Sequence[str]) -> None:
        """Forget what the weights were: new labels, nothing learned and nothing calibrated."""
        self.labels = tuple(labels)
        self.calibration = SpanCalibration()

    def grow(self, labels: Sequence[str]) -> None:
        """Give the head scores of further labels; the old weights stay bit for bit as they are.

        labels (Sequence[str]): The present ones in the present order, followed by new ones.
        """
        self.labels = tuple(labels)
        self.module.head = with_labels(self.module.head, len(self.labels))
        self.place(self.module)

    def label_settings(self) -> dict[str, Any]:
        """See LabelledShim.label_settings."""
        return {"labels": list(self.labels)}

    def start_with(self, saved: dict[str, Any]) -> None:
        """See LabelledShim.start_with."""
        self.start(_read_labels(saved["labels"]))

    @property
    def structure(self) -> dict[str, Any]:
        """See TorchShim.structure. The head belongs to it."""
        return {**super().structure, **self.head.as_structure()}

    def settings(self) -> dict[str, Any]:
        """See TorchShim.settings. The calibration is added."""
        return {**super().settings(), "calibration": asdict(self.calibration)}

    def read_settings(self, saved: dict[str, Any]) -> None:
        """See TorchShim.read_settings. Labels and calibration are read too."""
        super().read_settings(saved)
        self.labels = _read_labels(saved["labels"])
        try:
            self.calibration = read_span_calibration(saved["calibration"])
        except ValueError as error:  # the file's fault, not the config's: read_files names it
            raise TypeError(str(error)) from error


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
        return TokenSpanReader(self.make_head(saved["width"]))


def span_shim_of(model: Model) -> SpanShim:
    """The shim of the one node that has a head of spans.

    It is looked for, and not a thinc reference, because copies of a model lose their references.
    RAISES ValueError: There is none: the model is of another kind.
    """
    for node in model.walk():
        for shim in node.shims:
            if isinstance(shim, SpanShim):
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
