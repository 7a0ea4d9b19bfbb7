"""Which windows go through the encoder together.

All rows of a bucket have one width, so windows of similar length belong together.

In *prediction*, what the encoder gives for a window must not depend on its neighbours. Padding,
though masked, leaves traces: it decides how torch's kernels split up their sums, which in bf16
shows in the third digit. So the width that a window is padded to is a function of its own length,
and windows share a bucket only if they have it in common.

In *training*, a batch is small and each bucket costs something by itself: it adds to the gradients
of all weights. So the sum of padding and of that cost is made as small as possible.
"""

import numpy as np


def padded_width(lengths: np.ndarray, window: int) -> np.ndarray:
    """The width that each window is padded to: an even number of four binary digits, rounded up.

    So there are eight widths from one power of two to the next, and 2 to 4 % padding.

    lengths: (n_windows,) int64, pieces of each window, special tokens included.
    window (int): The largest width.
    """
    # the place value of the last of four binary digits
    step = 1 << np.maximum(np.frexp(lengths)[1].astype(np.int64) - 4, 1)
    return np.asarray(np.maximum(lengths, np.minimum(-(lengths // -step) * step, window)))


def buckets_of_equal_width(widths: np.ndarray, max_batch_pieces: int) -> list[np.ndarray]:
    """Group windows of equal width.

    widths: (n_windows,) int64, what each is padded to.
    max_batch_pieces (int): Padded pieces of a bucket, at most; one window always fits.
    RETURNS (list[np.ndarray]): Indices of windows, widest first. Where windows of one width are
        too many, their buckets are of nearly the same size.
    """
    order, distinct, counts = _by_width(widths)  # (n_windows,), (n_widths,), (n_widths,)
    buckets: list[np.ndarray] = []
    for width, members in zip(distinct, np.split(order, np.cumsum(counts)[:-1]), strict=False):
        buckets += _split(members, int(width), max_batch_pieces)
    return buckets


def buckets_of_least_cost(
    lengths: np.ndarray, max_batch_pieces: int, bucket_cost: int
) -> list[np.ndarray]:
    """Group windows so that padded pieces, and bucket_cost for each bucket, are the fewest.

    This is dynamic programming over the different lengths.

    lengths: (n_windows,) int64. bucket_cost (int): In pieces. Otherwise as buckets_of_equal_width.
    """
    order, distinct, counts = _by_width(lengths)  # (n_windows,), (n_lengths,), (n_lengths,)
    reached = np.concatenate([[0], np.cumsum(counts)])  # windows before each length
    capacities = np.maximum(1, max_batch_pieces // distinct)  # (n_lengths,) windows
    # least[j]: the cost of all windows before the j-th length; their last group begins at group[j]
    least, group = np.zeros((2, len(distinct) + 1), dtype=np.int64)  # (n_lengths + 1,) each
    for j in range(1, len(distinct) + 1):
        rows = reached[j] - reached[:j]  # (j,)
        n_buckets = -(rows // -capacities[:j])  # (j,)
        costs = least[:j] + rows * distinct[:j] + bucket_cost * n_buckets  # (j,)
        group[j] = costs.argmin()
        least[j] = costs[group[j]]
    buckets: list[np.ndarray] = []
    stop = len(distinct)
    while stop:
        start = int(group[stop])
        members = order[reached[start] : reached[stop]]
        buckets[:0] = _split(members, int(distinct[start]), max_batch_pieces)
        stop = start
    return buckets


def _by_width(widths: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """The windows, widest first; the different widths, and how many windows have each."""
    negative, counts = np.unique(-widths, return_counts=True)  # (n_widths,) each
    return np.argsort(-widths, kind="stable"), -negative, counts


def _split(members: np.ndarray, width: int, max_batch_pieces: int) -> list[np.ndarray]:
    capacity = max(1, max_batch_pieces // width)
    return np.array_split(members, -(len(members) // -capacity))
