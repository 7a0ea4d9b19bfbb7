"""Windows of wordpieces to padded arrays: buckets of windows of similar length.

The windows of all documents are sorted by length and packed into buckets under a budget of padded
pieces, so a batch of one long and many short documents costs little padding and bounded memory. A
token split over windows has a row part in each of them.
"""

from dataclasses import dataclass

import numpy as np

from .bucketing import buckets_of_equal_width, buckets_of_least_cost, padded_width
from .joined import JoinedDocs
from .windows import Windows
from .wordpieces import WordpieceTokenizer


@dataclass(frozen=True)
class Bucket:
    """Windows of similar length, right-padded, and where the token rows are in them.

    ids: (n_windows, length) int64, with special tokens and padding.
    mask: (n_windows, length) bool, true where there is a piece.
    forms: (n_windows, length) int64, word-form class of each piece's token (0: none).
    positions: (n_pairs,) int64, indices into the flattened (n_windows * length) pieces.
    parts: (n_pairs,) int64, the bucket's row part that each position is pooled into, ascending.
    part_rows: (n_parts,) int64, the row, among all rows of the batch, that each part belongs to.
    part_weights: (n_parts,) float32, the part's share of its row's pairs; 1 unless split.
    characters: (n_windows, length, n_characters) int32, characters of each piece's token (0: none).
    """

    ids: np.ndarray
    mask: np.ndarray
    forms: np.ndarray
    positions: np.ndarray
    parts: np.ndarray
    part_rows: np.ndarray
    part_weights: np.ndarray
    characters: np.ndarray


@dataclass(frozen=True)
class Pairs:
    """The pairs of token and piece that the pooling reads.

    rows, pieces: (n_pairs,) int64, counted through all Docs; rows ascend.
    windows (Windows): Those that they are read from, of all Docs.
    """

    rows: np.ndarray
    pieces: np.ndarray
    windows: Windows


def pack(
    joined: JoinedDocs,
    pairs: Pairs,
    tokenizer: WordpieceTokenizer,
    *,
    window: int,
    max_batch_pieces: int,
    bucket_cost: int | None,
) -> list[Bucket]:
    """Split the windows of all documents into buckets.

    Of the documents "Bob ran" with the pieces [11, 12] and "Aspirin" with [21, 22, 23], whose three
    tokens are pooled from all of their pieces, the pairs are

        rows     0 1 2 2 2
        pieces   0 1 2 3 4      counted through both documents
        windows  0 0 1 1 1      of the pieces 0 to 2 and 2 to 5

    and one bucket for both, as there may be with a bucket_cost, with the special tokens 2 and 3
    around each window, is

        ids      2 21 22 23 3   the longest window is in the first slot
                 2 11 12  3 0   padded with 0
        positions     6 7 1 2 3 of the pairs in the flattened ids
        parts         0 1 2 2 2
        part_rows     0 1 2
        part_weights  1 1 1
    """
    windows = pairs.windows
    if not len(windows):
        return []
    lengths = windows.ends - windows.starts + tokenizer.n_special  # (n_windows,)
    groups = _assign(lengths, window, max_batch_pieces, bucket_cost)
    weights = _part_weights(pairs.rows, windows.pair_windows)  # (n_pairs,)
    pairs_of = _split_pairs(windows, [group for group, _ in groups])
    buckets = []
    for (group, width), own in zip(groups, pairs_of, strict=True):
        starts, ends = windows.starts[group], windows.ends[group]  # (n_windows of the bucket,)
        ids, mask, forms, characters = _pad(joined, starts, ends, tokenizer, width)
        positions, new_part = _place(pairs, own, group, width, len(tokenizer.prefix))
        buckets.append(
            Bucket(
                ids=ids,
                mask=mask,
                forms=forms,
                positions=positions,
                parts=np.cumsum(new_part) - 1,  # (pairs of the bucket,)
                part_rows=pairs.rows[own][new_part],  # (parts,)
                part_weights=weights[own][new_part],  # (parts,)
                characters=characters,
            )
        )
    return buckets


def _assign(
    lengths: np.ndarray, window: int, max_batch_pieces: int, bucket_cost: int | None
) -> list[tuple[np.ndarray, int]]:
    """Each bucket's windows, (n_windows of it,) int64, and the width that they are padded to.

    lengths: (n_windows,) int64, pieces of each window, special tokens included.
    """
    if bucket_cost is None:
        widths = padded_width(lengths, window)  # (n_windows,)
        groups = buckets_of_equal_width(widths, max_batch_pieces)
    else:
        widths = lengths
        groups = buckets_of_least_cost(lengths, max_batch_pieces, bucket_cost)
    return [(group, int(widths[group].max())) for group in groups]


def _split_pairs(windows: Windows, groups: list[np.ndarray]) -> list[np.ndarray]:
    """For each bucket, (pairs of it,) int64: the pairs that are read from its windows, in order."""
    bucket_of_window = np.empty(len(windows), dtype=np.int64)  # (n_windows,)
    for bucket, group in enumerate(groups):
        bucket_of_window[group] = bucket
    bucket_of_pair = bucket_of_window[windows.pair_windows]  # (n_pairs,)
    order = np.argsort(bucket_of_pair, kind="stable")  # (n_pairs,)
    counts = np.bincount(bucket_of_pair, minlength=len(groups))  # (n_buckets,)
    return np.split(order, np.cumsum(counts)[:-1])


def _pad(
    joined: JoinedDocs,
    starts: np.ndarray,
    ends: np.ndarray,
    tokenizer: WordpieceTokenizer,
    width: int,
) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    """Windows of a flat array of pieces as padded rows, special tokens put around them.

    starts, ends: (n_windows,) int64.
    RETURNS: ids, mask and forms, (n_windows, width) each, and characters, (n_windows, width, n).
    """
    prefix, suffix = tokenizer.prefix, tokenizer.suffix
    lengths = ends - starts  # (n_windows,)
    column = np.arange(width) - len(prefix)  # (width,) of a window's text
    is_text = (column >= 0) & (column < lengths[:, None])  # (n_windows, width)
    source = np.where(is_text, starts[:, None] + column, 0)  # (n_windows, width)
    ids = np.where(is_text, joined.ids[source], tokenizer.pad_id)
    forms = np.where(is_text, joined.forms[source], 0)
    characters = joined.characters[source]  # (n_windows, width, n_characters)
    characters[~is_text] = 0
    ids[:, : len(prefix)] = prefix
    rows = np.arange(len(starts))  # (n_windows,)
    for offset, special in enumerate(suffix):
        ids[rows, len(prefix) + lengths + offset] = special
    mask = column < (lengths + len(suffix))[:, None]  # (n_windows, width)
    return ids, mask, forms, characters


def _place(
    pairs: Pairs, own: np.ndarray, group: np.ndarray, width: int, n_prefix: int
) -> tuple[np.ndarray, np.ndarray]:
    """Where the pairs of a bucket are in it.

    These are their positions in the flattened padded pieces, int64, and where another row part
    begins, bool. *(pairs of the bucket,)* both

    own: (pairs of the bucket,) int64. group: (n_windows of it,) int64, the windows by slot.
    """
    rows, windows = pairs.rows[own], pairs.windows.pair_windows[own]  # (pairs of the bucket,)
    slots = np.empty(len(pairs.windows), dtype=np.int64)  # (n_windows,)
    slots[group] = np.arange(len(group))
    within = pairs.pieces[own] - pairs.windows.starts[windows] + n_prefix
    return slots[windows] * width + within, _changes(rows) | _changes(windows)


def _part_weights(pair_rows: np.ndarray, pair_windows: np.ndarray) -> np.ndarray:
    """For each pair, the share of its row's pairs that are read from the same window."""
    in_row = np.bincount(pair_rows)[pair_rows]
    part = np.cumsum(_changes(pair_rows) | _changes(pair_windows)) - 1
    in_part = np.bincount(part)[part]
    return (in_part / in_row).astype(np.float32)


def _changes(values: np.ndarray) -> np.ndarray:
    """(n,) bool: where an array has another value than just before; true at its start."""
    return np.diff(values, prepend=-1) != 0
