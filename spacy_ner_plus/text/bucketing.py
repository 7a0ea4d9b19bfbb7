"""Which windows go through the encoder together.

All rows of a bucket are padded to its longest window, so windows of similar length belong
together; but each bucket costs something by itself, however few windows it holds. The sum of both
is made as small as possible, by dynamic programming over the different lengths.

What the encoder gives for a window must not depend on its neighbours. Padding is masked, but torch
adds up a row of attention weights in vectors of up to 16 numbers and what is left over one by one:
so in bf16 a window's third digit depends on whether padding fills up its last vector. Windows with
the same number of full vectors have it in common, so only such are put together. (That leaves fp32
sums in another order in matrix products with few rows, around the sixth digit.)
"""

import numpy as np

# It divides the vectors' sizes: 16 numbers with AVX-512, 8 with AVX2. Smaller ones would do, too.
VECTOR = 8


def bucket_windows(
    lengths: np.ndarray, *, max_batch_pieces: int, bucket_cost: int
) -> list[np.ndarray]:
    """Group windows so that the padded pieces, and bucket_cost for each bucket, are the fewest.

    lengths: (n_windows,) int64, pieces of each window, special tokens included.
    max_batch_pieces (int): Padded pieces of a bucket, at most; one window always fits.
    bucket_cost (int): How many pieces take as long as a call of the encoder does by itself.
    RETURNS (list[np.ndarray]): Indices of windows, longest windows first. Windows of equal length
        are kept together as long as they fit; others only if VECTOR goes into them as often.
    """
    order = np.argsort(-lengths, kind="stable")
    descending, counts = np.unique(-lengths, return_counts=True)
    widths = -descending  # (n_widths,)
    reached = np.concatenate([[0], np.cumsum(counts)])  # windows before each width
    capacities = np.maximum(1, max_batch_pieces // widths)
    first_alike = np.searchsorted(-(widths // VECTOR), -(widths // VECTOR))
    # least[j]: the cost of all windows before the j-th width; its last group begins at group[j]
    least = np.zeros(len(widths) + 1, dtype=np.int64)
    group = np.zeros(len(widths) + 1, dtype=np.int64)
    for j in range(1, len(widths) + 1):
        starts = slice(first_alike[j - 1], j)
        rows = reached[j] - reached[starts]
        n_buckets = -(rows // -capacities[starts])
        costs = least[starts] + rows * widths[starts] + bucket_cost * n_buckets
        best = costs.argmin()
        group[j] = first_alike[j - 1] + best
        least[j] = costs[best]
    buckets: list[np.ndarray] = []
    stop = len(widths)
    while stop:
        start = int(group[stop])
        members = order[reached[start] : reached[stop]]
        n_buckets = -(len(members) // -int(capacities[start]))
        buckets[:0] = np.array_split(members, n_buckets)
        stop = start
    return buckets
