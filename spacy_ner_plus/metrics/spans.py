"""Precision, recall and F1 of exact span matches: one table of counts, and the scores of it.

A table of counts has the shape (..., n_labels, 3): true positives, false positives and false
negatives of each label. Tables of documents add up to that of a corpus.
"""

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True)
class Scores:
    """Precision, recall and F1, in the last axis, of one or many tables of counts.

    micro: (..., 3) float. Of the sum over the types.
    macro: (..., 3). The mean over the types that have gold or predicted spans, each with the same
        weight: macro F1 is the mean of F1 scores, as in seqeval.
    weighted: (..., 3). The mean over the types, weighted by their gold spans.
    types: (..., n_labels, 3).
    """

    micro: np.ndarray
    macro: np.ndarray
    weighted: np.ndarray
    types: np.ndarray


def count_spans(
    gold: Sequence[Iterable[tuple[int, int, str]]],
    predicted: Sequence[Iterable[tuple[int, int, str]]],
    labels: Sequence[str] | None = None,
) -> tuple[list[str], np.ndarray]:
    """Compare the spans of each document. A span is right if start, end and label are.

    gold, predicted (Sequence[Iterable[Tuple[int, int, str]]]): By document: start, end and label
        of spans, which may nest and overlap. Leave out predicted ones that touch missing
        annotation: they are neither right nor wrong.
    labels (Sequence[str]): All labels that occur, where two tables are to have the same ones; None
        for those that occur in these spans, sorted.
    RETURNS (Tuple[List[str], np.ndarray]): Labels, and (n_docs, n_labels, 3) int64 counts. Each
        span is counted: of several equal ones, which come about where tokens differ, as many are
        right as there are in gold, as in spacy.scorer.get_ner_prf.
    """
    pairs = [(Counter(g), Counter(p)) for g, p in zip(gold, predicted, strict=True)]
    if labels is None:
        labels = sorted({label for pair in pairs for spans in pair for _, _, label in spans})
    column = {label: i for i, label in enumerate(labels)}
    counts = np.zeros((len(pairs), len(column), 3), dtype=np.int64)
    for table, (wanted, found) in zip(counts, pairs, strict=True):  # (n_labels, 3)
        for i, spans in enumerate((wanted & found, found - wanted, wanted - found)):
            for (_, _, label), n in spans.items():
                table[column[label], i] += n
    return list(labels), counts


def scores_of(counts: np.ndarray) -> Scores:
    """Scores of tables of counts. A mean without types is 0.0.

    counts: (..., n_labels, 3). For the scores of a corpus, the sum over its documents.
    """
    taking_part = (counts.sum(axis=-1) > 0)[..., None]  # (..., n_labels, 1)
    support = (counts[..., 0] + counts[..., 2])[..., None]  # (..., n_labels, 1)
    types = precision_recall_f1(counts)  # (..., n_labels, 3)
    return Scores(
        micro=precision_recall_f1(counts.sum(axis=-2)),
        macro=_ratio((types * taking_part).sum(axis=-2), taking_part.sum(axis=-2)),
        weighted=_ratio((types * support).sum(axis=-2), support.sum(axis=-2)),
        types=types,
    )


def precision_recall_f1(counts: np.ndarray) -> np.ndarray:
    """The three ratios of counts. A ratio without cases is 0.0.

    counts: (..., 3) true positives, false positives, false negatives.
    RETURNS: (..., 3) float64.
    """
    tp, fp, fn = counts[..., 0], counts[..., 1], counts[..., 2]
    parts = (_ratio(tp, tp + fp), _ratio(tp, tp + fn), _ratio(2 * tp, 2 * tp + fp + fn))
    return np.stack(parts, axis=-1)


def _ratio(part: np.ndarray, whole: np.ndarray) -> np.ndarray:
    return np.divide(part, whole, out=np.zeros(np.shape(part)), where=np.asarray(whole) != 0)
