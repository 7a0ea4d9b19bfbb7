"""Precision, recall and F1 of exact matches of span and label."""

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from ..metrics.spans import count_spans, precision_recall_f1, scores_of
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


def scores_on_tokens(documents: Sequence[Document]) -> CountedMeasures | None:
    """Micro scores without gold entities that are not on the data's tokens; None if all are.

    What is predicted there does not count either.
    """
    if not any(entity.is_off_tokens for document in documents for entity in document.gold):
        return None
    _, counts = document_counts([_on_tokens(document) for document in documents])
    totals = counts.sum(axis=(0, 1))  # (3,)
    return counted_measures(precision_recall_f1(totals), totals)


def _on_tokens(document: Document) -> Document:
    off = [entity for entity in document.gold if entity.is_off_tokens]
    # others may be around them where entities nest
    wanted = {entity.span for entity in document.gold if not entity.is_off_tokens}
    return replace(
        document,
        gold=tuple(entity for entity in document.gold if not entity.is_off_tokens),
        predicted=tuple(
            entity
            for entity in document.predicted
            if entity.span in wanted
            or not any(entity.start < one.end and one.start < entity.end for one in off)
        ),
    )


def counted_measures(scores: np.ndarray, counts: np.ndarray) -> CountedMeasures:
    """Scores with their counts. scores: (3,) float. counts: (3,) int."""
    precision, recall, f1 = scores.tolist()
    tp, fp, fn = counts.tolist()
    return CountedMeasures(precision, recall, f1, tp, fp, fn, support=tp + fn)
