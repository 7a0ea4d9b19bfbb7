"""The biaffine head as a decoder of spans."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import ClassVar

import numpy as np
import torch

from ...nn.heads.span_band import (
    BandLayout,
    BandLoss,
    BandTargets,
    GoldSpans,
    LogOddsLines,
    SpanBandHead,
    known_cells,
    make_targets,
)
from .entities import NO_ENTITIES, Entities
from .row_features import RowFeatures
from .row_gold import RowGold
from .span_calibration import SpanCalibration
from .span_decoder import SpanLearning, SpanLosses

_CPU = torch.device("cpu")


@dataclass(frozen=True)
class BandDecoder:
    """Reads spans of up to max_width tokens from a SpanBandHead.

    head (SpanBandHead): The head.
    labels (Tuple[str, ...]): In the order of its scores.
    """

    head: SpanBandHead
    labels: tuple[str, ...]
    negatives_count: ClassVar[bool] = True

    def find_spans(
        self, rows: RowFeatures, *, floor: float, calibration: SpanCalibration
    ) -> list[Entities]:
        """See SpanDecoder.find_spans."""
        layout = self.head.layout(rows.lengths, rows.features.device)
        lines = log_odds_lines(calibration, self.labels)
        spans = self.head.find_spans(rows.features, layout, floor=floor, lines=lines)
        found = [NO_ENTITIES] * len(rows.row_tokens)
        bounds = np.searchsorted(spans.docs, np.arange(layout.n_docs + 1))  # (n_docs + 1,)
        for doc in np.unique(spans.docs).tolist():
            own = slice(bounds[doc], bounds[doc + 1])
            tokens = rows.row_tokens[doc]  # (n_rows_of_doc,)
            found[doc] = Entities(
                tokens[spans.starts[own]],
                tokens[spans.ends[own] - 1] + 1,
                spans.labels[own],
                spans.probabilities[own],
            )
        return found

    def losses(
        self, rows: RowFeatures, gold: Sequence[RowGold], learning: SpanLearning
    ) -> SpanLosses:
        """See SpanDecoder.losses."""
        layout = self.head.layout(rows.lengths, rows.features.device)
        targets = self._targets(layout, gold)
        logits = self.head(rows.features, layout)  # (n_rows, max_width, n_labels)
        of_docs = self._loss(learning).of_docs(logits, targets, layout)
        return SpanLosses(of_docs, targets.n_known_rows)

    def begin_with(
        self, batches: Iterable[Sequence[RowGold]], learning: SpanLearning
    ) -> np.ndarray:
        """Begin with the labels' priors. See SpanDecoder.begin_with."""
        shape = (self.head.sizes.max_width, len(self.labels))
        n_gold, n_known = np.zeros(shape, dtype=np.int64), np.zeros(shape, dtype=np.int64)
        n_too_wide = np.zeros(len(self.labels), dtype=np.int64)
        for gold in batches:
            layout = self.head.layout(np.array([one.n_rows for one in gold]), _CPU)
            targets = self._targets(layout, gold)
            own_gold, own_known = targets.counts()
            n_gold += own_gold
            n_known += own_known
            n_too_wide += targets.n_too_wide
        self.head.set_priors(n_gold, n_known, self._loss(learning).raised_by)
        return n_too_wide

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
        no_rows = np.zeros((0, n_labels), dtype=bool)
        is_known = np.concatenate([no_rows, *(one.known for one in gold)])  # (n_rows, n_labels)
        known = None if is_known.all() else known_cells(layout, n_labels, tokens=is_known)
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
