"""Docs to padded arrays for an encoder: buckets of windows of similar length.

Every document becomes rows: one per token that takes part in tagging. The windows of all
documents are sorted by length and packed into buckets under a budget of padded pieces, so a
batch of one long and many short documents costs little padding and bounded memory. A token
split over windows has a row part in each of them.
"""

from dataclasses import dataclass

import numpy as np
from spacy.tokens import Doc

from .bucketing import buckets_of_equal_width, buckets_of_least_cost, padded_width
from .joined import JoinedDocs, join_docs
from .windows import Windows, check_overlap, plan_windows
from .wordpieces import Alignment, WordpieceTokenizer

POOLINGS = ("first", "last", "mean", "max")


@dataclass(frozen=True)
class Bucket:
    """Windows of similar length, right-padded, and where the token rows are in them.

    ids: (n_windows, length) int64, with special tokens and padding.
    mask: (n_windows, length) bool, true where there is a piece.
    forms: (n_windows, length) int64, word-form class of each piece's token (0: none).
    positions: (n_pairs,) int64, indices into the flattened (n_windows * length) pieces.
    parts: (n_pairs,) int64, the bucket's row part that each position is pooled into, ascending.
    part_rows: (n_parts,) int64, the row, among all rows of the batch, that each part belongs to.
    part_weights: (n_parts,) float32, the part's share of its token's pieces; 1 unless split.
    """

    ids: np.ndarray
    mask: np.ndarray
    forms: np.ndarray
    positions: np.ndarray
    parts: np.ndarray
    part_rows: np.ndarray
    part_weights: np.ndarray


@dataclass(frozen=True)
class Batch:
    """What an encoder needs of some Docs.

    row_tokens: for each Doc, (n_rows,) int64: the tokens that take part in tagging, ascending.
        Left out are whitespace tokens and tokens that no wordpiece overlaps.
    buckets: the padded windows of all Docs together.
    n_split: how many tokens were longer than a window and had to be split over several.
    """

    row_tokens: list[np.ndarray]
    buckets: list[Bucket]
    n_split: int

    @property
    def n_rows(self) -> int:
        return sum(map(len, self.row_tokens))


@dataclass(frozen=True)
class _Pairs:
    """The pairs of token and piece that the pooling reads.

    rows, pieces: (n_pairs,) int64, counted through all Docs. windows: where each is read.
    """

    rows: np.ndarray
    pieces: np.ndarray
    windows: Windows


def make_batch(
    docs: list[Doc],
    tokenizer: WordpieceTokenizer,
    *,
    window: int,
    overlap: int,
    pooling: str,
    max_batch_pieces: int,
    bucket_cost: int | None = None,
) -> Batch:
    """Tokenise, align, window and pack some Docs.

    docs (list[Doc]): The documents; any of them may be empty.
    tokenizer (WordpieceTokenizer): The encoder's tokenizer.
    window (int): Longest window in wordpieces, special tokens included.
    overlap (int): Wordpieces that consecutive windows share.
    pooling (str): Which pieces of a token are needed: one of POOLINGS.
    max_batch_pieces (int): Padded pieces per bucket, at most; one window always fits.
    bucket_cost (int): Of a bucket in training, in pieces; None for buckets in which windows do not
        change each other's scores: see text.bucketing.
    RETURNS (Batch): Rows of all Docs in order.
    """
    joined = join_docs(docs, tokenizer)
    alignment = joined.alignment
    windows = _plan(joined, window - tokenizer.n_special, overlap)
    n_split = _count_split(alignment, windows)
    tokens = alignment.unique_tokens()
    pooled = _pooled_pairs(alignment, pooling)
    pairs = _Pairs(
        rows=np.searchsorted(tokens, alignment.tokens[pooled]),
        pieces=alignment.pieces[pooled],
        windows=windows.of_pairs(pooled),
    )
    bounds = np.searchsorted(tokens, joined.token_bases)
    row_tokens = [
        tokens[first:stop] - base
        for first, stop, base in zip(bounds[:-1], bounds[1:], joined.token_bases, strict=False)
    ]
    buckets = _pack(
        joined,
        pairs,
        tokenizer,
        window=window,
        max_batch_pieces=max_batch_pieces,
        bucket_cost=bucket_cost,
    )
    return Batch(row_tokens, buckets, n_split)


def _plan(joined: JoinedDocs, capacity: int, overlap: int) -> Windows:
    """The windows of all Docs, in pieces counted through all of them."""
    check_overlap(overlap, capacity)
    alignment, bases = joined.alignment, joined.piece_bases
    first_pairs = np.searchsorted(alignment.tokens, joined.token_bases)
    n_pairs, n_pieces = np.diff(first_pairs), np.diff(bases)
    n_windows = (n_pairs > 0).astype(np.int64)  # one for a Doc that fits into it: most of them
    planned: dict[int, Windows] = {}
    for doc in np.flatnonzero(n_pieces > capacity).tolist():
        pairs = slice(first_pairs[doc], first_pairs[doc + 1])
        own = Alignment(alignment.tokens[pairs], alignment.pieces[pairs] - bases[doc])
        planned[doc] = plan_windows(own, int(n_pieces[doc]), capacity, overlap)
        n_windows[doc] = len(planned[doc])
    window_bases = _bases(n_windows)
    starts, ends = np.repeat(bases[:-1], n_windows), np.repeat(bases[1:], n_windows)
    pair_windows = np.repeat(window_bases, n_pairs)
    for doc, windows in planned.items():
        own_windows = slice(window_bases[doc], window_bases[doc] + len(windows))
        starts[own_windows] = windows.starts + bases[doc]
        ends[own_windows] = windows.ends + bases[doc]
        pair_windows[first_pairs[doc] : first_pairs[doc + 1]] += windows.pair_windows
    return Windows(starts, ends, pair_windows)


def _pooled_pairs(alignment: Alignment, pooling: str) -> np.ndarray:
    """(n_pairs,) bool: the pairs that the pooling reads."""
    pooled = np.ones(len(alignment), dtype=bool)
    changes = np.diff(alignment.tokens) != 0
    if pooling == "first":
        pooled[1:] = changes
    elif pooling == "last":
        pooled[:-1] = changes
    return pooled


def _count_split(alignment: Alignment, windows: Windows) -> int:
    """How many tokens are read from more than one window."""
    is_split = (np.diff(alignment.tokens) == 0) & (np.diff(windows.pair_windows) != 0)
    return len(np.unique(alignment.tokens[1:][is_split]))


def _pack(
    joined: JoinedDocs,
    pairs: _Pairs,
    tokenizer: WordpieceTokenizer,
    *,
    window: int,
    max_batch_pieces: int,
    bucket_cost: int | None,
) -> list[Bucket]:
    """Split the windows of all documents into buckets."""
    starts, ends = pairs.windows.starts, pairs.windows.ends
    pair_windows = pairs.windows.pair_windows
    if not len(starts):
        return []
    weights = _part_weights(pairs.rows, pair_windows)
    lengths = ends - starts + tokenizer.n_special
    if bucket_cost is None:
        lengths = padded_width(lengths, window)
        groups = buckets_of_equal_width(lengths, max_batch_pieces)
    else:
        groups = buckets_of_least_cost(lengths, max_batch_pieces, bucket_cost)
    bucket_of_window = np.empty(len(starts), dtype=np.int64)
    slot_of_window = np.empty(len(starts), dtype=np.int64)
    for bucket, group in enumerate(groups):
        bucket_of_window[group] = bucket
        slot_of_window[group] = np.arange(len(group))
    order = np.argsort(bucket_of_window[pair_windows], kind="stable")
    splits = np.cumsum(np.bincount(bucket_of_window[pair_windows], minlength=len(groups)))[:-1]
    buckets = []
    for group, own in zip(groups, np.split(order, splits), strict=True):
        padded_ids, mask, padded_forms = _pad(
            joined, starts[group], ends[group], tokenizer, int(lengths[group].max())
        )
        rows, windows = pairs.rows[own], pair_windows[own]
        within = pairs.pieces[own] - starts[windows] + len(tokenizer.prefix)
        new_part = _changes(rows) | _changes(windows)
        buckets.append(
            Bucket(
                ids=padded_ids,
                mask=mask,
                forms=padded_forms,
                positions=slot_of_window[windows] * padded_ids.shape[1] + within,
                parts=np.cumsum(new_part) - 1,
                part_rows=rows[new_part],
                part_weights=weights[own][new_part],
            )
        )
    return buckets


def _pad(
    joined: JoinedDocs,
    starts: np.ndarray,
    ends: np.ndarray,
    tokenizer: WordpieceTokenizer,
    width: int,
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Windows of a flat array of pieces as padded rows, special tokens put around them."""
    prefix, suffix = tokenizer.prefix, tokenizer.suffix
    lengths = ends - starts
    column = np.arange(width) - len(prefix)
    is_text = (column >= 0) & (column < lengths[:, None])
    source = np.where(is_text, starts[:, None] + column, 0)
    padded_ids = np.where(is_text, joined.ids[source], tokenizer.pad_id)
    padded_forms = np.where(is_text, joined.forms[source], 0)
    padded_ids[:, : len(prefix)] = prefix
    rows = np.arange(len(starts))
    for offset, special in enumerate(suffix):
        padded_ids[rows, len(prefix) + lengths + offset] = special
    mask = column < (lengths + len(suffix))[:, None]
    return padded_ids, mask, padded_forms


def _part_weights(pair_rows: np.ndarray, pair_windows: np.ndarray) -> np.ndarray:
    """For each pair, the share of its row's pairs that are read from the same window."""
    in_row = np.bincount(pair_rows)[pair_rows]
    part = np.cumsum(_changes(pair_rows) | _changes(pair_windows)) - 1
    in_part = np.bincount(part)[part]
    return (in_part / in_row).astype(np.float32)


def _bases(counts: np.ndarray) -> np.ndarray:
    return np.asarray(np.cumsum(counts) - counts)


def _changes(values: np.ndarray) -> np.ndarray:
    """(n,) bool: where an array has another value than just before; true at its start."""
    return np.diff(values, prepend=-1) != 0
