from dataclasses import dataclass

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from spacy_ner_plus.text.windows import Windows, _cover_run, plan_windows
from spacy_ner_plus.text.wordpieces import Alignment


@dataclass
class Plan:
    """A planned document, as plain lists."""

    pieces_of: dict[int, list[int]]
    n_pieces: int
    capacity: int
    overlap: int
    context_asked: int
    windows: list[tuple[int, int]]
    window_of: dict[tuple[int, int], tuple[int, int]]  # (token, piece) -> window

    @property
    def tokens_that_fit(self) -> list[int]:
        return [t for t, p in self.pieces_of.items() if max(p) + 1 - min(p) <= self.capacity]

    def home(self, token: int) -> set[tuple[int, int]]:
        return {self.window_of[token, piece] for piece in self.pieces_of[token]}

    def context(self, token: int, window: tuple[int, int]) -> int:
        """Pieces of context on the token's shorter side, below 0 if it is not all inside."""
        pieces = self.pieces_of[token]
        return min(min(pieces) - window[0], window[1] - 1 - max(pieces))


def alignment_of(pieces_of: dict[int, list[int]]) -> Alignment:
    pairs = [(token, piece) for token in sorted(pieces_of) for piece in sorted(pieces_of[token])]
    tokens, pieces = np.array(pairs, dtype=np.int64).reshape(-1, 2).T
    return Alignment(tokens, pieces)


def plan(
    pieces_of: dict[int, list[int]], n_pieces: int, capacity: int, overlap: int, context: int = 0
) -> Plan:
    alignment = alignment_of(pieces_of)
    windows = plan_windows(alignment, n_pieces, capacity, overlap, context)
    bounds = list(zip(windows.starts.tolist(), windows.ends.tolist(), strict=True))
    pairs = zip(alignment.tokens.tolist(), alignment.pieces.tolist(), strict=True)
    return Plan(
        pieces_of,
        n_pieces,
        capacity,
        overlap,
        context,
        bounds,
        {pair: bounds[w] for pair, w in zip(pairs, windows.pair_windows, strict=True)},
    )


def spelled(lengths: list[tuple[int, bool]]) -> tuple[dict[int, list[int]], int]:
    """Tokens one behind the other: (number of pieces, whether they belong to a token)."""
    pieces_of: dict[int, list[int]] = {}
    at = 0
    for length, is_token in lengths:
        if is_token:
            pieces_of[len(pieces_of)] = list(range(at, at + length))
        at += length
    return pieces_of, at


SPELLINGS = st.lists(
    st.tuples(st.one_of(st.integers(1, 4), st.integers(1, 40)), st.booleans()), max_size=40
)


@st.composite
def plans(draw: st.DrawFn) -> Plan:
    """Documents of tokens that do not share pieces, with pieces of no token between."""
    pieces_of, n_pieces = spelled(draw(SPELLINGS))
    capacity = draw(st.integers(1, 20))
    overlap, context = draw_margins(draw, capacity)
    return plan(pieces_of, n_pieces, capacity, overlap, context)


def draw_margins(draw: st.DrawFn, capacity: int) -> tuple[int, int]:
    context = draw(st.one_of(st.just(0), st.integers(0, (capacity - 1) // 2)))
    return draw(st.integers(0, capacity - 2 * context - 1)), context


@st.composite
def plans_with_shared_pieces(draw: st.DrawFn) -> Plan:
    """Documents in which neighbouring tokens may share a piece, as in SentencePiece's."""
    pieces_of: dict[int, list[int]] = {}
    at = 0
    for gap, length in draw(
        st.lists(st.tuples(st.integers(-1, 2), st.integers(1, 9)), min_size=1, max_size=40)
    ):
        at = max(0, at + gap)
        pieces_of[len(pieces_of)] = list(range(at, at + length))
        at += length
    capacity = draw(st.integers(1, 12))
    overlap, context = draw_margins(draw, capacity)
    return plan(pieces_of, at + draw(st.integers(0, 20)), capacity, overlap, context)


ALL_PLANS = st.one_of(plans(), plans_with_shared_pieces())


@settings(deadline=None)
@given(plan=ALL_PLANS)
def test_windows_hold_the_pieces_that_are_read_from_them(plan: Plan) -> None:
    for (_, piece), (start, end) in plan.window_of.items():
        assert start <= piece < end


@settings(deadline=None)
@given(data=st.data())
def test_windows_hold_the_pieces_of_any_alignment(data: st.DataObject) -> None:
    """Also where offsets run backwards and a token's pieces have holes."""
    n_pieces = data.draw(st.integers(1, 60))
    pieces = st.lists(st.integers(0, n_pieces - 1), min_size=1, max_size=6, unique=True)
    pieces_of = dict(enumerate(data.draw(st.lists(pieces, max_size=12))))
    capacity = data.draw(st.integers(1, 20))
    found = plan(pieces_of, n_pieces, capacity, data.draw(st.integers(0, capacity - 1)))
    for (_, piece), (start, end) in found.window_of.items():
        assert start <= piece < end
        assert end - start <= capacity


@settings(deadline=None)
@given(plan=ALL_PLANS)
def test_windows_are_within_the_capacity_and_the_document_and_ascend(plan: Plan) -> None:
    for start, end in plan.windows:
        assert 0 <= start < end <= plan.n_pieces
        assert end - start <= plan.capacity
    assert plan.windows == sorted(set(plan.windows))


@settings(deadline=None)
@given(plan=ALL_PLANS)
def test_windows_do_not_cut_a_token_that_fits(plan: Plan) -> None:
    for token in plan.tokens_that_fit:
        (window,) = plan.home(token)
        assert plan.context(token, window) >= 0


@settings(deadline=None)
@given(plan=ALL_PLANS)
def test_windows_give_each_token_the_most_context_on_its_shorter_side(plan: Plan) -> None:
    for token in plan.tokens_that_fit:
        (window,) = plan.home(token)
        assert plan.context(token, window) == max(plan.context(token, w) for w in plan.windows)
        equal = [w for w in plan.windows if plan.context(token, w) == plan.context(token, window)]
        assert window == equal[0]


@settings(deadline=None)
@given(
    lengths=st.lists(st.one_of(st.integers(1, 4), st.integers(1, 20)), min_size=1, max_size=60),
    capacity=st.integers(1, 24),
    data=st.data(),
)
def test_windows_give_each_token_its_context_where_the_document_has_it(
    lengths: list[int], capacity: int, data: st.DataObject
) -> None:
    overlap, context = draw_margins(data.draw, capacity)
    found = plan(*spelled([(n, True) for n in lengths]), capacity, overlap, context)
    bounds = [0, *np.cumsum(lengths).tolist()]
    for token in found.tokens_that_fit:
        ((start, end),) = found.home(token)
        first, stop = bounds[token], bounds[token + 1]
        # up to the next token that no window holds
        barriers = [i for i, n in enumerate(lengths) if n > capacity]
        before = max([bounds[i + 1] for i in barriers if i < token], default=0)
        behind = min([bounds[i] for i in barriers if i > token], default=bounds[-1])
        least = min(context, (capacity - (stop - first)) // 2)
        assert first - start >= min(least, first - before)
        assert end - stop >= min(least, behind - stop)


def test_context_is_of_tokens_that_may_be_cut_and_is_not_read() -> None:
    found = plan(*spelled([(3, True)] * 8), capacity=14, overlap=0, context=4)
    assert found.windows == [(0, 10), (2, 16), (8, 22), (14, 24)]
    assert [found.home(token) for token in range(8)] == [
        *[{(0, 10)}] * 2,
        *[{(2, 16)}] * 2,
        *[{(8, 22)}] * 2,
        *[{(14, 24)}] * 2,
    ]


def test_document_that_fits_is_one_window_whatever_the_context() -> None:
    assert plan(*spelled([(2, True)] * 7), capacity=14, overlap=0, context=6).windows == [(0, 14)]


@settings(deadline=None)
@given(plan=ALL_PLANS)
def test_windows_are_all_read(plan: Plan) -> None:
    assert set(plan.window_of.values()) == set(plan.windows)
    assert len(plan.window_of) == sum(map(len, plan.pieces_of.values()))


@settings(deadline=None)
@given(
    lengths=st.lists(st.integers(1, 5), min_size=1, max_size=60),
    capacity=st.integers(6, 30),
    data=st.data(),
)
def test_windows_overlap_as_far_as_token_boundaries_allow(
    lengths: list[int], capacity: int, data: st.DataObject
) -> None:
    overlap = data.draw(st.integers(0, capacity - 6))
    found = plan(*spelled([(n, True) for n in lengths]), capacity, overlap)
    cuts = np.cumsum([0, *lengths])
    assert (found.windows[0][0], found.windows[-1][1]) == (0, found.n_pieces)
    # of windows that share much, one between two others may be read by nobody: it is left out
    laid = _cover_run(cuts, capacity, overlap)
    assert set(found.windows) <= set(laid)
    for (_, end), (start, _) in zip(found.windows, found.windows[1:], strict=False):
        # no more than asked for, and one token more would be too much
        assert 0 <= end - start <= overlap
        assert start == cuts[cuts >= end - overlap][0] or len(found.windows) < len(laid)


def test_window_that_nobody_reads_is_left_out() -> None:
    lengths, capacity, overlap = [1, 1, 1, 2, 5, 4, 4, 3], 19, 13
    assert _cover_run(np.cumsum([0, *lengths]), capacity, overlap) == [(0, 14), (1, 18), (5, 21)]
    found = plan(*spelled([(n, True) for n in lengths]), capacity, overlap)
    assert found.windows == [(0, 14), (5, 21)]


def test_windows_are_of_even_length_rather_than_one_short_at_the_end() -> None:
    found = plan(*spelled([(1, True)] * 22), capacity=20, overlap=0)
    assert found.windows == [(0, 11), (11, 22)]
    found = plan(*spelled([(1, True)] * 20), capacity=20, overlap=5)
    assert found.windows == [(0, 20)]
    found = plan(*spelled([(1, True)] * 50), capacity=20, overlap=4)
    assert found.windows == [(0, 20), (16, 36), (32, 50)]


def joined(*parts: Plan) -> Plan:
    """What planning the parts one by one gives, as one document."""
    pieces_of: dict[int, list[int]] = {}
    windows: list[tuple[int, int]] = []
    window_of: dict[tuple[int, int], tuple[int, int]] = {}
    n_pieces = 0
    for part in parts:
        n_tokens = len(pieces_of)
        pieces_of |= {n_tokens + t: [n_pieces + p for p in ps] for t, ps in part.pieces_of.items()}
        windows += [(n_pieces + start, n_pieces + end) for start, end in part.windows]
        window_of |= {
            (n_tokens + token, n_pieces + piece): (n_pieces + start, n_pieces + end)
            for (token, piece), (start, end) in part.window_of.items()
        }
        n_pieces += part.n_pieces
    first = parts[0]
    sizes = (n_pieces, first.capacity, first.overlap, first.context_asked)
    return Plan(pieces_of, *sizes, windows, window_of)


@settings(deadline=None)
@given(
    before=st.lists(st.integers(1, 30), max_size=30),
    absurd=st.integers(1, 100),
    after=st.lists(st.integers(1, 30), max_size=30),
    is_token=st.booleans(),
    capacity=st.integers(2, 20),
    data=st.data(),
)
def test_windows_start_anew_behind_what_is_longer_than_a_window(
    before: list[int],
    absurd: int,
    after: list[int],
    is_token: bool,
    capacity: int,
    data: st.DataObject,
) -> None:
    """An absurd token, or a run of pieces without tokens, moves nothing on either side."""
    margins = draw_margins(data.draw, capacity)
    middle = [(capacity + absurd, is_token)]
    first, last = [(n, True) for n in before], [(n, True) for n in after]
    parts = [plan(*spelled(part), capacity, *margins) for part in (first, middle, last)]
    whole = plan(*spelled([*first, *middle, *last]), capacity, *margins)
    expected = joined(*parts)
    assert whole.pieces_of == expected.pieces_of
    assert whole.windows == expected.windows
    assert whole.window_of == expected.window_of


def test_windows_of_an_absurd_token_are_its_own_and_share_nothing() -> None:
    found = plan(*spelled([(3, True), (25, True), (3, True)]), capacity=10, overlap=4)
    assert found.windows == [(0, 3), (3, 13), (13, 23), (23, 28), (28, 31)]
    assert found.home(1) == {(3, 13), (13, 23), (23, 28)}
    assert found.home(0) == {(0, 3)}
    assert found.home(2) == {(28, 31)}


def test_windows_skip_pieces_without_tokens_only_if_they_are_longer_than_a_window() -> None:
    long = plan(*spelled([(3, True), (25, False), (3, True)]), capacity=10, overlap=4)
    assert long.windows == [(0, 3), (28, 31)]
    short = plan(*spelled([(3, True), (4, False), (3, True)]), capacity=10, overlap=4)
    assert short.windows == [(0, 10)]


def test_windows_of_tokens_chained_by_shared_pieces() -> None:
    """No cut anywhere, though every token fits: each is whole in some window."""
    chain = {token: [2 * token, 2 * token + 1, 2 * token + 2] for token in range(20)}
    found = plan(chain, 41, capacity=6, overlap=2)
    assert all(len(found.home(token)) == 1 for token in chain)


def test_windows_of_no_tokens_are_none() -> None:
    found = plan_windows(alignment_of({}), 30, 10, 2)
    assert len(found) == 0
    assert len(found.pair_windows) == 0


def test_windows_of_one_piece() -> None:
    assert plan({0: [0]}, 1, 1, 0).windows == [(0, 1)]


@pytest.mark.parametrize(("capacity", "overlap"), [(10, 10), (10, 11), (10, -1), (0, 0), (-3, 0)])
@pytest.mark.parametrize("pieces_of", [{}, {0: [0, 1]}])
def test_windows_refuse_an_overlap_out_of_range(
    pieces_of: dict[int, list[int]], capacity: int, overlap: int
) -> None:
    with pytest.raises(ValueError, match=rf"less than the {capacity} wordpieces.*got {overlap}"):
        plan_windows(alignment_of(pieces_of), 2, capacity, overlap)


@pytest.mark.parametrize("context", [5, 6, -1])
def test_windows_refuse_a_context_out_of_range(context: int) -> None:
    with pytest.raises(ValueError, match=rf"half of the 10 wordpieces.*got {context}"):
        plan_windows(alignment_of({0: [0, 1]}), 2, 10, 0, context)
    with pytest.raises(ValueError, match=r"less than the 4 wordpieces .* without a context of 3"):
        plan_windows(alignment_of({0: [0, 1]}), 2, 10, 4, 3)


def test_windows_of_pairs_are_those_that_the_pairs_are_read_from() -> None:
    windows = Windows(np.array([0, 5, 9]), np.array([6, 10, 12]), np.array([0, 0, 1, 2, 2]))
    kept = windows.of_pairs(np.array([True, False, False, True, True]))
    assert kept.starts.tolist() == [0, 9]
    assert kept.ends.tolist() == [6, 12]
    assert kept.pair_windows.tolist() == [0, 1, 1]


def test_windows_of_a_million_pieces() -> None:
    rng = np.random.default_rng(0)
    lengths = rng.integers(1, 6, 330_000)
    lengths[[1000, 200_000]] = [5000, 300]
    tokens = np.repeat(np.arange(len(lengths)), lengths)
    alignment = Alignment(tokens, np.arange(len(tokens)))
    windows = plan_windows(alignment, len(tokens), 254, 64)
    assert (windows.ends - windows.starts <= 254).all()
    assert (alignment.pieces >= windows.starts[windows.pair_windows]).all()
    assert (alignment.pieces < windows.ends[windows.pair_windows]).all()
    n_windows = np.bincount(tokens[1:][np.diff(windows.pair_windows) != 0], minlength=len(lengths))
    inside = (np.diff(tokens) == 0) & (np.diff(windows.pair_windows) != 0)
    assert set(tokens[1:][inside]) == {1000, 200_000}
    assert n_windows[1000] >= 19
