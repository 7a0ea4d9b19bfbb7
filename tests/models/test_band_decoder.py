"""The biaffine head as a decoder of spans: tokens, calibration, priors."""

import numpy as np
import pytest
import torch

from spacy_ner_plus.models.decoding.band_decoder import BandDecoder
from spacy_ner_plus.models.decoding.log_odds import LogOddsLine
from spacy_ner_plus.models.decoding.row_features import RowFeatures
from spacy_ner_plus.models.decoding.row_gold import RowGold
from spacy_ner_plus.models.decoding.span_calibration import SpanCalibration
from spacy_ner_plus.models.decoding.span_decoder import SpanLearning
from spacy_ner_plus.models.decoding.span_losses import span_gradient
from spacy_ner_plus.nn.heads.span_band import BandSizes, SpanBandHead

LABELS = ("A", "B")


def make_decoder(seed: int = 0) -> BandDecoder:
    torch.manual_seed(seed)
    sizes = BandSizes(width=4, n_labels=2, max_width=3, hidden_width=3)
    head = SpanBandHead(sizes, dropout=0.0).eval()
    with torch.no_grad():
        for parameter in head.parameters():
            parameter.normal_()
    return BandDecoder(head, LABELS)


def make_rows(decoder: BandDecoder) -> RowFeatures:
    tokens = [np.array([0, 2, 3, 5]), np.zeros(0, dtype=np.int64), np.array([1, 2])]
    vectors = torch.randn(6, decoder.head.sizes.width)
    return RowFeatures(decoder.head.read_tokens(vectors).detach(), tokens)


def test_spans_are_on_tokens_and_as_probable_as_their_calibrated_logits() -> None:
    decoder = make_decoder()
    rows = make_rows(decoder)
    line, own = LogOddsLine(0.8, -0.1), LogOddsLine(1.5, 0.3)
    calibration = SpanCalibration(0.5, line, {"B": own})
    found = decoder.find_spans(rows, floor=0.2, calibration=calibration)
    layout = decoder.head.layout(rows.lengths, torch.device("cpu"))
    logits = decoder.head(rows.features, layout).detach().double().numpy()
    expected: list[dict[tuple[int, int, int], float]] = [{} for _ in found]
    row = 0
    for doc, tokens in enumerate(rows.row_tokens):
        for i in range(len(tokens)):
            for j in range(i, min(len(tokens), i + 3)):
                for label, its in enumerate((line, own)):
                    x = logits[row + i, j - i, label] + np.log(0.5)
                    p = 1 / (1 + np.exp(-(its.slope * x + its.intercept)))
                    if p >= 0.2:
                        expected[doc][int(tokens[i]), int(tokens[j]) + 1, label] = float(p)
        row += len(tokens)
    assert sum(map(len, expected)) > 5 and not len(found[1])
    are_spans = np.isfinite(logits)
    assert decoder.raw_scores(rows).tolist() == pytest.approx(logits[are_spans].tolist())
    assert are_spans.sum() == 2 * (9 + 3)  # of 4 and of 2 tokens, for each label
    for spans, wanted in zip(found, expected, strict=True):
        columns = (spans.starts, spans.ends, spans.labels, spans.probabilities)
        got = {
            (s, e, label): p for s, e, label, p in zip(*(c.tolist() for c in columns), strict=True)
        }
        assert got.keys() == wanted.keys()
        np.testing.assert_allclose([got[k] for k in wanted], list(wanted.values()), atol=1e-9)


def make_gold(n_rows: int, rng: np.random.Generator) -> RowGold:
    n = min(n_rows, 2)
    starts = rng.permutation(n_rows)[:n]
    ends = np.array([rng.integers(start + 1, n_rows + 1) for start in starts], dtype=np.int64)
    known = rng.random((n_rows, 2)) < 0.7
    return RowGold(starts, ends, rng.integers(2, size=n), known)


def test_gradient_of_features_is_that_of_the_loss() -> None:
    """By differences, in double precision; with weights, smoothing and unknown rows."""
    decoder = make_decoder()
    decoder.head.double()
    rows = make_rows(decoder)
    rows = RowFeatures(rows.features.double(), rows.row_tokens)
    rng = np.random.default_rng(0)
    gold = [make_gold(n, rng) for n in rows.lengths.tolist()]
    learning = SpanLearning(label_weights=np.array([2.0, 0.5]), negative_weight=0.3, smoothing=0.1)
    found = span_gradient(decoder, rows, gold, learning)
    assert found.losses[1] == 0.0 and found.n_known > 0
    assert decoder.head.biaffine.weight.grad is not None
    step = 1e-6
    for place in ((0, 0), (2, 5), (5, 8)):
        moved = []
        for sign in (1, -1):
            features = rows.features.clone()
            features[place] += sign * step
            again = span_gradient(decoder, RowFeatures(features, rows.row_tokens), gold, learning)
            moved.append(again.losses.sum() / again.n_known)
        slope = (moved[0] - moved[1]) / (2 * step)
        np.testing.assert_allclose(found.gradient[place].item(), slope, rtol=1e-5, atol=1e-8)


def test_losses_that_are_no_numbers_give_no_gradient() -> None:
    decoder = make_decoder()
    rows = make_rows(decoder)
    rows.features[4] = torch.nan
    gold = [make_gold(n, np.random.default_rng(1)) for n in rows.lengths.tolist()]
    gold[2] = RowGold(gold[2].starts, gold[2].ends, gold[2].labels, np.ones((2, 2), dtype=bool))
    found = span_gradient(decoder, rows, gold, SpanLearning())
    assert np.isnan(found.losses[2]) and np.isfinite(found.losses[0])
    assert not found.gradient.any() and decoder.head.bias.grad is None


@pytest.mark.parametrize("where", ["features", "weights"])
def test_scores_that_are_no_numbers_are_refused(where: str) -> None:
    """Else a document would have no entities without a word."""
    decoder = make_decoder()
    rows = make_rows(decoder)
    if where == "features":
        rows.features[4] = torch.nan
    else:
        decoder.head.bias.data[1] = torch.inf
    with pytest.raises(ValueError, match="scores of spans contain nan or \\+inf"):
        decoder.find_spans(rows, floor=0.05, calibration=SpanCalibration())


def test_start_counts_what_is_too_wide_and_sets_the_priors() -> None:
    decoder = make_decoder()
    known = np.ones((6, 2), dtype=bool)
    one = RowGold(np.array([0, 1]), np.array([6, 3]), np.array([1, 0]), known)
    nothing = np.zeros(0, dtype=np.int64)
    two = RowGold(nothing, nothing, nothing, np.zeros((4, 2), dtype=bool))
    decoder.begin_with([[one, two], [one]], SpanLearning())
    [left_out] = decoder.left_out(one)
    assert left_out.spans.tolist() == [True, False]
    n_spans = 2 * (6 + 5 + 4)
    expected = [np.log((n + 0.5) / (n_spans - n + 0.5 * 99)) for n in (2, 0)]
    np.testing.assert_allclose(decoder.head.bias.detach().numpy(), expected, atol=1e-5)
