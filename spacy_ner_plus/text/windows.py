"""Windows of wordpieces: documents of any length through an encoder with a limit.

A window is a run of at most `capacity` pieces that an encoder reads at once. Windows are cut
where no token is cut, and overlap, so that each token can be read where it has context on both
sides. A token with more pieces than a window holds is split over windows of its own, and the
windows start anew behind it: nothing on one side of such a token moves what is on the other.

With a context, as in Schweter and Akbik (2020), "FLERT: Document-Level Features for Named Entity
Recognition", windows are laid more closely, and each is then widened by so many pieces of the text
on both sides, where tokens may be cut, as none of them is read from there.
"""

from dataclasses import dataclass

import numpy as np

from .wordpieces import Alignment


@dataclass(frozen=True)
class Windows:
    """The windows of a document, or of several joined, and where pairs of an Alignment are read.

    starts, ends: (n_windows,) int64, the pieces of each window, end exclusive; counted through all
        documents that are joined.
    pair_windows: (n_pairs,) int64, the window from which each pair's piece is read. The pairs are
        those of an Alignment, or some of them: see of_pairs.
    """

    starts: np.ndarray
    ends: np.ndarray
    pair_windows: np.ndarray

    def __len__(self) -> int:
        return len(self.starts)

    def of_pairs(self, pairs: np.ndarray) -> "Windows":
        """The windows that some of the pairs are read from, and these pairs alone.

        pairs: (n_wanted,) int64 indices of pairs, or (n_pairs,) bool.
        """
        used, pair_windows = np.unique(self.pair_windows[pairs], return_inverse=True)
        return Windows(self.starts[used], self.ends[used], pair_windows)


def plan_windows(
    alignment: Alignment, n_pieces: int, capacity: int, overlap: int, context: int = 0
) -> Windows:
    """Lay windows over a document's pieces and choose the window that each token is read from.

    alignment (Alignment): The pairs of the tokens that need a vector.
    n_pieces (int): How many pieces the document has.
    capacity (int): Pieces that fit in a window, special tokens not counted.
    overlap (int): Pieces that consecutive windows share, as nearly as token boundaries allow; with
        a context, before they are widened by it.
    context (int): Pieces that each token has on both sides in the window that it is read from, or
        all that there are on a side, up to what is longer than a window. A token that leaves room
        for less has half of the room on each side.
    RETURNS (Windows): Only windows from which some token is read. A token is read from the
        window that gives it the most context on its shorter side (the earlier one of equals);
        the pieces of a token longer than a window, each from the one window they are in.
    RAISES ValueError: Unless 0 <= overlap < capacity - 2 * context, and context >= 0.
    """
    check_overlap(overlap, capacity, context)
    if not len(alignment):
        none = np.zeros(0, dtype=np.int64)
        return Windows(none, none, none)
    first, stop = _piece_ranges(alignment)  # (n_tokens,) each, of tokens that have pieces
    cuts = _cut_points(alignment, first, stop, n_pieces)  # (n_cuts,)
    covered = _cover(cuts, first, stop, capacity, overlap, context)
    bounds = np.array(covered, dtype=np.int64).reshape(-1, 2)
    starts, ends = bounds[:, 0], bounds[:, 1]  # (n_windows,) each
    windows = Windows(starts, ends, _home_windows(alignment, first, stop, starts, ends))
    return windows.of_pairs(np.arange(len(alignment)))


def check_overlap(overlap: int, capacity: int, context: int = 0) -> None:
    """RAISES ValueError: Unless 0 <= overlap < capacity - 2 * context, and context >= 0."""
    if context < 0 or (context and 2 * context >= capacity):
        raise ValueError(
            f"The context of windows must be at least 0 and less than half of the {capacity} "
            f"wordpieces that a window holds, got {context}."
        )
    if not 0 <= overlap < capacity - 2 * context:
        without = f" without a context of {context} on both sides" if context else ""
        raise ValueError(
            f"The overlap of windows must be at least 0 and less than the {capacity - 2 * context} "
            f"wordpieces that a window holds{without}, got {overlap}."
        )


def _cut_points(
    alignment: Alignment, first: np.ndarray, stop: np.ndarray, n_pieces: int
) -> np.ndarray:
    """The positions at which a window may begin or end, ascending, 0 and n_pieces included.

    A cut is allowed where no token has pieces on both sides, and not inside a run of pieces
    without tokens: a run of whitespace longer than a window then counts as one absurd token.
    """
    allowed = np.ones(n_pieces + 1, dtype=bool)  # before each piece, and at the end
    aligned = np.zeros(n_pieces, dtype=bool)  # (n_pieces,)
    aligned[alignment.pieces] = True
    allowed[1:-1] = aligned[1:] | aligned[:-1]
    # +1 from each token's second piece on, -1 behind its last: positive means inside a token
    depth = np.zeros(n_pieces + 2, dtype=np.int64)
    np.add.at(depth, first + 1, 1)
    np.add.at(depth, stop, -1)
    allowed &= np.cumsum(depth)[:-1] == 0
    return np.flatnonzero(allowed)


def _cover(
    cuts: np.ndarray,
    first: np.ndarray,
    stop: np.ndarray,
    capacity: int,
    overlap: int,
    context: int,
) -> list[tuple[int, int]]:
    """Windows over all pieces: runs without an oversized gap between cuts, and such gaps."""
    windows: list[tuple[int, int]] = []
    run_start = 0  # index into cuts
    for gap in [*np.flatnonzero(np.diff(cuts) > capacity), len(cuts) - 1]:
        run = cuts[run_start : gap + 1]
        if context:
            windows += _cover_with_context(run, capacity, overlap, context)
        else:
            windows += _cover_run(run, capacity, overlap)
        if gap + 1 < len(cuts):
            start, end = int(cuts[gap]), int(cuts[gap + 1])
            windows += _cover_gap(start, end, first, stop, capacity)
        run_start = gap + 1
    return windows


def _cover_gap(
    start: int, end: int, first: np.ndarray, stop: np.ndarray, capacity: int
) -> list[tuple[int, int]]:
    """Windows over a stretch that is longer than a window and has no cut in it.

    Mostly it is one token. It may also be a chain of tokens that share pieces with their
    neighbours: those that the windows would cut, and that fit in one, get one more.
    """
    lo, hi = np.searchsorted(first, start), np.searchsorted(stop, end, side="right")
    first, stop = first[lo:hi], stop[lo:hi]  # (tokens within,) each
    fits = stop - first <= capacity  # (tokens within,)
    is_cut = (first - start) // capacity != (stop - 1 - start) // capacity  # (tokens within,)
    starts = np.union1d(np.arange(start, end, capacity), first[fits & is_cut])
    return [(int(at), min(int(at) + capacity, end)) for at in starts]


def _cover_with_context(
    cuts: np.ndarray, capacity: int, overlap: int, context: int
) -> list[tuple[int, int]]:
    """As _cover_run, with windows that have room for a context on both sides, and then get it."""
    start, final = int(cuts[0]), int(cuts[-1])
    if final - start <= capacity:
        return _cover_run(cuts, capacity, overlap)
    room = capacity - 2 * context
    inner: list[tuple[int, int]] = []
    part_start = 0  # index into cuts
    for gap in [*np.flatnonzero(np.diff(cuts) > room), len(cuts) - 1]:
        inner += _cover_run(cuts[part_start : gap + 1], room, overlap)
        if gap + 1 < len(cuts):  # too long for that much context
            inner.append((int(cuts[gap]), int(cuts[gap + 1])))
        part_start = gap + 1
    widened = []
    for at, end in inner:
        margin = min(context, (capacity - (end - at)) // 2)
        widened.append((max(start, at - margin), min(final, end + margin)))
    return widened


def _cover_run(cuts: np.ndarray, capacity: int, overlap: int) -> list[tuple[int, int]]:
    """Windows over a run in which any two neighbouring cuts are at most `capacity` apart.

    All windows aim at the same length rather than leaving a short one at the end: rows of equal
    length need no padding, and no token is left with little context.
    """
    start, final = int(cuts[0]), int(cuts[-1])
    if start == final:
        return []
    n_windows = max(1, -((final - start - overlap) // -(capacity - overlap)))
    target = -((final - start + (n_windows - 1) * overlap) // -n_windows)
    windows: list[tuple[int, int]] = []
    reached = start  # everything before it is covered
    while reached < final:
        must_reach = int(cuts[np.searchsorted(cuts, reached, side="right")])
        earliest = max(start, reached - overlap, must_reach - capacity)
        start = int(cuts[np.searchsorted(cuts, earliest)]) if windows else start
        if final - start <= capacity:
            reached = final
        else:
            furthest = int(cuts[np.searchsorted(cuts, start + target, side="right") - 1])
            reached = max(furthest, must_reach)
        windows.append((start, reached))
    return windows


def _home_windows(
    alignment: Alignment,
    first: np.ndarray,
    stop: np.ndarray,
    starts: np.ndarray,
    ends: np.ndarray,
) -> np.ndarray:
    """For each pair, the window that it is read from."""
    # a token longer than a window is in none whole: its pieces stay where they are
    home = np.full(len(first), -1, dtype=np.int64)  # (n_tokens,)
    context = np.full(len(first), -1, dtype=np.int64)  # (n_tokens,)
    for window, (start, end) in enumerate(zip(starts, ends, strict=True)):
        lo, hi = np.searchsorted(first, start), np.searchsorted(stop, end, side="right")
        if lo >= hi:
            continue
        here = np.minimum(first[lo:hi] - start, end - stop[lo:hi])  # (tokens within,)
        better = here > context[lo:hi]
        context[lo:hi][better] = here[better]
        home[lo:hi][better] = window
    token_of_pair = np.cumsum(np.diff(alignment.tokens, prepend=alignment.tokens[:1]) != 0)
    by_token = home[token_of_pair]  # (n_pairs,)
    by_piece = np.searchsorted(ends, alignment.pieces, side="right")  # (n_pairs,)
    return np.where(by_token >= 0, by_token, by_piece)


def _piece_ranges(alignment: Alignment) -> tuple[np.ndarray, np.ndarray]:
    """First piece and last piece + 1 of each token that has pieces, both ascending."""
    changes = np.flatnonzero(np.diff(alignment.tokens)) + 1  # (n_tokens - 1,) in pairs
    first = alignment.pieces[np.concatenate([[0], changes])]  # (n_tokens,)
    last = alignment.pieces[np.concatenate([changes - 1, [len(alignment) - 1]])]  # (n_tokens,)
    # searching needs ascending bounds: where offsets run backwards, ranges are widened
    return np.minimum.accumulate(first[::-1])[::-1], np.maximum.accumulate(last) + 1
