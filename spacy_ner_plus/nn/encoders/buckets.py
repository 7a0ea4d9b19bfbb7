"""Padded windows on a device, as the encoder gets them."""

from dataclasses import dataclass, field

import torch
from torch import Tensor


@dataclass(frozen=True)
class TensorBucket:
    """Padded windows on a device; the fields are those of text.packing.Bucket as tensors."""

    ids: Tensor
    mask: Tensor
    forms: Tensor
    positions: Tensor
    parts: Tensor
    part_rows: Tensor
    part_weights: Tensor
    characters: Tensor = field(default_factory=lambda: torch.zeros(0, 0, 0, dtype=torch.int32))

    @property
    def n_pieces(self) -> int:
        """Padded pieces of all windows together."""
        return self.ids.numel()

    def split(self, max_pieces: int) -> list["TensorBucket"]:
        """The same windows in buckets of at most max_pieces padded pieces, or of one window."""
        n_windows, length = self.ids.shape
        step = max(1, max_pieces // length)
        if step >= n_windows:
            return [self]
        return [self._windows(start, start + step) for start in range(0, n_windows, step)]

    def _windows(self, start: int, stop: int) -> "TensorBucket":
        length = self.ids.shape[1]
        inside = (self.positions >= start * length) & (self.positions < stop * length)  # (pairs,)
        # a part is of one window only
        kept, parts = torch.unique(self.parts[inside], return_inverse=True)
        return TensorBucket(
            ids=self.ids[start:stop],
            mask=self.mask[start:stop],
            forms=self.forms[start:stop],
            positions=self.positions[inside] - start * length,
            parts=parts,
            part_rows=self.part_rows[kept],
            part_weights=self.part_weights[kept],
            characters=self.characters[start:stop],
        )
