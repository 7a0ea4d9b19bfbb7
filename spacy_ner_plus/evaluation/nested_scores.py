"""How well entities inside of others are found: scores by depth, outermost and inner ones apart."""

from collections import Counter
from collections.abc import Sequence

import numpy as np

from ..metrics.bootstrap import percentile_interval, resample
from ..metrics.depth_scores import FOUND, GOLD, PREDICTED, RIGHT, count_by_depth, depth_scores
from ..metrics.spans import precision_recall_f1
from ..nesting.nesting_counts import NestingCounts, count_nesting
from ..nesting.span_relations import depths
from ..tags import Span
from .documents import Document, Entity
from .exact import counted_measures
from .schema import DepthScores, Nesting
from .score_types import CountedMeasures

OUTER, INNER = "outermost", "inside others"
LEVELS = (OUTER, INNER)


def nesting(documents: Sequence[Document], samples: int = 2000, seed: int = 0) -> Nesting | None:
    """Scores of entities by how many are around them.

    samples, seed (int): Of the bootstrap.
    RETURNS: None if no entities of one side share a token.
    """
    gold, predicted = _spans(documents)
    of_gold, of_predicted = (
        sum(map(count_nesting, side), start=NestingCounts()) for side in (gold, predicted)
    )
    if not of_gold.any_overlap and not of_predicted.any_overlap:
        return None
    by_depth = count_by_depth(gold, predicted)  # (n_docs, n_depths, 4)
    counts = np.concatenate([_levels(by_depth), by_depth], axis=1)  # (n_docs, 2 + n_depths, 4)
    names = [*LEVELS, *map(str, range(counts.shape[1] - len(LEVELS)))]
    outer, inner, *others = _depth_scores(names, counts, samples, seed)
    return Nesting(
        gold=of_gold,
        predicted=of_predicted,
        outer=outer,
        inner=inner,
        depths=others,
        on_level=_on_level(gold, predicted),
    )


def level_counts(documents: Sequence[Document]) -> np.ndarray:
    """Counts of outermost entities, and of those inside of others.

    RETURNS: (n_docs, 2, 4) int64, rows as in LEVELS, columns as in count_by_depth.
    """
    return _levels(count_by_depth(*_spans(documents)))


def level_scores(names: Sequence[str], counts: np.ndarray) -> list[DepthScores]:
    """Scores of groups of entities, without intervals. counts: (n_groups, 4)."""
    scores = depth_scores(counts)
    return [_of_group(*its, None) for its in zip(names, counts, scores, strict=True)]


def inner_ones(entities: Sequence[Entity]) -> list[bool]:
    """Whether each entity of a side of a document lies inside another one of them."""
    depth_of = depths((entity.start, entity.end) for entity in entities)
    return [depth_of[entity.start, entity.end] > 0 for entity in entities]


def _spans(documents: Sequence[Document]) -> tuple[list[list[Span]], list[list[Span]]]:
    """Of gold and of predicted entities, by document."""
    return (
        [[entity.span for entity in document.gold] for document in documents],
        [[entity.span for entity in document.predicted] for document in documents],
    )


def _levels(by_depth: np.ndarray) -> np.ndarray:
    """by_depth: (n_docs, n_depths, 4). RETURNS: (n_docs, 2, 4), outermost and inner."""
    return np.stack([by_depth[:, 0], by_depth[:, 1:].sum(axis=1)], axis=1)


def _depth_scores(
    names: Sequence[str], counts: np.ndarray, samples: int, seed: int
) -> list[DepthScores]:
    """Scores of groups of entities with their intervals. counts: (n_docs, n_groups, 4)."""
    ends: list[tuple[float, float] | None] = [None] * len(names)
    if len(counts) > 1:
        f1 = depth_scores(resample(counts, samples, seed))[..., 2]  # (samples, n_groups)
        ends = [(low, high) for low, high in percentile_interval(f1).tolist()]
    totals = counts.sum(axis=0)  # (n_groups, 4)
    return [_of_group(*its) for its in zip(names, totals, depth_scores(totals), ends, strict=True)]


def _of_group(
    name: str, totals: np.ndarray, scores: np.ndarray, ends: tuple[float, float] | None
) -> DepthScores:
    """totals: (4,). scores: (3,)."""
    precision, recall, f1 = scores.tolist()
    n = totals.tolist()
    return DepthScores(
        group=name,
        gold=n[GOLD],
        found=n[FOUND],
        recall=recall if n[GOLD] else None,
        predicted=n[PREDICTED],
        correct=n[RIGHT],
        precision=precision if n[PREDICTED] else None,
        f1=f1 if n[GOLD] else None,
        interval=ends if n[GOLD] else None,
    )


def _on_level(
    gold: Sequence[Sequence[Span]], predicted: Sequence[Sequence[Span]]
) -> CountedMeasures:
    """Micro scores where an entity is right only if it is outermost, or inner, on both sides."""
    n_right = 0
    for wanted, found in zip(gold, predicted, strict=True):
        n_right += (_with_level(wanted) & _with_level(found)).total()
    n_predicted, n_gold = sum(map(len, predicted)), sum(map(len, gold))
    totals = np.array([n_right, n_predicted - n_right, n_gold - n_right])  # (3,)
    return counted_measures(precision_recall_f1(totals), totals)


def _with_level(spans: Sequence[Span]) -> Counter[tuple[Span, bool]]:
    depth_of = depths(span[:2] for span in spans)
    return Counter((span, depth_of[span[:2]] > 0) for span in spans)
