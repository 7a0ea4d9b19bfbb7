"""Which set of spans is better than another.

The value of a set is the sum of its spans' weights; among equals, that of their lengths. Weights
are counted in units of 2**-32 nats: whole numbers, so that sums do not depend on the order of
adding, and what is a tie is one. Among sets of the same value, that one is better which has the
first span, in the order of reading, that only one of the two has: by start, the longer ones first,
then by label.
"""

import numpy as np

_UNITS = 2.0**32
# Lengths add up to less than 2**40 tokens.
_LENGTH_BITS = 40


def as_units(weights: np.ndarray) -> np.ndarray:
    """Weights in nats as whole numbers, int64."""
    return np.rint(weights * _UNITS).astype(np.int64)


def set_values(units: np.ndarray, lengths: np.ndarray) -> list[int]:
    """For each span a number, such that the sums of these order sets by value.

    units: (n,) int64, see as_units. lengths: (n,) int64 tokens.
    """
    pairs = zip(units.tolist(), lengths.tolist(), strict=True)
    # Python's integers have no largest one
    return [(weight << _LENGTH_BITS) + length for weight, length in pairs]


def reading_order(starts: np.ndarray, ends: np.ndarray, labels: np.ndarray) -> np.ndarray:
    """(n,) int64, the spans by start, the longer ones first, then by label."""
    return np.lexsort((labels, -ends, starts))
