"""Krippendorff's alpha of nominal values: agreement of any number of annotators beyond chance.

Krippendorff (2011), "Computing Krippendorff's Alpha-Reliability". Units that an annotator left out
are missing values; a unit counts if two annotators or more have a value for it.

Alpha is 1 - D_o / D_e. All that it needs of units is a row of terms: the disagreeing pairs of
values, then how often each value is paired. Rows add up, those of texts to that of a corpus. With m
annotators of a unit, a pair of them counts 1 / (m - 1), so that each value counts once.
"""

import numpy as np

MISSING = -1
# Units whose counts are in memory at a time.
_STEP = 50_000


def unit_counts(values: np.ndarray, n_values: int) -> np.ndarray:
    """How many annotators gave each value to each unit.

    values: (n_annotators, n_units) int, numbers of values from 0; MISSING where there is none.
    RETURNS: (n_units, n_values) int64.
    """
    counts = np.zeros((values.shape[1], n_values), dtype=np.int64)
    for row in values:  # (n_units,)
        [known] = np.nonzero(row != MISSING)
        counts[known, row[known]] += 1
    return counts


def unit_terms(counts: np.ndarray) -> np.ndarray:
    """The terms of each unit.

    counts: (n_units, n_values), see unit_counts.
    RETURNS: (n_units, 1 + n_values) float64.
    """
    n_annotators = counts.sum(axis=1, keepdims=True)  # (n_units, 1)
    paired = np.where(n_annotators > 1, counts, 0)
    disagreeing = (paired * (n_annotators - paired)).sum(axis=1, keepdims=True)
    return np.hstack([disagreeing / np.maximum(n_annotators - 1, 1), paired])


def group_terms(values: np.ndarray, groups: np.ndarray, n_groups: int, n_values: int) -> np.ndarray:
    """The terms of groups of units, such as texts.

    values: (n_annotators, n_units), see unit_counts. groups: (n_units,) int, the group of each.
    RETURNS: (n_groups, 1 + n_values) float64.
    """
    terms = np.zeros((n_groups, 1 + n_values))
    for start in range(0, len(groups), _STEP):
        part = slice(start, start + _STEP)
        np.add.at(terms, groups[part], unit_terms(unit_counts(values[:, part], n_values)))
    return terms


def alpha_of(terms: np.ndarray) -> np.ndarray:
    """Alpha of one or many rows of terms.

    terms: (..., 1 + n_values).
    RETURNS: (...) float64; NaN where all values are the same, or none is paired: nothing could
        have differed then.
    """
    n = terms[..., 1:].sum(axis=-1)
    # D_o = terms[0] / n and D_e = differing / (n * (n - 1))
    differing = n**2 - (terms[..., 1:] ** 2).sum(axis=-1)
    is_open = differing > 0
    zeros = np.zeros(np.shape(n))
    ratio = np.divide((n - 1) * terms[..., 0], differing, out=zeros, where=is_open)
    return np.where(is_open, 1.0 - ratio, np.nan)


def nominal_alpha(values: np.ndarray) -> float | None:
    """Alpha of the values of some units.

    values: (n_annotators, n_units) int, numbers from 0; MISSING where there is none.
    RETURNS: None where all values are the same, or none is paired.
    """
    n_values = int(values.max(initial=MISSING)) + 1
    one_group = np.zeros(values.shape[1], dtype=np.int64)
    alpha = float(alpha_of(group_terms(values, one_group, 1, n_values)[0]))
    return None if np.isnan(alpha) else alpha
