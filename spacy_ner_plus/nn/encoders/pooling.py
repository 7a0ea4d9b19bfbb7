"""Pooling of wordpiece vectors into one vector per token."""

from torch import Tensor


def pool(vectors: Tensor, positions: Tensor, segments: Tensor, n_segments: int, how: str) -> Tensor:
    """Reduce the pieces of each segment to one vector.

    vectors: (n_pieces, width), the encoder's output, flattened over windows.
    positions: (n_pairs,) int64, indices into vectors.
    segments: (n_pairs,) int64, ascending, the segment that each position belongs to; every
        segment from 0 to n_segments - 1 has at least one.
    how (str): "first", "last", "mean" or "max". For "first" and "last" the caller passes just
        that piece of each segment.
    RETURNS: (n_segments, width) float32: pooled vectors go on in full precision.
    RAISES ValueError: On an unknown way of pooling.
    """
    gathered = vectors[positions].float()  # (n_pairs, width)
    if how in ("first", "last"):
        return gathered
    pooled = gathered.new_zeros(n_segments, gathered.shape[1])
    if how == "mean":
        ones = gathered.new_ones(len(segments))
        counts = gathered.new_zeros(n_segments).index_add(0, segments, ones)
        return pooled.index_add(0, segments, gathered) / counts.unsqueeze(1)
    if how == "max":
        index = segments.unsqueeze(1).expand_as(gathered)
        return pooled.scatter_reduce(0, index, gathered, reduce="amax", include_self=False)
    raise ValueError(f"Unknown pooling '{how}': use 'first', 'last', 'mean' or 'max'.")
