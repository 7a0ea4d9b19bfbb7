"""The spans that are probable, as columns."""

import math

import numpy as np
import pytest
import torch

from spacy_ner_plus.nn.heads.span_band import BandLayout, LogOddsLines
from spacy_ner_plus.nn.heads.span_band.band_spans import join_spans, take_spans

LAYOUT = BandLayout([2, 0, 1], 2)
LOGITS = torch.tensor(
    [
        [[0.0, -9.0], [2.0, 40.0]],
        [[-2.0, -1.0], [9.0, 9.0]],  # the second one would run over the end
        [[-9.0, 1.0], [9.0, 9.0]],
    ]
)


def test_spans_have_columns_and_probabilities() -> None:
    spans = take_spans(LOGITS, LAYOUT, floor=0.2)
    assert spans.docs.tolist() == [0, 0, 0, 0, 2]
    assert spans.starts.tolist() == [0, 0, 0, 1, 0]
    assert spans.ends.tolist() == [1, 2, 2, 2, 1]
    assert spans.labels.tolist() == [0, 0, 1, 1, 1]
    assert spans.log_odds.tolist() == [0.0, 2.0, 40.0, -1.0, 1.0]
    expected = [1 / (1 + math.exp(-x)) for x in spans.log_odds]
    np.testing.assert_allclose(spans.probabilities, expected, rtol=1e-12)
    assert len(spans) == 5


def test_parts_of_the_band_give_the_same() -> None:
    whole = take_spans(LOGITS, LAYOUT, floor=0.05)
    parts = [take_spans(LOGITS[i : i + 1], LAYOUT, first_row=i, floor=0.05) for i in range(3)]
    joined = join_spans(parts)
    for name in ("docs", "starts", "ends", "labels", "log_odds"):
        assert getattr(joined, name).tolist() == getattr(whole, name).tolist()
    assert len(join_spans([])) == 0


@pytest.mark.parametrize(("floor", "n_taken"), [(0.0, 8), (0.5, 4), (1.0, 0)])
def test_floor_is_the_least_probability(floor: float, n_taken: int) -> None:
    """At 0 there are all cells that are spans, and no others."""
    spans = take_spans(LOGITS, LAYOUT, floor=floor)
    assert len(spans) == n_taken
    assert (spans.probabilities >= floor).all()


def test_lines_say_what_logits_mean() -> None:
    lines = LogOddsLines(np.array([0.5, 1.0]), np.array([1.0, -2.0]))
    spans = take_spans(LOGITS, LAYOUT, floor=0.2, lines=lines)
    assert spans.labels.tolist() == [0, 0, 1, 0, 1]
    assert spans.log_odds.tolist() == [1.0, 2.0, 38.0, 0.0, -1.0]


def test_impossible_floors_and_lines_are_refused() -> None:
    with pytest.raises(ValueError, match=r"floor = 1.5 must be from 0 to 1"):
        take_spans(LOGITS, LAYOUT, floor=1.5)
    with pytest.raises(ValueError, match="must be over 0"):
        LogOddsLines(np.array([0.0]), np.array([0.0]))
    with pytest.raises(ValueError, match="finite"):
        LogOddsLines(np.array([1.0]), np.array([math.inf]))
