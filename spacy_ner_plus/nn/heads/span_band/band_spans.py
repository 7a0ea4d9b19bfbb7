"""Spans of the band that are probable, as columns."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from torch import Tensor

from ...crf.transfer import to_device
from .band_layout import BandLayout


@dataclass(frozen=True)
class LogOddsLines:
    """The log odds that a logit x of a label means: slope * x + intercept.

    A temperature T is the slope 1 / T. What the loss has raised logits by (see BandLoss) is taken
    off by an intercept. Lines after each other are a line.

    slopes, intercepts: (n_labels,) float64.
    RAISES ValueError: If a slope is not over 0, or a number not finite.
    """

    slopes: np.ndarray
    intercepts: np.ndarray

    def __post_init__(self) -> None:
        are_finite = np.isfinite(self.slopes).all() and np.isfinite(self.intercepts).all()
        if not are_finite or not (self.slopes > 0).all():
            raise ValueError(
                f"Slopes {self.slopes} must be over 0, and intercepts {self.intercepts} finite."
            )


@dataclass(frozen=True)
class BandSpans:
    """Spans with a label and their probabilities, by document, start, end and label.

    docs: (n,) int64, the document's position in the batch.
    starts, ends: (n,) int64, rows of the document, ends exclusive.
    labels: (n,) int64.
    log_odds: (n,) float64; they tell probabilities near 1 apart, too.
    """

    docs: np.ndarray
    starts: np.ndarray
    ends: np.ndarray
    labels: np.ndarray
    log_odds: np.ndarray

    def __len__(self) -> int:
        return len(self.docs)

    @cached_property
    def probabilities(self) -> np.ndarray:
        """(n,) float64: that the document has exactly this span with this label."""
        return np.asarray(0.5 * (1.0 + np.tanh(0.5 * self.log_odds)))


def take_spans(
    logits: Tensor,
    layout: BandLayout,
    *,
    first_row: int = 0,
    floor: float,
    lines: LogOddsLines | None = None,
) -> BandSpans:
    """The spans that are probable enough. Only they leave the logits' device.

    logits (Tensor): Of some rows, one after the other. *Shape:* (rows, max_width, n_labels)
    layout (BandLayout): Of the whole batch.
    first_row (int): The first one of these rows.
    floor (float): Probability that a span must have at least.
    lines (LogOddsLines): What the logits mean; None if they are the log odds themselves.
    RAISES ValueError: If the floor is not from 0 to 1, or a logit is nan or +inf.
    """
    if not 0.0 <= floor <= 1.0:
        raise ValueError(f"floor = {floor} must be from 0 to 1.")
    is_span = layout.is_span(slice(first_row, first_row + len(logits)))  # (rows, max_width)
    log_odds = _log_odds(logits, lines)  # (rows, max_width, n_labels) float64
    if log_odds.numel() and not bool(log_odds.amax() < math.inf):  # false for nan, too
        raise ValueError(
            "scores of spans contain nan or +inf: the encoder's output, or the head's weights, are "
            "not finite"
        )
    is_taken = (log_odds >= _logit(floor)) & is_span.unsqueeze(2)
    cells = is_taken.flatten().nonzero().squeeze(1)  # (n,), ascending
    taken = log_odds.flatten()[cells].cpu().numpy()  # (n,)
    rows, columns, labels = np.unravel_index(cells.cpu().numpy(), tuple(logits.shape))
    rows = rows + first_row
    docs = layout.docs[rows]
    starts = rows - layout.firsts[docs]
    return BandSpans(docs, starts, starts + columns + 1, labels, taken)


def join_spans(parts: Sequence[BandSpans]) -> BandSpans:
    """All spans of some parts, one part after the other."""
    none = np.zeros(0, dtype=np.int64)
    parts = [BandSpans(none, none, none, none, np.zeros(0)), *parts]
    return BandSpans(
        docs=np.concatenate([part.docs for part in parts]),
        starts=np.concatenate([part.starts for part in parts]),
        ends=np.concatenate([part.ends for part in parts]),
        labels=np.concatenate([part.labels for part in parts]),
        log_odds=np.concatenate([part.log_odds for part in parts]),
    )


def _log_odds(logits: Tensor, lines: LogOddsLines | None) -> Tensor:
    exact = logits.double()
    if lines is None:
        return exact
    slopes, intercepts = (to_device(a, logits.device) for a in (lines.slopes, lines.intercepts))
    return exact * slopes + intercepts


def _logit(probability: float) -> float:
    if probability in (0.0, 1.0):
        return math.copysign(math.inf, probability - 0.5)
    return math.log(probability) - math.log1p(-probability)
