"""The biaffine head against loops over all spans."""

from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor
from torch.nn import functional
from torch.utils._python_dispatch import TorchDispatchMode

from spacy_ner_plus.nn.heads.span_band import (
    BandLayout,
    BandLoss,
    BandSizes,
    BandSpans,
    LogOddsLines,
    SpanBandHead,
    make_targets,
)
from tests.nn.heads.span_band.bands import (
    INF,
    WIDTH,
    gold_spans,
    lengths_of_docs,
    make_head,
    make_vectors,
    naive_logits,
    score,
    split,
)

each_depth = pytest.mark.parametrize("n_blocks", [0, 3])


@settings(max_examples=60, deadline=None)
@given(
    lengths=lengths_of_docs,
    max_width=st.integers(1, 5),
    n_labels=st.integers(1, 3),
    n_blocks=st.integers(0, 2),
    max_rows=st.integers(1, 8),
    seed=st.integers(0, 1000),
)
def test_logits_equal_those_of_each_span_by_itself(
    lengths: list[int], max_width: int, n_labels: int, n_blocks: int, max_rows: int, seed: int
) -> None:
    head = make_head(max_width, n_labels=n_labels, n_blocks=n_blocks, max_rows=max_rows, seed=seed)
    vectors = make_vectors(sum(lengths), seed)
    with torch.no_grad():
        logits, expected = score(head, vectors, lengths), naive_logits(head, vectors, lengths)
    assert logits.shape == (sum(lengths), max_width, n_labels)
    torch.testing.assert_close(logits, expected, rtol=1e-9, atol=1e-9)


@each_depth
@pytest.mark.parametrize("max_rows", [3, 1024])
def test_gradients_equal_those_of_each_span_by_itself(n_blocks: int, max_rows: int) -> None:
    """In chunks they come from what is computed again in the backward pass."""
    lengths, layout = [6, 0, 1, 5], BandLayout([6, 0, 1, 5], 4)
    head = make_head(4, n_blocks=n_blocks, max_rows=max_rows)
    vectors = make_vectors(12).requires_grad_()
    leaves = [vectors, *head.parameters()]
    weights = torch.randn(12, 4, 2, dtype=torch.float64)

    def gradients(logits: Tensor) -> tuple[Tensor, ...]:
        is_span = layout.is_span().unsqueeze(2)  # (n_rows, max_width, 1)
        total = (logits.masked_fill(~is_span, 0.0) * weights).sum()
        return torch.autograd.grad(total, leaves)

    found = gradients(score(head, vectors, lengths))
    expected = gradients(naive_logits(head, vectors, lengths))
    torch.testing.assert_close(found, expected, rtol=1e-9, atol=1e-9)


def single_precision_head(n_blocks: int, max_rows: int = 1024) -> SpanBandHead:
    torch.manual_seed(0)
    sizes = BandSizes(
        width=WIDTH, n_labels=3, max_width=6, hidden_width=16, n_blocks=n_blocks, channels=8
    )
    return SpanBandHead(sizes, dropout=0.1, max_rows=max_rows).eval()


@each_depth
def test_neither_chunks_nor_the_batch_change_anything(n_blocks: int) -> None:
    lengths = [20, 3, 0, 17, 30, 1]
    vectors = make_vectors(sum(lengths), dtype=torch.float32)
    whole = score(single_precision_head(n_blocks), vectors, lengths)
    for max_rows in (2, 7, 32):
        logits = score(single_precision_head(n_blocks, max_rows), vectors, lengths)
        torch.testing.assert_close(logits, whole, rtol=1e-6, atol=1e-6)
    alone = [
        score(single_precision_head(n_blocks), doc, [len(doc)]) for doc in split(vectors, lengths)
    ]
    torch.testing.assert_close(torch.cat(alone), whole, rtol=1e-6, atol=1e-6)


@each_depth
def test_vectors_that_are_not_finite_stay_in_their_document(n_blocks: int) -> None:
    lengths = [4, 3, 5]
    head, vectors = make_head(3, n_blocks=n_blocks), make_vectors(12)
    expected = score(head, vectors, lengths)
    vectors[4:7] = torch.tensor([INF, float("nan"), 0.0]).unsqueeze(1)
    found = score(head, vectors, lengths)
    for own, others in ((found[:4], expected[:4]), (found[7:], expected[7:])):
        torch.testing.assert_close(own, others, rtol=1e-12, atol=1e-12)
    assert not found[4:7][torch.isfinite(expected[4:7])].isfinite().all()


def test_band_without_rows_gives_no_logits_and_takes_a_gradient() -> None:
    head = make_head(3, n_blocks=1)
    logits = score(head, make_vectors(0), [0, 0])
    assert logits.shape == (0, 3, 2)
    logits.sum().backward()
    assert head.bias.grad is not None and not head.bias.grad.any()
    features = head.read_tokens(make_vectors(0))
    assert len(head.find_spans(features, BandLayout([0, 0], 3))) == 0


class Sizes(TorchDispatchMode):
    """How many numbers each operation gives."""

    def __init__(self) -> None:
        super().__init__()
        self.numbers: list[int] = []

    def __torch_dispatch__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        result = func(*args, **(kwargs or {}))
        if isinstance(result, Tensor) and not func.is_view:
            self.numbers.append(result.numel())
        return result


@each_depth
def test_spans_of_a_long_document_take_more_steps_and_no_more_memory(n_blocks: int) -> None:
    head = single_precision_head(n_blocks, max_rows=16)
    largest, total = [], []
    for n_rows in (150, 600):
        features = head.read_tokens(make_vectors(n_rows, dtype=torch.float32)).detach()
        with Sizes() as sizes:
            head.find_spans(features, BandLayout([n_rows], 6))
        largest.append(max(sizes.numbers))
        total.append(sum(sizes.numbers))
    assert largest[0] == largest[1]
    assert total[1] == pytest.approx(4 * total[0], rel=0.05)


@each_depth
def test_found_spans_are_those_of_the_logits(n_blocks: int) -> None:
    lengths = [9, 0, 4]
    head = make_head(4, n_blocks=n_blocks, max_rows=3)
    features = head.read_tokens(make_vectors(13)).detach()
    layout = BandLayout(lengths, 4)
    lines = LogOddsLines(np.array([0.5, 2.0]), np.array([-0.3, 0.1]))
    found = head.find_spans(features, layout, floor=0.4, lines=lines)
    expected = []
    logits = head(features, layout).detach().numpy()
    for row, column, label in np.argwhere(np.isfinite(logits)).tolist():
        log_odds = lines.slopes[label] * logits[row, column, label] + lines.intercepts[label]
        if 1 / (1 + np.exp(-log_odds)) >= 0.4:
            doc, start = (0, row) if row < 9 else (2, row - 9)
            expected.append((doc, start, start + column + 1, label, log_odds))
    assert 5 < len(expected) < 2 * 4 * 13
    assert rows_of(found) == [row[:4] for row in expected]
    np.testing.assert_allclose(found.log_odds, [row[4] for row in expected], rtol=1e-9, atol=1e-9)


def rows_of(spans: BandSpans) -> list[tuple[int, ...]]:
    columns = (spans.docs, spans.starts, spans.ends, spans.labels)
    return list(zip(*(column.tolist() for column in columns), strict=True))


def silent(head: SpanBandHead) -> SpanBandHead:
    """All weights 0: what is left is the priors."""
    with torch.no_grad():
        for parameter in head.parameters():
            parameter.zero_()
    return head


def test_head_starts_at_a_probability_of_a_hundredth() -> None:
    head = single_precision_head(n_blocks=2)
    logits = score(head, make_vectors(50, dtype=torch.float32), [50])
    probabilities = logits[torch.isfinite(logits)].sigmoid()
    assert probabilities.min() > 0.002 and probabilities.max() < 0.05
    assert probabilities.mean().item() == pytest.approx(0.01, rel=0.3)


def test_priors_are_the_shares_of_labels_by_width() -> None:
    n_gold = np.array([[700, 0], [90, 20], [0, 0]])
    n_known = np.array([[10_000, 10_000], [9_000, 9_000], [8_000, 0]])
    head = silent(make_head(3))
    head.set_priors(n_gold, n_known)
    logits = score(head, make_vectors(3), [3])[0]  # (max_width, n_labels)
    probabilities = logits.sigmoid().tolist()
    assert probabilities[0][0] == pytest.approx(0.07, rel=0.01)
    assert probabilities[1][0] == pytest.approx(0.01, rel=0.01)
    assert probabilities[1][1] == pytest.approx(20 / 9_000, rel=0.03)
    assert probabilities[2][1] == pytest.approx(20 / 19_000, rel=0.03)  # as the label's others
    for seldom in (probabilities[0][1], probabilities[2][0]):
        assert 1e-6 < seldom < 1e-4


@pytest.mark.parametrize("negative_weight", [1.0, 0.1])
def test_priors_are_where_the_loss_is_least(negative_weight: float) -> None:
    layout = BandLayout([2_000, 3], 3)
    generator = np.random.default_rng(0)
    starts = np.arange(0, 1_900, 5)
    widths, labels = generator.integers(1, 4, len(starts)), generator.integers(0, 2, len(starts))
    spans = list(zip(0 * starts, starts, starts + widths, labels, strict=True))
    targets = make_targets(layout, gold_spans(spans), 2)
    loss = BandLoss(n_labels=2, negative_weight=negative_weight, label_weights=np.array([1.0, 4.0]))
    head = silent(make_head(3))

    def gradient() -> Tensor:
        """Of the scores of widths, by gold span: (max_width, n_labels)."""
        logits = score(head, make_vectors(layout.n_rows), [2_000, 3])
        total = loss.of_docs(logits, targets, layout).sum()
        [of_widths] = torch.autograd.grad(total, [head.terms.widths])
        return of_widths / targets.gold.sum(dim=0)

    assert (gradient().abs() > 0.1).all()
    head.set_priors(*targets.counts(), loss.raised_by)
    assert (gradient().abs() < 0.02).all()  # of half an entity that was seen besides


def test_impossible_counts_are_refused() -> None:
    head = make_head(2)
    counts = np.array([[5, 5], [5, 5]])
    with pytest.raises(ValueError, match="6 of 5 known spans of width 2 can't have label 1"):
        head.set_priors(counts + np.array([[0, 0], [0, 1]]), counts)
    with pytest.raises(ValueError, match=r"\(2, 2\), got \(1, 2\) and \(2, 2\)"):
        head.set_priors(counts[:1], counts)


def test_other_features_than_those_of_the_documents_are_refused() -> None:
    head = make_head(2)
    with pytest.raises(ValueError, match=r"4 rows of 12 features, .* shape is \(3, 12\)"):
        head(head.read_tokens(make_vectors(3)), BandLayout([4], 2))
    with pytest.raises(ValueError, match=r"up to 3 tokens, .* up to 2"):
        head(head.read_tokens(make_vectors(3)), BandLayout([3], 3))


@pytest.mark.parametrize("size", [{"max_width": 0}, {"n_labels": 0}, {"n_blocks": -1}])
def test_sizes_that_are_too_small_are_refused(size: dict[str, int]) -> None:
    [(name, value)] = size.items()
    with pytest.raises(ValueError, match=f"{name} = {value} must be at least"):
        BandSizes(**{"width": 4, "n_labels": 1, **size})


def test_head_is_made_again_of_its_config_and_weights() -> None:
    head = make_head(3, n_blocks=2)
    again = SpanBandHead(BandSizes(**head.config), dropout=0.0).double()
    again.load_state_dict(head.state_dict())
    vectors = make_vectors(8)
    torch.testing.assert_close(
        score(again, vectors, [8]), score(head, vectors, [8]), rtol=0, atol=0
    )


@each_depth
def test_head_works_in_full_precision_under_autocast(n_blocks: int) -> None:
    head = single_precision_head(n_blocks)
    vectors = make_vectors(20, dtype=torch.float32)
    with torch.autocast("cpu", dtype=torch.bfloat16):
        logits = score(head, vectors, [20])
    torch.testing.assert_close(logits, score(head, vectors, [20]), rtol=0, atol=0)
    assert head.read_tokens(vectors.bfloat16()).dtype == torch.float32


def test_head_drops_in_training_only() -> None:
    head = single_precision_head(n_blocks=1)
    vectors = make_vectors(20, dtype=torch.float32)
    torch.testing.assert_close(
        score(head, vectors, [20]), score(head, vectors, [20]), rtol=0, atol=0
    )
    torch.manual_seed(0)
    head.train()
    assert not torch.equal(score(head, vectors, [20]), score(head, vectors, [20]))


@each_depth
def test_head_learns_nested_and_crossing_spans_and_two_labels_of_one(n_blocks: int) -> None:
    torch.manual_seed(0)
    lengths = [8, 0, 6]
    spans = [(0, 0, 4, 0), (0, 1, 3, 0), (0, 1, 3, 1), (0, 2, 6, 1), (2, 5, 6, 0), (2, 0, 5, 1)]
    sizes = BandSizes(
        width=16, n_labels=2, max_width=5, hidden_width=16, n_blocks=n_blocks, channels=8
    )
    head = SpanBandHead(sizes, dropout=0.0)
    layout = BandLayout(lengths, 5)
    vectors = functional.normalize(torch.randn(14, 16)) * 4
    targets = make_targets(layout, gold_spans(spans), 2)
    loss = BandLoss(n_labels=2)
    head.set_priors(*targets.counts(), loss.raised_by)
    optimizer = torch.optim.AdamW(head.parameters(), lr=0.01)
    for _ in range(60):
        optimizer.zero_grad()
        logits = head(head.read_tokens(vectors), layout)
        (loss.of_docs(logits, targets, layout).sum() / targets.n_known_rows).backward()
        optimizer.step()
    features = head.eval().read_tokens(vectors).detach()
    assert rows_of(head.find_spans(features, layout, floor=0.5)) == sorted(spans)
