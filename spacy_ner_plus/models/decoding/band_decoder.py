"""The biaffine head as a decoder of spans."""

from collections.abc import Iterable, Sequence

import numpy as np
import torch
from torch import Tensor

from ...nn.heads.span_band import (
    BandLayout,
    BandLoss,
    BandSizes,
    BandTargets,
    GoldSpans,
    LogOddsLines,
    SpanBandHead,
    known_cells,
    make_targets,
    with_labels,
)
from .row_features import RowFeatures
from .row_gold import RowGold
from .row_spans import RowSpans
from .span_calibration import SpanCalibration
from .span_decoder import HeadShape, SpanDecoder, SpanLearning, SpanLosses, UnlearnableSpans

_CPU = torch.device("cpu")


class BandDecoder(SpanDecoder[SpanBandHead]):
    """Reads spans of up to max_width tokens from a SpanBandHead."""

    @classmethod
    def make_head(cls, shape: HeadShape) -> SpanBandHead:
        """See SpanDecoder.make_head."""
        settings = shape.settings
        sizes = BandSizes(
            width=shape.width,
            n_labels=len(shape.labels),
            max_width=settings.max_width,
            hidden_width=settings.hidden_width,
            n_blocks=settings.convolutions,
            channels=settings.channels,
        )
        return SpanBandHead(sizes, dropout=shape.dropout)

    @classmethod
    def grown_head(cls, head: SpanBandHead, shape: HeadShape) -> SpanBandHead:
        """See SpanDecoder.grown_head."""
        return with_labels(head, len(shape.labels))

    def score_spans(
        self, rows: RowFeatures, *, floor: float, calibration: SpanCalibration
    ) -> RowSpans:
        """See SpanDecoder.score_spans."""
        layout = self.head.layout(rows.lengths, rows.features.device)
        lines = log_odds_lines(calibration, self.labels)
        spans = self.head.find_spans(rows.features, layout, floor=floor, lines=lines)
        return RowSpans(spans.docs, spans.starts, spans.ends, spans.labels, spans.probabilities)

    def raw_scores(self, rows: RowFeatures) -> Tensor:
        """The logits of all spans. See SpanDecoder.raw_scores."""
        layout = self.head.layout(rows.lengths, rows.features.device)
        with torch.no_grad():
            logits = self.head(rows.features, layout)  # (n_rows, max_width, n_labels)
        scores: Tensor = logits[layout.is_span()].flatten()
        return scores

    def losses(
        self, rows: RowFeatures, gold: Sequence[RowGold], learning: SpanLearning
    ) -> SpanLosses:
        """See SpanDecoder.losses."""
        layout = self.head.layout(rows.lengths, rows.features.device)
        targets = self._targets(layout, gold)
        logits = self.head(rows.features, layout)  # (n_rows, max_width, n_labels)
        of_docs = self._loss(learning).of_docs(logits, targets, layout)
        return SpanLosses(of_docs, targets.n_known_rows, int(targets.n_too_wide.sum()))

    def begin_with(self, batches: Iterable[Sequence[RowGold]], learning: SpanLearning) -> None:
        """Begin with the labels' priors. See SpanDecoder.begin_with."""
        shape = (self.head.sizes.max_width, len(self.labels))
        n_gold, n_known = np.zeros(shape, dtype=np.int64), np.zeros(shape, dtype=np.int64)
        for gold in batches:
            layout = self.head.layout(np.array([one.n_rows for one in gold]), _CPU)
            own_gold, own_known = self._targets(layout, gold).counts()
            n_gold += own_gold
            n_known += own_known
        self.head.set_priors(n_gold, n_known, self._loss(learning).raised_by)

    def left_out(self, gold: RowGold) -> list[UnlearnableSpans]:
        """Those that are wider than the band. See SpanDecoder.left_out."""
        max_width = self.head.sizes.max_width
        return [
            UnlearnableSpans(
                f"have more than max_width = {max_width} tokens",
                "A larger max_width takes more time, in proportion; with the head crf_per_label or "
                "both there are spans of any width.",
                gold.ends - gold.starts > max_width,
            )
        ]

    def _targets(self, layout: BandLayout, gold: Sequence[RowGold]) -> BandTargets:
        sizes = [len(one.starts) for one in gold]
        nothing = np.zeros(0, dtype=np.int64)
        spans = GoldSpans(
            docs=np.repeat(np.arange(len(gold)), sizes),
            starts=np.concatenate([nothing, *(one.starts for one in gold)]),
            ends=np.concatenate([nothing, *(one.ends for one in gold)]),
            labels=np.concatenate([nothing, *(one.labels for one in gold)]),
        )
        n_labels = len(self.labels)
        rejected = [np.insert(one.rejected, 0, i, axis=1) for i, one in enumerate(gold)]
        no_spans = np.zeros((0, 4), dtype=np.int64)
        no_rows = np.zeros((0, n_labels), dtype=bool)
        is_known = np.concatenate([no_rows, *(one.known for one in gold)])  # (n_rows, n_labels)
        known = None
        if not is_known.all():
            known = known_cells(
                layout, n_labels, tokens=is_known, spans=np.concatenate([*rejected, no_spans])
            )
        return make_targets(layout, spans, n_labels, known)

    def _loss(self, learning: SpanLearning) -> BandLoss:
        return BandLoss(
            n_labels=len(self.labels),
            negative_weight=learning.negative_weight,
            label_weights=learning.label_weights,
            smoothing=learning.smoothing,
        )


def log_odds_lines(calibration: SpanCalibration, labels: Sequence[str]) -> LogOddsLines:
    """What the logits of labels mean under a calibration: one line for each label.

    Logits x become slope * (x + log of the negatives' weight) + intercept: see SpanCalibration.
    """
    lines = [calibration.by_label.get(label, calibration.line) for label in labels]
    slopes = np.array([line.slope for line in lines], dtype=np.float64)  # (n_labels,)
    intercepts = np.array([line.intercept for line in lines], dtype=np.float64)  # (n_labels,)
    return LogOddsLines(slopes, slopes * np.log(calibration.negative_weight) + intercepts)
