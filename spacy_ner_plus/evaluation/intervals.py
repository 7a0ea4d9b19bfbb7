"""Confidence intervals of scores: the bootstrap over documents.

Efron and Tibshirani (1993), "An Introduction to the Bootstrap", chapter 13: the percentile
interval. Documents are what is drawn, because entities of one document are not independent.
"""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from .documents import Document

LEVEL = 0.95
MEASURES = ("precision", "recall", "f1")
# Weights of samples and documents that are in memory at a time: 64 MB.
MAX_WEIGHTS = 8_000_000


@dataclass(frozen=True)
class Scores:
    """Precision, recall and F1, in the last axis, of one or many tables of counts.

    micro: (..., 3) float. Of the sum over the types.
    macro: (..., 3). The mean over the types that have gold or predicted entities.
    weighted: (..., 3). The mean over the types, weighted by their gold entities.
    types: (..., n_labels, 3).
    """

    micro: np.ndarray
    macro: np.ndarray
    weighted: np.ndarray
    types: np.ndarray


def document_counts(
    documents: Sequence[Document], labels: Sequence[str] | None = None
) -> tuple[list[str], np.ndarray]:
    """Exact matches of span and label of each document.

    labels (Sequence[str]): All labels that occur, where two evaluations are to have the same ones;
        None for those that occur in these documents, sorted.
    RETURNS (Tuple[List[str], np.ndarray]): Labels, and (n_docs, n_labels, 3) int64 true positives,
        false positives and false negatives. Of several entities with the same span and label,
        which come about where tokens differ, as many are right as there are in gold: so each
        entity is counted once, as in spacy.scorer.get_ner_prf.
    """
    gold = [Counter(entity.span for entity in document.gold) for document in documents]
    predicted = [Counter(entity.span for entity in document.predicted) for document in documents]
    if labels is None:
        labels = sorted({label for spans in (*gold, *predicted) for _, _, label in spans})
    column = {label: i for i, label in enumerate(labels)}
    counts = np.zeros((len(documents), len(column), 3), dtype=np.int64)
    for table, wanted, found in zip(counts, gold, predicted, strict=True):
        for i, spans in enumerate((wanted & found, found - wanted, wanted - found)):
            for (_, _, label), n in spans.items():
                table[column[label], i] += n
    return list(labels), counts


def scores_of(counts: np.ndarray) -> Scores:
    """Scores of tables of counts.

    counts: (..., n_labels, 3) true positives, false positives, false negatives. For the scores of
        a corpus, the sum of document_counts over the documents.
    A ratio without cases is 0.0.
    """
    taking_part = (counts.sum(axis=-1) > 0)[..., None]  # (..., n_labels, 1)
    support = (counts[..., 0] + counts[..., 2])[..., None]
    types = _precision_recall_f1(counts)
    return Scores(
        micro=_precision_recall_f1(counts.sum(axis=-2)),
        macro=_ratio((types * taking_part).sum(axis=-2), taking_part.sum(axis=-2)),
        weighted=_ratio((types * support).sum(axis=-2), support.sum(axis=-2)),
        types=types,
    )


def resample(counts: np.ndarray, samples: int, seed: int) -> np.ndarray:
    """The sums over documents drawn with replacement, as many as there are.

    counts: (n_docs, ...) numbers of each document. The same seed draws the same documents, so that
        two systems on the same documents are compared in pairs.
    RETURNS: (samples, ...) float64; whole numbers stay whole.
    """
    n_docs = len(counts)
    flat = counts.reshape(n_docs, -1).astype(np.float64)
    random = np.random.default_rng(seed)
    sums = np.empty((samples, flat.shape[1]))
    step = max(1, MAX_WEIGHTS // max(1, n_docs))
    share = np.full(n_docs, 1.0 / n_docs)
    for start in range(0, samples, step):
        n = min(step, samples - start)
        # (n, n_docs): how often each document is drawn
        sums[start : start + n] = random.multinomial(n_docs, share, size=n) @ flat
    return sums.reshape(samples, *counts.shape[1:])


def bootstrap(counts: np.ndarray, samples: int = 2000, seed: int = 0) -> Scores:
    """Scores of bootstrap samples: (samples, ...) in each array.

    counts: (n_docs, n_labels, 3), see document_counts; one document at least.
    """
    return scores_of(resample(counts, samples, seed))


def percentile_interval(values: np.ndarray, level: float = LEVEL) -> np.ndarray:
    """What the middle share of bootstrap samples lies between.

    values: (samples, ...). RETURNS: (..., 2), lower and upper end.
    """
    outside = (1.0 - level) / 2.0
    return np.moveaxis(np.quantile(values, [outside, 1.0 - outside], axis=0), 0, -1)


def intervals(
    labels: Sequence[str], counts: np.ndarray, samples: int = 2000, seed: int = 0
) -> dict[str, object] | None:
    """Bootstrap intervals of all scores, as metrics.json has them.

    labels (Sequence[str]), counts: See document_counts.
    RETURNS: None with fewer than two documents, of which nothing can be drawn.
    """
    if len(counts) < 2:
        return None
    scores = bootstrap(counts, samples, seed)
    types = percentile_interval(scores.types)
    return {
        "level": LEVEL,
        "samples": samples,
        "seed": seed,
        "micro": _named(percentile_interval(scores.micro)),
        "macro": _named(percentile_interval(scores.macro)),
        "weighted": _named(percentile_interval(scores.weighted)),
        "types": {label: _named(ends) for label, ends in zip(labels, types, strict=True)},
    }


def _precision_recall_f1(counts: np.ndarray) -> np.ndarray:
    tp, fp, fn = counts[..., 0], counts[..., 1], counts[..., 2]
    parts = (_ratio(tp, tp + fp), _ratio(tp, tp + fn), _ratio(2 * tp, 2 * tp + fp + fn))
    return np.stack(parts, axis=-1)


def _ratio(part: np.ndarray, whole: np.ndarray) -> np.ndarray:
    return np.divide(part, whole, out=np.zeros(np.shape(part)), where=np.asarray(whole) != 0)


def _named(ends: np.ndarray) -> dict[str, list[float]]:
    return {name: ends[i].tolist() for i, name in enumerate(MEASURES)}
