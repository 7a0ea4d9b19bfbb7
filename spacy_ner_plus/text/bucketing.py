"""Which windows go through the encoder together.

All rows of a bucket are padded to its longest window, so windows of similar length belong
together; but each bucket costs something by itself, however few windows it holds. The sum of both
is made as small as possible, by dynamic programming over the different lengths.
"""

import numpy as np


def bucket_windows(
    lengths: np.ndarray, *, max_batch_pieces: int, bucket_cost: int
) -> list[np.ndarray]:
    """Group windows so that the padded pieces, and bucket_cost for each bucket, are the fewest.

    lengths: (n_windows,) int64, pieces of each window, special tokens included.
    max_batch_pieces (int): Padded pieces of a bucket, at most; one window always fits.
    bucket_cost (int): How many pieces take as long as a call of the encoder does by itself.
    RETURNS (list[np.ndarray]): Indices of windows, longest windows first. Windows of equal length
        are kept together as long as they fit.
    """
    order = np.argsort(-lengths, kind="stable")
    descending, counts = np.unique(-lengths, return_counts=True)
    widths = -descending  # (n_widths,)
    reached = np.concatenate([[0], np.cumsum(counts)])  # windows before each width
    capacities = np.maximum(1, max_batch_pieces // widths)
    # least[j]: the cost of all windows before the j-th width; its last group begins at group[j]
    least = np.zeros(len(widths) + 1, dtype=np.int64)
    group = np.zeros(len(widths) + 1, dtype=np.int64)
    for j in range(1, len(widths) + 1):
        rows = reached[j] - reached[:j]
        n_buckets = -(rows // -capacities[:j])
        costs = least[:j] + rows * widths[:j] + bucket_cost * n_buckets
        group[j] = costs.argmin()
        least[j] = costs[group[j]]
    buckets: list[np.ndarray] = []
    stop = len(widths)
    while stop:
        start = int(group[stop])
        members = order[reached[start] : reached[stop]]
        n_buckets = -(len(members) // -int(capacities[start]))
        buckets[:0] = np.array_split(members, n_buckets)
        stop = start
    return buckets
