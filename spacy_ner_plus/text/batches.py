"""Docs to padded arrays for an encoder.

Every document becomes rows: one per token that takes part in tagging. Its windows are packed into
buckets with those of all other documents.
"""

from dataclasses import dataclass

import numpy as np
from spacy.tokens import Doc

from .joined import JoinedDocs, join_docs
from .packing import Bucket, Pairs, pack
from .windows import Windows, check_overlap, plan_windows
from .wordpieces import Alignment, WordpieceTokenizer

POOLINGS = ("first", "last", "mean", "max")


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
        """How many tokens can be tagged, in all Docs together."""
        return sum(map(len, self.row_tokens))


def make_batch(
    docs: list[Doc],
    tokenizer: WordpieceTokenizer,
    *,
    window: int,
    overlap: int,
    pooling: str,
    max_batch_pieces: int,
    bucket_cost: int | None = None,
    context: int = 0,
    n_characters: int = 0,
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
    context (int): Wordpieces that each token has on both sides: see text.windows.
    n_characters (int): Characters of each token that are read, at most: see text.piece_characters.
    RETURNS (Batch): Rows of all Docs in order.
    """
    joined = join_docs(docs, tokenizer, n_characters)
    alignment = joined.alignment
    windows = _plan(joined, window - tokenizer.n_special, overlap, context)
    n_split = _count_split(alignment, windows)
    tokens = alignment.unique_tokens()  # (n_rows,) through all Docs
    pooled = _pooled_pairs(alignment, pooling)  # (pairs of all pieces,) bool
    pairs = Pairs(
        rows=np.searchsorted(tokens, alignment.tokens[pooled]),
        pieces=alignment.pieces[pooled],
        windows=windows.of_pairs(pooled),
    )
    bounds = np.searchsorted(tokens, joined.token_bases)  # (n_docs + 1,) rows before each Doc
    row_tokens = [
        tokens[first:stop] - base
        for first, stop, base in zip(bounds[:-1], bounds[1:], joined.token_bases, strict=False)
    ]
    buckets = pack(
        joined,
        pairs,
        tokenizer,
        window=window,
        max_batch_pieces=max_batch_pieces,
        bucket_cost=bucket_cost,
    )
    return Batch(row_tokens, buckets, n_split)


def _plan(joined: JoinedDocs, capacity: int, overlap: int, context: int) -> Windows:
    """The windows of all Docs, in pieces counted through all of them."""
    check_overlap(overlap, capacity, context)
    alignment, bases = joined.alignment, joined.piece_bases
    first_pairs = np.searchsorted(alignment.tokens, joined.token_bases)  # (n_docs + 1,)
    n_pairs, n_pieces = np.diff(first_pairs), np.diff(bases)  # (n_docs,) each
    n_windows = (n_pairs > 0).astype(np.int64)  # one for a Doc that fits into it: most of them
    planned: dict[int, Windows] = {}
    for doc in np.flatnonzero(n_pieces > capacity).tolist():
        pairs = slice(first_pairs[doc], first_pairs[doc + 1])
        own = Alignment(alignment.tokens[pairs], alignment.pieces[pairs] - bases[doc])
        planned[doc] = plan_windows(own, int(n_pieces[doc]), capacity, overlap, context)
        n_windows[doc] = len(planned[doc])
    window_bases = _bases(n_windows)  # (n_docs,) windows before each Doc
    starts, ends = np.repeat(bases[:-1], n_windows), np.repeat(bases[1:], n_windows)  # (windows,)
    pair_windows = np.repeat(window_bases, n_pairs)  # (n_pairs,)
    for doc, windows in planned.items():
        own_windows = slice(window_bases[doc], window_bases[doc] + len(windows))
        starts[own_windows] = windows.starts + bases[doc]
        ends[own_windows] = windows.ends + bases[doc]
        pair_windows[first_pairs[doc] : first_pairs[doc + 1]] += windows.pair_windows
    return Windows(starts, ends, pair_windows)


def _pooled_pairs(alignment: Alignment, pooling: str) -> np.ndarray:
    """(n_pairs,) bool: the pairs that the pooling reads."""
    pooled = np.ones(len(alignment), dtype=bool)
    changes = np.diff(alignment.tokens) != 0  # (n_pairs - 1,)
    if pooling == "first":
        pooled[1:] = changes
    elif pooling == "last":
        pooled[:-1] = changes
    return pooled


def _count_split(alignment: Alignment, windows: Windows) -> int:
    """How many tokens are read from more than one window."""
    is_split = (np.diff(alignment.tokens) == 0) & (np.diff(windows.pair_windows) != 0)
    return len(np.unique(alignment.tokens[1:][is_split]))


def _bases(counts: np.ndarray) -> np.ndarray:
    return np.asarray(np.cumsum(counts) - counts)
