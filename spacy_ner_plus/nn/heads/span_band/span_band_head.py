"""The biaffine head: the scores of all spans of up to max_width tokens, for each label.

A span may have several labels or none: each logit is that of a question of its own.
"""

from collections.abc import Iterator
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn
from torch.utils.checkpoint import checkpoint

from ..span_head import SpanHead
from .band_cells import AdditiveTerms, Biaffine, TokenLayer
from .band_convolution import BandConvolution
from .band_layout import BandChunk, BandLayout, cells_in
from .band_priors import check_counts, label_log_odds, width_log_odds
from .band_spans import BandSpans, LogOddsLines, join_spans, take_spans

# Rows of the band that are computed at once. With 12 columns and 64 channels the largest array of
# the convolution then takes 28 MB.
MAX_ROWS = 1024
# See SpanBandHead.find_spans.
FLOOR = 0.05


@dataclass(frozen=True, kw_only=True)
class BandSizes:
    """How large the parts of a SpanBandHead are: plain data.

    width (int): Numbers of a token vector; None if features are given in place of vectors.
    n_labels (int): Labels.
    max_width (int): Tokens of the widest spans.
    hidden_width (int): Numbers of a token as start, as end, and within a span.
    n_blocks (int): Convolutions over the band; 0 for none.
    channels (int): Numbers of a span within them.
    RAISES ValueError: If one of them is too small.
    """

    width: int | None
    n_labels: int
    max_width: int = 12
    hidden_width: int = 128
    n_blocks: int = 0
    channels: int = 64

    def __post_init__(self) -> None:
        for name, value in asdict(self).items():
            least = 0 if name == "n_blocks" else 1
            if value is not None and value < least:
                raise ValueError(f"{name} = {value} must be at least {least}.")


class SpanBandHead(SpanHead):
    """Token vectors to the logits of all spans of the band.

    There are two steps. `read_tokens` is of each token alone, so that it can read the vectors of
    some tokens at a time, as they come from an encoder. `forward` is of spans, in chunks of rows:
    what it gives does not depend on them, nor on what else is in the batch. All of it is in the
    weights' precision, with autocast or without.

    sizes (BandSizes): Of its parts.
    dropout (float): Share of the numbers of vectors and of features dropped in training.
    max_rows (int): Rows of the band that are computed at once. If there are more of them in
        training, they are computed again in the backward pass.

    Attributes:
        tokens (TokenLayer): From vectors to features. Not there without a width.
        bias (nn.Parameter): A score of each label. *Shape:* (n_labels,)
        undecayed (tuple): Matrices whose zeros mean something: no preference among widths.
    """

    undecayed = ("terms.widths", "cells.widths")
    tokens: TokenLayer

    def __init__(self, sizes: BandSizes, *, dropout: float, max_rows: int = MAX_ROWS) -> None:
        super().__init__()
        self.sizes = sizes
        self.max_rows = max_rows
        hidden_width, n_labels = sizes.hidden_width, sizes.n_labels
        if sizes.width is not None:
            self.tokens = TokenLayer(sizes.width, hidden_width, dropout=dropout)
        self.biaffine = Biaffine(hidden_width, n_labels)
        self.terms = AdditiveTerms(hidden_width, sizes.max_width, n_labels)
        self.bias = nn.Parameter(torch.zeros(n_labels))
        self.cells: AdditiveTerms | None = None
        self.convolution: BandConvolution | None = None
        if sizes.n_blocks:
            self.cells = AdditiveTerms(hidden_width, sizes.max_width, sizes.channels)
            self.convolution = BandConvolution(n_labels, sizes.channels, sizes.n_blocks)
        nothing = np.zeros((sizes.max_width, n_labels), dtype=np.int64)
        self.set_priors(nothing, nothing)

    @property
    def config(self) -> dict[str, Any]:
        """What it is, as plain data."""
        return asdict(self.sizes)

    @property
    def width(self) -> int | None:
        """See SpanHead.width."""
        return self.sizes.width

    @property
    def n_features(self) -> int:
        """Numbers of a token between the two steps."""
        return 3 * self.sizes.hidden_width

    def layout(self, lengths: np.ndarray, device: torch.device) -> BandLayout:
        """The band of documents of these lengths, (n_docs,) int64."""
        return BandLayout(lengths, self.sizes.max_width, device)

    def read_tokens(self, vectors: Tensor) -> Tensor:
        """The features of tokens, (n_rows, width) -> (n_rows, n_features)."""
        with torch.autocast(vectors.device.type, enabled=False):
            features: Tensor = self.tokens(vectors.to(self.bias.dtype))
            return features

    def forward(self, features: Tensor, layout: BandLayout) -> Tensor:
        """The logits of all spans, (n_rows, max_width, n_labels); -inf for what is no span.

        features (Tensor): What read_tokens gives. *Shape:* (n_rows, n_features)
        layout (BandLayout): Of their documents.
        RAISES ValueError: If it has other rows or another width.
        """
        chunks = [logits for _, logits in self.logit_chunks(features, layout)]
        return torch.cat(chunks) if len(chunks) > 1 else chunks[0]

    def logit_chunks(
        self, features: Tensor, layout: BandLayout
    ) -> Iterator[tuple[BandChunk, Tensor]]:
        """The logits of some rows at a time, so that those of a long document need not be kept.

        The arguments are those of forward.
        YIELDS: A chunk, and the logits of its rows (rows, max_width, n_labels).
        RAISES ValueError: As forward.
        """
        self._check(features, layout)
        recomputes = torch.is_grad_enabled() and layout.n_rows > self.max_rows
        for chunk in layout.chunks(self.max_rows, self.sizes.n_blocks):
            parts = features[chunk.tokens], layout.room[chunk.starts]
            if recomputes:
                logits = checkpoint(
                    self.logits_of, *parts, use_reentrant=False, preserve_rng_state=False
                )
            else:
                logits = self.logits_of(*parts)
            yield chunk, logits[chunk.wanted]

    def logits_of(self, features: Tensor, room: Tensor) -> Tensor:
        """The logits of rows in one go, (n_starts, max_width, n_labels), as those of forward.

        features (Tensor): Of the starts, and of the tokens of their spans behind the last start.
            *Shape:* (n_tokens, n_features)
        room (Tensor): See BandLayout.room. *Shape:* (n_starts,)
        """
        n_starts, max_width = len(room), self.sizes.max_width
        with torch.autocast(features.device.type, enabled=False):
            start, end, _ = features.chunk(3, dim=1)  # (n_tokens, hidden_width) each
            products = self.biaffine(start[:n_starts], end, max_width)
            logits = products + self.terms(features, n_starts) + self.bias
            if self.cells is not None and self.convolution is not None:
                cells = self.cells(features, n_starts)  # (n_starts, max_width, channels)
                logits = logits + self.convolution(cells, products, room)
        is_span = cells_in(room, max_width).unsqueeze(2)  # (n_starts, max_width, 1)
        result: Tensor = logits.masked_fill(~is_span, -torch.inf)
        return result

    def find_spans(
        self,
        features: Tensor,
        layout: BandLayout,
        *,
        floor: float = FLOOR,
        lines: LogOddsLines | None = None,
    ) -> BandSpans:
        """The spans that are probable enough, in memory that does not grow with the documents.

        features, layout: As those of forward.
        floor (float): Probability that a span must have at least.
        lines (LogOddsLines): What the logits mean; None if they are the log odds themselves.
        RAISES ValueError: As forward and take_spans.
        """
        with torch.no_grad():
            found = [
                take_spans(logits, layout, first_row=chunk.rows.start, floor=floor, lines=lines)
                for chunk, logits in self.logit_chunks(features, layout)
            ]
        return join_spans(found)

    @torch.no_grad()
    def set_priors(
        self, n_gold: np.ndarray, n_known: np.ndarray, raised_by: np.ndarray | None = None
    ) -> None:
        """Let every span of a width be as probable at first as a label is in the data.

        So the first steps need not learn that spans are rare, as those of Lin et al. (2017), "Focal
        loss for dense object detection". See band_priors for widths that occur seldom.

        n_gold: (max_width, n_labels) int64, spans that have a label, by width. See
            BandTargets.counts.
        n_known: (max_width, n_labels) int64, spans of which it is known whether they have it.
        raised_by: (n_labels,) float, by how much the loss raises logits above the log odds of the
            data: see BandLoss.raised_by. None for not at all.
        RAISES ValueError: If there are fewer known spans than have the label, or other shapes.
        """
        check_counts(n_gold, n_known, (self.sizes.max_width, self.sizes.n_labels))
        of_labels = label_log_odds(n_gold, n_known)  # (n_labels,)
        of_widths = width_log_odds(n_gold, n_known) - of_labels  # (max_width, n_labels)
        raised = of_labels if raised_by is None else of_labels + raised_by
        self.bias.copy_(torch.from_numpy(raised))
        self.terms.widths.copy_(torch.from_numpy(of_widths))

    def _check(self, features: Tensor, layout: BandLayout) -> None:
        if features.shape != (layout.n_rows, self.n_features):
            raise ValueError(
                f"The documents have {layout.n_rows} rows of {self.n_features} features, but the "
                f"features' shape is {tuple(features.shape)}: they are what read_tokens gives."
            )
        if layout.max_width != self.sizes.max_width:
            raise ValueError(
                f"The layout is of spans of up to {layout.max_width} tokens, but the head scores "
                f"those of up to {self.sizes.max_width}: make it with the head's `layout`."
            )
