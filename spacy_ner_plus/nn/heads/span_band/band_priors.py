"""How probable labels are in the data, for the start of the biaffine head.

Half an entity is taken to have been seen besides: of a label, at the rate PRIOR; of a width, at the
label's own rate. So what never occurs in the data has a finite score, what is not known of any span
has that of PRIOR, and of what occurs often the rate is that of the data. (Half is what Krichevsky
and Trofimov (1981) add to counts.)
"""

import numpy as np

# The rate of which nothing is known: that of Lin et al. (2017).
PRIOR = 0.01
_SEEN_BESIDES = 0.5


def label_log_odds(n_gold: np.ndarray, n_known: np.ndarray) -> np.ndarray:
    """The log odds that a span of the band has a label, (n_labels,) float64.

    n_gold, n_known: See SpanBandHead.set_priors. *Shape:* (max_width, n_labels)
    """
    return _log_odds(n_gold.sum(axis=0), n_known.sum(axis=0), np.log(PRIOR / (1 - PRIOR)))


def width_log_odds(n_gold: np.ndarray, n_known: np.ndarray) -> np.ndarray:
    """The log odds that a span of a width has a label, (max_width, n_labels) float64."""
    return _log_odds(n_gold, n_known, label_log_odds(n_gold, n_known))


def check_counts(n_gold: np.ndarray, n_known: np.ndarray, shape: tuple[int, int]) -> None:
    """RAISES ValueError: If counts are impossible, or not of these widths and labels."""
    if n_gold.shape != shape or n_known.shape != shape:
        raise ValueError(
            f"Counts must have the shape (max_width, n_labels) = {shape}, "
            f"got {n_gold.shape} and {n_known.shape}."
        )
    is_impossible = (n_gold < 0) | (n_gold > n_known)  # (max_width, n_labels)
    if is_impossible.any():
        column, label = (int(i) for i in np.argwhere(is_impossible)[0])
        raise ValueError(
            f"{n_gold[column, label]} of {n_known[column, label]} known spans of width "
            f"{column + 1} can't have label {label}."
        )


def _log_odds(n_gold: np.ndarray, n_known: np.ndarray, before: np.ndarray) -> np.ndarray:
    """The log odds of what was counted, and of half an entity at the odds of before."""
    others = n_known - n_gold + _SEEN_BESIDES * np.exp(-before)
    return np.asarray(np.log(n_gold + _SEEN_BESIDES) - np.log(others))
