"""Precision, recall and F1 of exact matches of span and label."""

from collections.abc import Sequence
from typing import Any

import numpy as np

from .intervals import MEASURES, scores_of


def exact_scores(labels: Sequence[str], counts: np.ndarray) -> dict[str, Any]:
    """Scores per type, and their micro, macro and weighted averages, as metrics.json has them.

    labels (Sequence[str]), counts: (n_docs, n_labels, 3), see intervals.document_counts.
    The same as seqeval's in mode "strict". Macro and weighted F1 are means of the types' F1.
    """
    totals = counts.sum(axis=0)  # (n_labels, 3)
    scores = scores_of(totals)
    return {
        "micro": _named(scores.micro) | _counted(totals.sum(axis=0)),
        "macro": _named(scores.macro),
        "weighted": _named(scores.weighted),
        "types": {
            label: _named(scores.types[i]) | _counted(totals[i]) for i, label in enumerate(labels)
        },
    }


def _named(scores: np.ndarray) -> dict[str, float]:
    return dict(zip(MEASURES, scores.tolist(), strict=True))


def _counted(counts: np.ndarray) -> dict[str, int]:
    tp, fp, fn = counts.tolist()
    return {"tp": tp, "fp": fp, "fn": fn, "support": tp + fn}
