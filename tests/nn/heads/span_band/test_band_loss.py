"""The loss of the band against loops over its cells."""

import math

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor

from spacy_ner_plus.nn.heads.span_band import BandLayout, BandLoss, BandTargets, make_targets
from tests.nn.heads.span_band.bands import (
    INF,
    gold_of,
    gold_spans,
    lengths_of_docs,
    random_known,
)

WEIGHTS = np.array([0.5, 3.0])


def make_logits(layout: BandLayout, seed: int = 0) -> Tensor:
    generator = torch.Generator().manual_seed(seed)
    shape = (layout.n_rows, layout.max_width, 2)
    logits = 3.0 * torch.randn(shape, generator=generator, dtype=torch.float64)
    return logits.masked_fill(~layout.is_span().unsqueeze(2), -INF)


def naive_losses(
    loss: BandLoss, logits: Tensor, targets: BandTargets, layout: BandLayout
) -> list[float]:
    losses = [0.0] * layout.n_docs
    label_weights = np.ones(2) if loss.label_weights is None else loss.label_weights
    smoothed = targets.smoothed(loss.smoothing, torch.float64).tolist()
    for row, column, label in targets.known.nonzero().tolist():
        y, x = smoothed[row][column][label], float(logits[row, column, label])
        p = 1 / (1 + math.exp(-x))
        cell = label_weights[label] * y * math.log(p)
        cell += loss.negative_weight * (1 - y) * math.log(1 - p)
        losses[layout.docs[row]] -= cell
    return losses


@settings(deadline=None)
@given(
    data=st.data(),
    lengths=lengths_of_docs,
    max_width=st.integers(1, 4),
    negative_weight=st.sampled_from([1.0, 0.1]),
    label_weights=st.sampled_from([None, WEIGHTS]),
    smoothing=st.sampled_from([0.0, 0.2]),
)
def test_loss_equals_that_of_each_cell_by_itself(
    data: st.DataObject,
    lengths: list[int],
    max_width: int,
    negative_weight: float,
    label_weights: np.ndarray | None,
    smoothing: float,
) -> None:
    layout = BandLayout(lengths, max_width)
    known = random_known(layout, 2, seed=1)
    targets = make_targets(layout, data.draw(gold_of(lengths)), 2, known)
    loss = BandLoss(
        n_labels=2,
        negative_weight=negative_weight,
        label_weights=label_weights,
        smoothing=smoothing,
    )
    logits = make_logits(layout)
    found = loss.of_docs(logits, targets, layout)
    assert found.dtype == torch.float64
    expected = naive_losses(loss, logits, targets, layout)
    np.testing.assert_allclose(found.numpy(), expected, rtol=1e-10, atol=1e-10)
    in_single = loss.of_docs(logits.float(), targets, layout)
    np.testing.assert_allclose(in_single.numpy(), expected, rtol=1e-5, atol=1e-5)


GOLD = gold_spans([(0, 0, 2, 0), (0, 1, 2, 1), (2, 0, 1, 1), (2, 0, 3, 1)])
LOSS = BandLoss(n_labels=2, negative_weight=0.3, label_weights=WEIGHTS, smoothing=0.1)


def test_gradient_is_that_of_the_loss() -> None:
    layout = BandLayout([4, 0, 3], 3)
    targets = make_targets(layout, GOLD, 2, random_known(layout, 2, seed=2))
    is_span = layout.is_span().unsqueeze(2)  # (n_rows, max_width, 1)
    logits = make_logits(layout).masked_fill(~is_span, 0.0).requires_grad_()

    def losses(logits: Tensor) -> Tensor:
        return LOSS.of_docs(logits.masked_fill(~is_span, -INF), targets, layout)

    assert torch.autograd.gradcheck(losses, (logits,))


def test_what_is_unknown_teaches_nothing() -> None:
    layout = BandLayout([4, 0, 3], 3)
    targets = make_targets(layout, GOLD, 2, random_known(layout, 2, seed=2, share=0.5))
    logits = make_logits(layout).requires_grad_()
    losses = LOSS.of_docs(logits, targets, layout)
    losses.sum().backward()
    assert torch.equal(logits.grad != 0, targets.known)
    with torch.no_grad():
        others = logits + 5.0 * ~targets.known
    assert torch.equal(LOSS.of_docs(others, targets, layout), losses)
    nothing = make_targets(layout, gold_spans([]), 2, torch.zeros_like(targets.known))
    assert not LOSS.of_docs(logits, nothing, layout).any()
    assert nothing.n_known_rows == 0


def test_logits_of_least_loss_are_the_log_odds_of_the_data_and_what_the_weights_add() -> None:
    layout = BandLayout([1] * 10, 1)  # ten cells, of which three and one have the labels
    targets = make_targets(layout, gold_spans([(i, 0, 1, 0) for i in range(3)] + [(5, 0, 1, 1)]), 2)
    log_odds = np.log([3 / 7, 1 / 9])
    for label_weights in (None, WEIGHTS):
        loss = BandLoss(n_labels=2, negative_weight=0.2, label_weights=label_weights)
        best = torch.from_numpy(log_odds + loss.raised_by).requires_grad_()
        logits = best.expand(10, 1, 2)
        [gradient] = torch.autograd.grad(loss.of_docs(logits, targets, layout).sum(), [best])
        np.testing.assert_allclose(gradient.numpy(), 0.0, atol=1e-12)
        of_labels = np.zeros(2) if label_weights is None else np.log(label_weights)
        taken_off = best.detach().numpy() + loss.intercepts
        np.testing.assert_allclose(taken_off, log_odds + of_labels, atol=1e-12)


def test_very_large_logits_have_a_finite_loss() -> None:
    layout = BandLayout([2], 1)
    targets = make_targets(layout, gold_spans([(0, 0, 1, 0)]), 1)
    logits = torch.tensor([[[-1e4]], [[1e4]]], requires_grad=True)
    losses = BandLoss(n_labels=1).of_docs(logits, targets, layout)
    losses.sum().backward()
    assert losses.tolist() == [2e4]
    assert logits.grad.flatten().tolist() == [-1.0, 1.0]


@pytest.mark.parametrize(
    ("setting", "message"),
    [
        ({"negative_weight": 0.0}, "negative_weight = 0.0 must be over 0"),
        ({"smoothing": 1.0}, "smoothing = 1.0 must be at least 0 and less than 1"),
        ({"label_weights": np.array([1.0])}, "must be 2 numbers over 0"),
        ({"label_weights": np.array([1.0, -1.0])}, "must be 2 numbers over 0"),
    ],
)
def test_impossible_weights_are_refused(setting: dict[str, float], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        BandLoss(n_labels=2, **setting)
