"""Which windows go through the encoder together.

All rows of a bucket have one width, so windows of similar length belong together. What the encoder
gives for a window must not depend on its neighbours, and padding, though masked, leaves traces: it
decides how torch's kernels split up their sums, which in bf16 shows in the third digit. So the
width that a window is padded to is a function of its own length, and windows share a bucket only
if they have it in common.
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


def bucket_windows(lengths: np.ndarray, *, window: int, max_batch_pieces: int) -> list[np.ndarray]:
    """Group windows that are padded to the same width.

    lengths: (n_windows,) int64, pieces of each window, special tokens included.
    window (int): The largest width that windows are padded to.
    max_batch_pieces (int): Padded pieces of a bucket, at most; one window always fits.
    RETURNS (list[np.ndarray]): Indices of windows, longest windows first. Where windows of one
        width are too many, their buckets are of nearly the same size.
    """
    buckets: list[np.ndarray] = []
    order = np.argsort(-lengths, kind="stable")
    widths, counts = np.unique(-padded_width(lengths, window), return_counts=True)
    for width, members in zip(-widths, np.split(order, np.cumsum(counts)[:-1]), strict=False):
        capacity = max(1, max_batch_pieces // int(width))
        buckets += np.array_split(members, -(len(members) // -capacity))
    return buckets
