"""Mixes of layers, against what transformers gives of each layer."""

from pathlib import Path

import pytest
import torch
from torch import Tensor

from spacy_ner_plus.models.pretrained.loading import load_encoder
from spacy_ner_plus.nn.encoders.layer_mix import LayerMix
from tests import tiny
from tests.nn.encoders.test_transformer import N_WORD_FORMS, make_windows


def test_mix_is_the_mean_at_first_and_then_by_softmax() -> None:
    layers = [torch.randn(2, 5, 3) for _ in range(3)]
    mix = LayerMix(3)
    torch.testing.assert_close(mix(layers), sum(layers) / 3)
    with torch.no_grad():
        mix.weights.copy_(torch.tensor([0.0, 1.0, -2.0]))
        mix.scale.fill_(0.5)
    shares = torch.tensor([0.0, 1.0, -2.0]).softmax(0)
    expected = 0.5 * torch.einsum("i,iabc->abc", shares, torch.stack(layers))
    torch.testing.assert_close(mix(layers), expected)


def test_mix_of_reduced_precision_is_summed_in_full() -> None:
    layers = [torch.randn(4, 8).bfloat16() for _ in range(4)]
    mixed = LayerMix(4)(layers)
    assert mixed.dtype == torch.float32
    torch.testing.assert_close(mixed, torch.stack([layer.float() for layer in layers]).mean(0))


@pytest.mark.slow
@pytest.mark.parametrize("family", tiny.FAMILIES)
def test_layers_are_those_of_transformers(family: str, tmp_path: Path) -> None:
    folder = str(tiny.save_encoder(tmp_path, family))
    plain = load_encoder(folder, n_word_forms=0).eval()
    encoder = load_encoder(folder, n_word_forms=N_WORD_FORMS).eval()
    ids, mask, forms = make_windows([20, 7, 1])

    def read(n_layers: int | str, chosen: int) -> Tensor:
        encoder.mix_layers(n_layers)
        assert encoder.mix is not None
        with torch.no_grad():
            encoder.mix.weights[chosen] = 100.0
            mixed = encoder(ids, mask, forms)[mask]
        with torch.inference_mode():  # a packed copy, where there is one
            torch.testing.assert_close(encoder(ids, mask, forms)[mask], mixed, rtol=1e-4, atol=1e-5)
        return mixed

    with torch.no_grad():
        last = plain(ids, mask, forms)[mask]
        layers = plain.model(ids, mask.long(), output_hidden_states=True).hidden_states
    for n_layers, chosen in ((1, 0), (2, 1), ("all", -1)):
        torch.testing.assert_close(read(n_layers, chosen), last, rtol=1e-4, atol=1e-5)
    below = read(2, 0)
    torch.testing.assert_close(below, layers[-2][mask], rtol=1e-4, atol=1e-5)
    assert (below - last).abs().max() > 0.01
    encoder.mix_layers(0)
    assert encoder.mix is None
    n_layers = encoder.n_layers
    with pytest.raises(ValueError, match=rf"mix_layers = 99 must be at most {n_layers}: the enc"):
        encoder.mix_layers(99)
