"""Both heads of spans as one decoder: the band, and chains for what is wider than it."""

from collections.abc import Iterable, Sequence
from dataclasses import replace

import numpy as np
import torch
from torch import Tensor

from ...nesting.chain_plan import ChainPlan
from ...nn.heads.band_with_chains import BandWithChains
from .band_decoder import BandDecoder
from .chain_decoder import ChainDecoder
from .row_features import RowFeatures
from .row_gold import RowGold
from .row_spans import RowSpans, join_row_spans
from .span_calibration import SpanCalibration
from .span_decoder import HeadShape, SpanDecoder, SpanLearning, SpanLosses, UnlearnableSpans
from .span_settings import SpanHeadSettings


class BandWithChainsDecoder(SpanDecoder[BandWithChains]):
    """Reads spans of up to max_width tokens from the band, and wider ones from the chains.

    Both learn from all spans, as far as they can. The weight of negatives and the smoothing of
    boundaries act on the band alone; the lines of a calibration on what both give.
    """

    @property
    def band(self) -> BandDecoder:
        """What reads the band."""
        return BandDecoder(self.head.band, self.labels)

    @property
    def chains(self) -> ChainDecoder:
        """What reads the chains."""
        return ChainDecoder(self.head.chains, self.labels)

    @classmethod
    def plan_chains(
        cls,
        settings: SpanHeadSettings,
        labels: Sequence[str],
        batches: Iterable[Sequence[RowGold]],
    ) -> ChainPlan:
        """See ChainDecoder.plan_chains."""
        return ChainDecoder.plan_chains(settings, labels, batches)

    @classmethod
    def make_head(cls, shape: HeadShape) -> BandWithChains:
        """See SpanDecoder.make_head."""
        return BandWithChains(BandDecoder.make_head(shape), ChainDecoder.make_head(shape))

    @classmethod
    def grown_head(cls, head: BandWithChains, shape: HeadShape) -> BandWithChains:
        """See SpanDecoder.grown_head."""
        grown = BandWithChains(
            BandDecoder.grown_head(head.band, shape), ChainDecoder.grown_head(head.chains, shape)
        )
        return grown.train(head.training)

    def score_spans(
        self, rows: RowFeatures, *, floor: float, calibration: SpanCalibration
    ) -> RowSpans:
        """See SpanDecoder.score_spans."""
        of_band, of_chains = self._split(rows)
        narrow = self.band.score_spans(of_band, floor=floor, calibration=calibration)
        without_weight = replace(calibration, negative_weight=1.0)
        every = self.chains.score_spans(of_chains, floor=floor, calibration=without_weight)
        return join_row_spans([narrow, every.those(self._are_wide(every.starts, every.ends))])

    def raw_scores(self, rows: RowFeatures) -> Tensor:
        """Those of both. See SpanDecoder.raw_scores."""
        of_band, of_chains = self._split(rows)
        return torch.cat([self.band.raw_scores(of_band), self.chains.raw_scores(of_chains)])

    def losses(
        self, rows: RowFeatures, gold: Sequence[RowGold], learning: SpanLearning
    ) -> SpanLosses:
        """The sum of both. See SpanDecoder.losses."""
        of_band, of_chains = self._split(rows)
        one = self.band.losses(of_band, gold, learning)
        other = self.chains.losses(of_chains, gold, learning)
        n_left_out = 0
        if one.n_left_out and other.n_left_out:  # perhaps not the same ones
            n_left_out = sum(int(part.spans.sum()) for doc in gold for part in self.left_out(doc))
        of_docs = one.of_docs + other.of_docs
        return SpanLosses(of_docs, max(one.n_known, other.n_known), n_left_out)

    def begin_with(self, batches: Iterable[Sequence[RowGold]], learning: SpanLearning) -> None:
        """See BandDecoder.begin_with."""
        self.band.begin_with(batches, learning)

    def left_out(self, gold: RowGold) -> list[UnlearnableSpans]:
        """Those that no chain holds and that are wider than the band. See SpanDecoder.left_out."""
        are_wide = self._are_wide(gold.starts, gold.ends)  # (n_spans,)
        max_width = self.head.band.sizes.max_width
        return [
            UnlearnableSpans(
                f"have more than max_width = {max_width} tokens and {one.why}",
                "With a larger max_width they can be learned, in more time, in proportion.",
                one.spans & are_wide,
            )
            for one in self.chains.left_out(gold)
        ]

    def _are_wide(self, starts: np.ndarray, ends: np.ndarray) -> np.ndarray:
        """(n_spans,) bool, which spans are not in the band."""
        return np.asarray(ends - starts > self.head.band.sizes.max_width)

    def _split(self, rows: RowFeatures) -> tuple[RowFeatures, RowFeatures]:
        of_band, of_chains = self.head.split(rows.features)
        return RowFeatures(of_band, rows.row_tokens), RowFeatures(of_chains, rows.row_tokens)
