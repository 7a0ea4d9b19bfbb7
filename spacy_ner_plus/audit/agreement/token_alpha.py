"""Krippendorff's alpha on tokens, with intervals by drawing texts."""

from collections.abc import Sequence

import numpy as np

from ...metrics.alpha import MISSING, alpha_of, group_terms, nominal_alpha
from ...metrics.bootstrap import known_interval, resample
from .agreement_schema import Alpha, Ends, TokenAlphas
from .token_values import OUTSIDE, TokenValues


def token_alphas(
    tokens: TokenValues, labels: Sequence[str], n_texts: int, samples: int, seed: int
) -> TokenAlphas:
    """Alpha on all tokens, on those that are marked, and of each label.

    samples, seed (int): Of the bootstrap, which draws texts: tokens of a text are not independent.
    """
    values, n_sets = tokens.comparable, len(tokens.label_sets)
    is_known, is_marked = values != MISSING, values > OUTSIDE
    tables = [
        (values, n_sets),
        (np.where(is_marked.any(axis=0), values, MISSING), n_sets),
        (np.where((is_marked | ~is_known).all(axis=0), values, MISSING), n_sets),
        *((tokens.of_label(label, i), 2) for i, label in enumerate(labels)),
    ]
    terms = [group_terms(table, tokens.texts, n_texts, n) for table, n in tables]
    intervals = _intervals(terms, samples, seed)
    everywhere, by_any, by_all, *of_labels = [
        Alpha(_number(alpha_of(its.sum(axis=0))), ends, _n_paired(table))
        for its, ends, (table, _) in zip(terms, intervals, tables, strict=True)
    ]
    return TokenAlphas(everywhere, by_any, by_all, dict(zip(labels, of_labels, strict=True)))


def pair_alpha(tokens: TokenValues, first: int, second: int) -> tuple[float | None, int]:
    """Alpha of two annotators alone, and how many tokens both have a value for."""
    values = tokens.comparable[[first, second]]
    return nominal_alpha(values), _n_paired(values)


def _n_paired(values: np.ndarray) -> int:
    return int(((values != MISSING).sum(axis=0) > 1).sum())


def _intervals(terms: Sequence[np.ndarray], samples: int, seed: int) -> list[Ends | None]:
    """Of each table of terms; None of a single text, or if no sample has values that differ.

    terms: (n_texts, 1 + n_values) each. All are of the same samples.
    """
    if len(terms[0]) < 2:
        return [None for _ in terms]
    drawn = resample(np.hstack(terms), samples, seed)  # (samples, all columns)
    ends = np.cumsum([its.shape[1] for its in terms])[:-1]
    return [known_interval(alpha_of(part)) for part in np.split(drawn, ends, axis=1)]


def _number(alpha: np.ndarray) -> float | None:
    return None if np.isnan(alpha) else float(alpha)
