"""Docs to padded arrays for an encoder: buckets of windows of similar length.

Every document becomes rows: one per token that takes part in tagging. The windows of all
documents are sorted by length and packed into buckets under a budget of padded pieces, so a
batch of one long and many short documents costs little padding and bounded memory. A token
split over windows has a row part in each of them.
"""

from dataclasses import dataclass

import numpy as np
from spacy.tokens import Doc

from .features import word_forms
from .windows import Windows, plan_windows
from .wordpieces import Alignment, Pieces, WordpieceTokenizer, align

POOLINGS = ("first", "last", "mean", "max")

# A bucket with fewer pieces than this leaves a processor idle, so it is filled with shorter
# windows; beyond it, windows shorter than FILL of the longest open a bucket of their own.
MIN_BUCKET_PIECES = 1024
FILL = 0.8
# Matrix units like widths that are multiples of 8.
LENGTH_STEP = 8


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
class _Layout:
    """One document's windows: piece arrays by piece, pair arrays by (token, piece) pair."""

    ids: np.ndarray
    forms: np.ndarray
    window_starts: np.ndarray
    window_ends: np.ndarray
    pair_rows: np.ndarray
    pair_pieces: np.ndarray
    pair_windows: np.ndarray


def make_batch(
    docs: list[Doc],
    tokenizer: WordpieceTokenizer,
    *,
    window: int,
    overlap: int,
    pooling: str,
    max_batch_pieces: int,
) -> Batch:
    """Tokenise, align, window and pack some Docs.

    docs (list[Doc]): The documents; any of them may be empty.
    tokenizer (WordpieceTokenizer): The encoder's tokenizer.
    window (int): Longest window in wordpieces, special tokens included.
    overlap (int): Wordpieces that consecutive windows share.
    pooling (str): Which pieces of a token are needed: one of POOLINGS.
    max_batch_pieces (int): Padded pieces per bucket, at most; one window always fits.
    RETURNS (Batch): Rows of all Docs in order.
    """
    row_tokens: list[np.ndarray] = []
    layouts: list[_Layout] = []
    n_rows, n_split = 0, 0
    texts = [doc.text for doc in docs]  # spaCy joins a text anew whenever it is asked for
    for doc, text, pieces in zip(docs, texts, tokenizer(texts), strict=True):
        alignment = tagged_alignment(doc, pieces)
        tokens = alignment.unique_tokens()
        forms = _piece_forms(word_forms(doc, text), alignment, len(pieces))
        windows = plan_windows(alignment, len(pieces), window - tokenizer.n_special, overlap)
        n_split += _count_split(alignment, windows)
        pooled = _pooled_pairs(alignment, pooling)
        windows = windows.of_pairs(pooled)
        layouts.append(
            _Layout(
                ids=pieces.ids,
                forms=forms,
                window_starts=windows.starts,
                window_ends=windows.ends,
                pair_rows=np.searchsorted(tokens, alignment.tokens[pooled]) + n_rows,
                pair_pieces=alignment.pieces[pooled],
                pair_windows=windows.pair_windows,
            )
        )
        row_tokens.append(tokens)
        n_rows += len(tokens)
    return Batch(row_tokens, _pack(layouts, tokenizer, window, max_batch_pieces), n_split)


def tagged_alignment(doc: Doc, pieces: Pieces) -> Alignment:
    """The alignment of the tokens that can be tagged: not whitespace, and with pieces."""
    if not len(doc):
        return align(*[np.zeros(0, dtype=np.int64)] * 4)
    columns = doc.to_array(["IDX", "LENGTH", "IS_SPACE"]).astype(np.int64)
    starts, lengths, is_space = columns.T
    alignment = align(starts, starts + lengths, pieces.starts, pieces.ends)
    return alignment.keep_tokens(is_space == 0)


def _piece_forms(token_forms: np.ndarray, alignment: Alignment, n_pieces: int) -> np.ndarray:
    """Each piece's word form: that of the first token it overlaps, 0 where there is none."""
    forms = np.zeros(n_pieces, dtype=np.int64)
    # the last assignment to an index stands: go backwards so that the first token wins
    forms[alignment.pieces[::-1]] = token_forms[alignment.tokens[::-1]]
    return forms


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
    layouts: list[_Layout], tokenizer: WordpieceTokenizer, window: int, max_batch_pieces: int
) -> list[Bucket]:
    """Put the windows of all documents together and split them into buckets."""
    if not any(len(layout.window_starts) for layout in layouts):
        return []
    piece_base = _bases([len(layout.ids) for layout in layouts])
    window_base = _bases([len(layout.window_starts) for layout in layouts])
    ids = np.concatenate([layout.ids for layout in layouts])
    forms = np.concatenate([layout.forms for layout in layouts])
    starts = np.concatenate([x.window_starts + b for x, b in zip(layouts, piece_base, strict=True)])
    ends = np.concatenate([x.window_ends + b for x, b in zip(layouts, piece_base, strict=True)])
    pair_rows = np.concatenate([layout.pair_rows for layout in layouts])
    pair_pieces = np.concatenate(
        [x.pair_pieces + b for x, b in zip(layouts, piece_base, strict=True)]
    )
    pair_windows = np.concatenate(
        [x.pair_windows + b for x, b in zip(layouts, window_base, strict=True)]
    )
    weights = _part_weights(pair_rows, pair_windows)
    groups = bucket_windows(ends - starts + tokenizer.n_special, max_batch_pieces, window)
    bucket_of_window = np.empty(len(starts), dtype=np.int64)
    slot_of_window = np.empty(len(starts), dtype=np.int64)
    for bucket, group in enumerate(groups):
        bucket_of_window[group] = bucket
        slot_of_window[group] = np.arange(len(group))
    order = np.argsort(bucket_of_window[pair_windows], kind="stable")
    splits = np.cumsum(np.bincount(bucket_of_window[pair_windows], minlength=len(groups)))[:-1]
    buckets = []
    for group, pairs in zip(groups, np.split(order, splits), strict=True):
        padded_ids, mask, padded_forms = _pad(
            ids, forms, starts[group], ends[group], tokenizer, window
        )
        within = pair_pieces[pairs] - starts[pair_windows[pairs]] + len(tokenizer.prefix)
        new_part = np.ones(len(pairs), dtype=bool)
        new_part[1:] = (np.diff(pair_rows[pairs]) != 0) | (np.diff(pair_windows[pairs]) != 0)
        buckets.append(
            Bucket(
                ids=padded_ids,
                mask=mask,
                forms=padded_forms,
                positions=slot_of_window[pair_windows[pairs]] * padded_ids.shape[1] + within,
                parts=np.cumsum(new_part) - 1,
                part_rows=pair_rows[pairs][new_part],
                part_weights=weights[pairs][new_part],
            )
        )
    return buckets


def bucket_windows(lengths: np.ndarray, max_batch_pieces: int, window: int) -> list[np.ndarray]:
    """Group windows of similar length so that no group pads to more than the budget.

    lengths: (n_windows,) pieces of each window, special tokens included.
    RETURNS (list[np.ndarray]): Indices of windows, longest windows first. A window longer than
        the budget makes a group of its own.
    """
    groups: list[np.ndarray] = []
    order = np.argsort(-lengths, kind="stable")
    ordered = lengths[order]
    start = 0
    while start < len(order):
        longest = _padded_length(int(ordered[start]), window)
        by_budget = start + max(1, max_batch_pieces // longest)
        by_work = start + -(MIN_BUCKET_PIECES // -longest)
        by_fill = int(np.searchsorted(-ordered, -FILL * longest, side="right"))
        stop = min(by_budget, max(by_work, by_fill), len(order))
        groups.append(order[start:stop])
        start = stop
    return groups


def _pad(
    ids: np.ndarray,
    forms: np.ndarray,
    starts: np.ndarray,
    ends: np.ndarray,
    tokenizer: WordpieceTokenizer,
    window: int,
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Windows of a flat array of pieces as padded rows, special tokens put around them."""
    prefix, suffix = tokenizer.prefix, tokenizer.suffix
    lengths = ends - starts
    width = _padded_length(int(lengths.max()) + tokenizer.n_special, window)
    column = np.arange(width) - len(prefix)
    is_text = (column >= 0) & (column < lengths[:, None])
    source = np.where(is_text, starts[:, None] + column, 0)
    padded_ids = np.where(is_text, ids[source], tokenizer.pad_id)
    padded_forms = np.where(is_text, forms[source], 0)
    padded_ids[:, : len(prefix)] = prefix
    rows = np.arange(len(starts))
    for offset, special in enumerate(suffix):
        padded_ids[rows, len(prefix) + lengths + offset] = special
    mask = column < (lengths + len(suffix))[:, None]
    return padded_ids, mask, padded_forms


def _part_weights(pair_rows: np.ndarray, pair_windows: np.ndarray) -> np.ndarray:
    """For each pair, the share of its row's pairs that are read from the same window."""
    in_row = np.bincount(pair_rows)[pair_rows]
    change = np.ones(len(pair_rows), dtype=bool)
    change[1:] = (np.diff(pair_rows) != 0) | (np.diff(pair_windows) != 0)
    part = np.cumsum(change) - 1
    in_part = np.bincount(part)[part]
    return (in_part / in_row).astype(np.float32)


def _padded_length(length: int, window: int) -> int:
    return max(length, min(-(length // -LENGTH_STEP) * LENGTH_STEP, window))


def _bases(counts: list[int]) -> np.ndarray:
    return np.concatenate([[0], np.cumsum(counts)[:-1]]).astype(np.int64)
