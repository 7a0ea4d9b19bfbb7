"""What the band should learn: which spans have a label, and of which it is known."""

from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from ...crf.transfer import to_device
from .band_layout import BandLayout, neighbours

# In start and end: the spans between which boundary smoothing moves mass.
_NEXT_TO = ((-1, 0), (1, 0), (0, -1), (0, 1))


@dataclass(frozen=True)
class GoldSpans:
    """Annotated spans of some documents; several labels a span are several entries.

    docs: (n,) int64, the document's position in the batch.
    starts, ends: (n,) int64, rows of the document, ends exclusive.
    labels: (n,) int64.
    """

    docs: np.ndarray
    starts: np.ndarray
    ends: np.ndarray
    labels: np.ndarray

    def __len__(self) -> int:
        return len(self.docs)


@dataclass(frozen=True)
class BandTargets:
    """What is known of the cells of a band.

    gold (Tensor): bool, the labels that cells have. *Shape:* (n_rows, max_width, n_labels)
    known (Tensor): bool, where it is known whether cells have a label: only spans, and all gold.
        *Shape:* (n_rows, max_width, n_labels)
    n_too_wide: (n_labels,) int64, annotated spans that are wider than the band and not in it.
    """

    gold: Tensor
    known: Tensor
    n_too_wide: np.ndarray

    @property
    def n_known_rows(self) -> int:
        """Rows of which something is known: losses are divided by their number."""
        return int(self.known.flatten(1).any(dim=1).sum())

    def counts(self) -> tuple[np.ndarray, np.ndarray]:
        """How many spans have a label and are known, (max_width, n_labels) int64 each."""
        return self.gold.sum(dim=0).cpu().numpy(), self.known.sum(dim=0).cpu().numpy()

    def smoothed(self, smoothing: float, dtype: torch.dtype = torch.float32) -> Tensor:
        """How much of a label each cell should have, (n_rows, max_width, n_labels).

        Zhu and Li (2022), "Boundary smoothing for named entity recognition", with D = 1: a quarter
        of the smoothing is moved from each gold span to each of the four whose start or end differs
        by one token. What would go to a cell that is no span of the band, or of which the label is
        not known, stays where it is. So the sum is the number of gold spans, and no target is over
        1.

        smoothing (float): From 0 to less than 1.
        dtype (torch.dtype): Of the result.
        """
        targets = self.gold.to(dtype)
        if not smoothing:
            return targets
        given = 0.25 * smoothing * targets  # to each of the four
        for start_shift, end_shift in _NEXT_TO:
            # never of another document: with one end as it is, such a span would run over
            can_take = neighbours(self.known, start_shift, end_shift)
            targets = targets - given * can_take
            targets = targets + neighbours(given, start_shift, end_shift) * self.known
        return targets


def make_targets(
    layout: BandLayout, spans: GoldSpans, n_labels: int, known: Tensor | None = None
) -> BandTargets:
    """What annotated spans teach.

    layout (BandLayout): Of the documents.
    spans (GoldSpans): What is annotated. Repetitions count once.
    n_labels (int): How many labels there are.
    known (Tensor): bool, see known_cells; annotated spans are known whatever it says. All by
        default. *Shape:* (n_rows, max_width, n_labels)
    RAISES ValueError: If a span is empty, not within its document, or has another label.
    """
    _check_spans(layout, spans, n_labels)
    columns = spans.ends - spans.starts - 1  # (n,)
    is_wide = columns >= layout.max_width  # (n,)
    rows = layout.firsts[spans.docs] + spans.starts  # (n,)
    cells = (rows * layout.max_width + columns) * n_labels + spans.labels  # (n,)
    shape = (layout.n_rows, layout.max_width, n_labels)
    gold = torch.zeros(shape, dtype=torch.bool, device=layout.device)
    gold.view(-1)[to_device(cells[~is_wide], layout.device)] = True
    if known is None:
        known = layout.is_span().unsqueeze(2).expand(shape)
    too_wide = np.unique(np.stack([rows, columns, spans.labels])[:, is_wide], axis=1)
    n_too_wide = np.bincount(too_wide[2], minlength=n_labels)
    return BandTargets(gold, known | gold, n_too_wide)


def known_cells(
    layout: BandLayout,
    n_labels: int,
    *,
    tokens: np.ndarray | None = None,
    labels: np.ndarray | None = None,
    spans: np.ndarray | None = None,
) -> Tensor:
    """Where annotation says whether a span has a label, (n_rows, max_width, n_labels) bool.

    A span is known if all of its tokens are: with one that is not, it may be an entity that nobody
    has looked for.

    tokens: (n_rows,) bool, whether each token has been annotated; or (n_rows, n_labels) bool, for
        which labels. None for all.
    labels: (n_docs, n_labels) bool, the labels that each document was annotated with. None for all.
    spans: (n, 4) int64, the document, start, end and label of spans that somebody has decided on,
        whatever else is known. Those that are wider than the band are in no cell.
    """
    known = layout.is_span().unsqueeze(2)  # (n_rows, max_width, 1)
    if tokens is not None:
        by_label = tokens if tokens.ndim == 2 else tokens[:, None]  # (n_rows, 1 or n_labels)
        firsts_unknown = _known_run(by_label)  # (n_rows, 1 or n_labels)
        columns = np.arange(layout.max_width)[:, None]  # (max_width, 1)
        is_known = columns < firsts_unknown[:, None]  # (n_rows, max_width, 1 or n_labels)
        known = known & to_device(is_known, layout.device)
    if labels is not None:
        of_rows = to_device(labels[layout.docs], layout.device)  # (n_rows, n_labels)
        known = known & of_rows.unsqueeze(1)
    known = known.expand(-1, -1, n_labels)
    if spans is None or not len(spans):
        return known
    docs, starts, ends, decided = spans[spans[:, 2] - spans[:, 1] <= layout.max_width].T
    known = known.clone()
    index = (layout.firsts[docs] + starts, ends - starts - 1, decided)  # (n,) each
    known[tuple(to_device(one, layout.device) for one in index)] = True
    return known


def _known_run(is_known: np.ndarray) -> np.ndarray:
    """How many known tokens there are in a row, from each one on, (n_rows, n) int64.

    is_known: (n_rows, n) bool.
    """
    places = np.arange(len(is_known))[:, None]  # (n_rows, 1)
    next_unknown = np.where(is_known, len(is_known), places)  # (n_rows, n)
    next_unknown = np.minimum.accumulate(next_unknown[::-1], axis=0)[::-1]
    return np.asarray(next_unknown - places)


def _check_spans(layout: BandLayout, spans: GoldSpans, n_labels: int) -> None:
    is_within = (spans.docs >= 0) & (spans.docs < layout.n_docs)  # (n,)
    lengths = np.append(layout.lengths, 0)[np.where(is_within, spans.docs, -1)]  # (n,)
    is_within &= (spans.starts >= 0) & (spans.starts < spans.ends) & (spans.ends <= lengths)
    is_within &= (spans.labels >= 0) & (spans.labels < n_labels)
    if not is_within.all():
        i = int(np.argmin(is_within))
        raise ValueError(
            f"Span ({spans.starts[i]}, {spans.ends[i]}) of document {spans.docs[i]} with label "
            f"{spans.labels[i]} is empty, not within the {lengths[i]} tokens of the document, or "
            f"none of the {n_labels} labels is its own."
        )
