"""Annotated spans of the training data that a head can't learn."""

import warnings
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from typing import Any

import numpy as np

from ...models.decoding.row_gold import RowGold
from ...models.decoding.span_decoder import SpanDecoder


class LeftOutCounts:
    """Counts them by reason and label.

    decoder (SpanDecoder): The head.
    """

    def __init__(self, decoder: SpanDecoder[Any]) -> None:
        self._decoder = decoder
        self._counts: dict[tuple[str, str], np.ndarray] = {}

    def counting(self, batches: Iterable[Sequence[RowGold]]) -> Iterator[Sequence[RowGold]]:
        """Pass annotation on, and count on the way."""
        for batch in batches:
            for gold in batch:
                self._add(gold)
            yield batch

    def _add(self, gold: RowGold) -> None:
        n_labels = len(self._decoder.labels)
        for one in self._decoder.left_out(gold):
            by_label = np.bincount(gold.labels[one.spans], minlength=n_labels)  # (n_labels,)
            key = (one.why, one.what_to_do)
            self._counts[key] = self._counts.get(key, 0) + by_label

    def warn(self, counts: Counter[str], name: str) -> None:
        """Say what there is of each reason.

        counts (Counter): All gold spans by label.
        name (str): The component.
        """
        for (why, what_to_do), n_lost in self._counts.items():
            if not n_lost.any():
                continue
            by_label = ", ".join(
                f"{label}: {n} of {counts[label]}"
                for label, n in zip(self._decoder.labels, n_lost.tolist(), strict=True)
                if n
            )
            warnings.warn(
                f"{int(n_lost.sum())} of {counts.total()} gold spans {why}, so that '{name}' can't "
                f"learn them ({by_label}). {what_to_do}",
                stacklevel=4,
            )
