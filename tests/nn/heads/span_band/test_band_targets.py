"""What annotation says of the cells, and boundary smoothing."""

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from spacy_ner_plus.nn.heads.span_band import BandLayout, known_cells, make_targets
from tests.nn.heads.span_band.bands import gold_of, gold_spans, lengths_of_docs, random_known

N_LABELS = 2


@settings(deadline=None)
@given(data=st.data(), lengths=lengths_of_docs, max_width=st.integers(1, 5))
def test_gold_is_in_its_cells_and_what_is_too_wide_is_counted(
    data: st.DataObject, lengths: list[int], max_width: int
) -> None:
    layout = BandLayout(lengths, max_width)
    gold = data.draw(gold_of(lengths))
    targets = make_targets(layout, gold, N_LABELS)
    spans = set(zip(gold.docs, gold.starts, gold.ends, gold.labels, strict=True))
    expected = torch.zeros(layout.n_rows, max_width, N_LABELS, dtype=torch.bool)
    n_too_wide = [0] * N_LABELS
    for doc, start, end, label in spans:
        if end - start > max_width:
            n_too_wide[label] += 1
        else:
            expected[sum(lengths[:doc]) + start, end - start - 1, label] = True
    assert torch.equal(targets.gold, expected)
    assert targets.n_too_wide.tolist() == n_too_wide
    assert torch.equal(targets.known, layout.is_span().unsqueeze(2).expand_as(expected))
    n_gold, n_known = targets.counts()
    assert n_gold.tolist() == expected.sum(dim=0).tolist()
    assert n_known.tolist() == [[n] * N_LABELS for n in layout.n_spans()]
    assert targets.n_known_rows == layout.n_rows


@settings(deadline=None, max_examples=60)
@given(
    data=st.data(),
    lengths=lengths_of_docs,
    max_width=st.integers(1, 5),
    smoothing=st.sampled_from([0.0, 0.1, 0.9]),
    share=st.sampled_from([0.5, 1.0]),
)
def test_smoothing_moves_quarters_and_loses_nothing(
    data: st.DataObject, lengths: list[int], max_width: int, smoothing: float, share: float
) -> None:
    layout = BandLayout(lengths, max_width)
    known = random_known(layout, N_LABELS, seed=len(lengths), share=share)
    targets = make_targets(layout, data.draw(gold_of(lengths)), N_LABELS, known)
    smoothed = targets.smoothed(smoothing, torch.float64)
    of_gold = targets.gold.sum(dim=(0, 1)).double()
    torch.testing.assert_close(smoothed.sum(dim=(0, 1)), of_gold, rtol=1e-12, atol=1e-12)
    assert (smoothed >= 0).all() and (smoothed <= 1 + 1e-12).all()
    assert not smoothed[~targets.known].any()
    expected = targets.gold.double()
    shape = (layout.n_rows, max_width)
    for row, column, label in targets.gold.nonzero().tolist():
        for start_shift, end_shift in ((1, 0), (-1, 0), (0, 1), (0, -1)):
            to = (row + start_shift, column + end_shift - start_shift)
            if all(0 <= i < n for i, n in zip(to, shape, strict=True)):
                moved = 0.25 * smoothing * targets.known[(*to, label)].double()
                expected[row, column, label] -= moved
                expected[(*to, label)] += moved
    torch.testing.assert_close(smoothed, expected, rtol=1e-12, atol=1e-12)


def test_smoothing_does_not_leave_the_document() -> None:
    layout = BandLayout([2, 2], 3)
    targets = make_targets(layout, gold_spans([(0, 0, 2, 0), (1, 0, 1, 0)]), 1)
    smoothed = targets.smoothed(0.4).squeeze(2).tolist()
    expected = [[0.1, 0.8, 0.0], [0.1, 0.0, 0.0], [0.9, 0.1, 0.0], [0.0, 0.0, 0.0]]
    np.testing.assert_allclose(smoothed, expected, rtol=1e-6)


@settings(deadline=None)
@given(data=st.data(), lengths=lengths_of_docs, max_width=st.integers(1, 5))
def test_known_cells_have_known_tokens_and_a_label_that_was_looked_for(
    data: st.DataObject, lengths: list[int], max_width: int
) -> None:
    layout = BandLayout(lengths, max_width)
    size = st.lists(st.booleans(), min_size=layout.n_rows, max_size=layout.n_rows)
    tokens = np.array(data.draw(size), dtype=bool)
    of_doc = st.tuples(*[st.booleans()] * N_LABELS)
    drawn = data.draw(st.lists(of_doc, min_size=len(lengths), max_size=len(lengths)))
    labels = np.array(drawn, dtype=bool).reshape(-1, N_LABELS)
    known = known_cells(layout, N_LABELS, tokens=tokens, labels=labels)
    assert known.shape == (layout.n_rows, max_width, N_LABELS)
    is_span = layout.is_span()
    for row, column, label in np.ndindex(*known.shape):
        within = tokens[row : row + column + 1].all() and bool(is_span[row, column])
        assert bool(known[row, column, label]) == (within and labels[layout.docs[row], label])


def test_everything_is_known_unless_something_is_not() -> None:
    layout = BandLayout([3, 0, 2], 2)
    assert torch.equal(known_cells(layout, 1), layout.is_span().unsqueeze(2))


def test_gold_is_known_where_its_tokens_are_not() -> None:
    layout = BandLayout([3], 2)
    known = known_cells(layout, 1, tokens=np.array([True, False, False]))
    targets = make_targets(layout, gold_spans([(0, 1, 3, 0)]), 1, known)
    assert targets.known.squeeze(2).tolist() == [[True, False], [False, True], [False, False]]
    assert targets.n_known_rows == 2


@pytest.mark.parametrize(
    "span", [(0, 1, 1, 0), (0, 0, 4, 0), (0, -1, 1, 0), (2, 0, 1, 0), (-1, 0, 1, 0), (0, 0, 1, 2)]
)
def test_impossible_spans_are_refused(span: tuple[int, int, int, int]) -> None:
    layout = BandLayout([3, 1], 2)
    with pytest.raises(ValueError, match=rf"Span \({span[1]}, {span[2]}\) of document {span[0]}"):
        make_targets(layout, gold_spans([(1, 0, 1, 1), span]), 2)


def test_known_cells_may_differ_by_label() -> None:
    layout = BandLayout([3, 2], 2)
    rng = np.random.default_rng(0)
    tokens = rng.random((5, 2)) < 0.6  # (n_rows, n_labels)
    known = known_cells(layout, 2, tokens=tokens)
    for label in range(2):
        alone = known_cells(layout, 1, tokens=tokens[:, label])
        assert torch.equal(known[:, :, label], alone[:, :, 0])
    assert known.any() and not known.all()
