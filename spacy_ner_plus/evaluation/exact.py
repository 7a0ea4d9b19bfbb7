"""Precision, recall and F1 of exact matches of span and label."""

from collections.abc import Sequence

import numpy as np

from ..metrics.spans import count_spans, scores_of
from .documents import Document
from .score_types import CountedMeasures, ExactScores, Measures


def document_counts(
    documents: Sequence[Document], labels: Sequence[str] | None = None
) -> tuple[list[str], np.ndarray]:
    """Exact matches of span and label of each document: see metrics.spans.count_spans.

    labels (Sequence[str]): All labels that occur, where two evaluations are to have the same ones;
        None for those that occur in these documents, sorted.
    RETURNS (Tuple[List[str], np.ndarray]): Labels, and (n_docs, n_labels, 3) int64 true positives,
        false positives and false negatives.
    """
    gold = [[entity.span for entity in document.gold] for document in documents]
    predicted = [[entity.span for entity in document.predicted] for document in documents]
    return count_spans(gold, predicted, labels)


def exact_scores(labels: Sequence[str], counts: np.ndarray) -> ExactScores:
    """Scores per type, and their micro, macro and weighted averages.

    labels (Sequence[str]), counts: (n_docs, n_labels, 3), see document_counts.
    The same as seqeval's in mode "strict". Macro and weighted F1 are means of the types' F1.
    """
    totals = counts.sum(axis=0)  # (n_labels, 3)
    scores = scores_of(totals)
    return ExactScores(
        micro=counted_measures(scores.micro, totals.sum(axis=0)),
        macro=Measures(*scores.macro.tolist()),
        weighted=Measures(*scores.weighted.tolist()),
        types={
            label: counted_measures(*its)
            for label, *its in zip(labels, scores.types, totals, strict=True)
        },
    )


def counted_measures(scores: np.ndarray, counts: np.ndarray) -> CountedMeasures:
    """Scores with their counts. scores: (3,) float. counts: (3,) int."""
    precision, recall, f1 = scores.tolist()
    tp, fp, fn = counts.tolist()
    return CountedMeasures(precision, recall, f1, tp, fp, fn, support=tp + fn)
