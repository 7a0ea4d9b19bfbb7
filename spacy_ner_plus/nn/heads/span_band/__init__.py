"""The band of all spans of up to so many tokens: their scores, their loss, the probable ones."""

from .band_growth import with_labels
from .band_layout import BandLayout
from .band_loss import BandLoss
from .band_spans import BandSpans, LogOddsLines
from .band_targets import BandTargets, GoldSpans, known_cells, make_targets
from .span_band_head import BandSizes, SpanBandHead

__all__ = [
    "BandLayout",
    "BandLoss",
    "BandSizes",
    "BandSpans",
    "BandTargets",
    "GoldSpans",
    "LogOddsLines",
    "SpanBandHead",
    "known_cells",
    "make_targets",
    "with_labels",
]
