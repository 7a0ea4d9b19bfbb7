"""Precision, recall and F1 without arrays, one number after the other."""

from collections.abc import Mapping

Ratios = tuple[float, float, float]
"""Precision, recall, F1."""


def ratios(tp: int, fp: int, fn: int) -> Ratios:
    precision = tp / (tp + fp) if tp + fp else 0.0
    recall = tp / (tp + fn) if tp + fn else 0.0
    f1 = 2 * tp / (2 * tp + fp + fn) if tp + fp + fn else 0.0
    return precision, recall, f1


def micro(counts: Mapping[str, tuple[int, int, int]]) -> Ratios:
    """counts (Mapping[str, Tuple[int, int, int]]): By label: right, wrong and missed."""
    tp, fp, fn = (sum(its[i] for its in counts.values()) for i in range(3))
    return ratios(tp, fp, fn)


def macro(counts: Mapping[str, tuple[int, int, int]]) -> Ratios:
    types = [ratios(*its) for its in counts.values() if any(its)]
    p, r, f1 = (sum(its[i] for its in types) / max(1, len(types)) for i in range(3))
    return p, r, f1


def weighted(counts: Mapping[str, tuple[int, int, int]]) -> Ratios:
    support = {label: tp + fn for label, (tp, _, fn) in counts.items()}
    p, r, f1 = (
        sum(ratios(*its)[i] * support[label] for label, its in counts.items())
        / max(1, sum(support.values()))
        for i in range(3)
    )
    return p, r, f1
