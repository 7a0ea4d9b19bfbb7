"""Further labels for a biaffine head."""

import numpy as np
import pytest
import torch

from spacy_ner_plus.nn.heads.span_band import BandSizes, SpanBandHead, with_labels
from spacy_ner_plus.nn.heads.span_band.band_growth import NEW_LABEL_SCORE


@pytest.mark.parametrize("n_blocks", [0, 2])
def test_scores_of_old_labels_stay_and_new_ones_are_improbable(n_blocks: int) -> None:
    torch.manual_seed(0)
    sizes = BandSizes(
        width=6, n_labels=2, max_width=3, hidden_width=4, n_blocks=n_blocks, channels=5
    )
    head = SpanBandHead(sizes, dropout=0.1).double().eval()
    with torch.no_grad():
        for parameter in head.parameters():
            parameter.normal_()
    grown = with_labels(head, 4)
    assert grown.sizes.n_labels == 4 and not grown.training
    layout = head.layout(np.array([5, 0, 3]), torch.device("cpu"))
    vectors = torch.randn(8, 6, dtype=torch.float64)
    old = head(head.read_tokens(vectors), layout)
    new = grown(grown.read_tokens(vectors), layout)
    torch.testing.assert_close(new[:, :, :2], old, rtol=0, atol=1e-12)
    is_span = layout.is_span()
    assert torch.equal(new[is_span][:, 2:], torch.full_like(new[is_span][:, 2:], NEW_LABEL_SCORE))
    # one of no use for now is as it was
    assert torch.equal(with_labels(head, 2).bias, head.bias)


def test_labels_cannot_be_taken_away() -> None:
    head = SpanBandHead(BandSizes(width=2, n_labels=2), dropout=0.0)
    with pytest.raises(ValueError, match="A head of 2 labels can't become one of 1"):
        with_labels(head, 1)
