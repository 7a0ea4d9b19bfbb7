"""Recurrent layers against torch's own LSTM, one sequence at a time."""

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor, nn

from spacy_ner_plus.nn.encoders.recurrent import FEWEST_SEQUENCES, BiLstmLayer

N_INPUTS, HIDDEN = 5, 4
UNLIMITED = 10**6

lengths_of = st.lists(st.integers(1, 12), min_size=1, max_size=6).map(
    lambda lengths: sorted(lengths, reverse=True)
)


@pytest.fixture(scope="module")
def layer() -> BiLstmLayer:
    torch.manual_seed(0)
    return BiLstmLayer(N_INPUTS, HIDDEN)


def sequences(lengths: list[int], seed: int = 0) -> list[Tensor]:
    torch.manual_seed(seed)
    return [torch.randn(length, N_INPUTS) for length in lengths]


def read(
    layer: BiLstmLayer, given: list[Tensor], *, max_rows: int = UNLIMITED, n_more: int = 0
) -> list[Tensor]:
    """What the layer gives for each sequence; padding holds large numbers, that show leaks.

    n_more: places beyond the longest sequence.
    """
    lengths = torch.tensor([len(sequence) for sequence in given])
    padded = nn.utils.rnn.pad_sequence(given, padding_value=50.0)
    padded = nn.functional.pad(padded, (0, 0, 0, 0, 0, n_more), value=50.0)
    outputs = layer(padded, lengths, max_rows)
    assert outputs.shape == (len(padded), len(given), 2 * HIDDEN)
    return [outputs[: len(sequence), i] for i, sequence in enumerate(given)]


def naive(layer: BiLstmLayer, sequence: Tensor) -> Tensor:
    """One sequence, one word after the other."""
    directions = []
    for lstm, words in ((layer.forwards, sequence), (layer.backwards, sequence.flip(0))):
        state, outputs = None, []
        for word in words:
            output, state = lstm(word[None, None], state)
            outputs.append(output[0, 0])
        directions.append(torch.stack(outputs))
    return torch.cat([directions[0], directions[1].flip(0)], dim=1)


@settings(deadline=None, max_examples=30)
@given(lengths=lengths_of, max_rows=st.integers(1, 80), n_more=st.integers(0, 3))
def test_layer_equals_an_lstm_over_each_sequence_whatever_the_window(
    layer: BiLstmLayer, lengths: list[int], max_rows: int, n_more: int
) -> None:
    given = sequences(lengths)
    with torch.inference_mode():
        found = read(layer, given, max_rows=max_rows, n_more=n_more)
        for sequence, vectors in zip(given, found, strict=True):
            torch.testing.assert_close(vectors, naive(layer, sequence), rtol=0, atol=1e-5)


@pytest.mark.parametrize("max_rows", [1, 7, UNLIMITED])
def test_gradients_through_windows_equal_those_of_one_pass(
    layer: BiLstmLayer, max_rows: int
) -> None:
    found = []
    for read_all in (
        lambda given: read(layer, given, max_rows=max_rows),
        lambda given: [naive(layer, sequence) for sequence in given],
    ):
        given = [sequence.requires_grad_() for sequence in sequences([9, 4, 4, 1])]
        layer.zero_grad()
        outputs = torch.cat(read_all(given))
        (outputs * torch.linspace(-1, 1, outputs.numel()).view_as(outputs)).sum().backward()
        found.append([sequence.grad for sequence in given] + [p.grad for p in layer.parameters()])
    for gradient, expected in zip(*found, strict=True):
        torch.testing.assert_close(gradient, expected, rtol=1e-4, atol=1e-5)


def test_padded_pass_in_bf16_is_near_the_exact_one(layer: BiLstmLayer) -> None:
    given = sequences([9, 4, 1])
    with torch.inference_mode():
        exact = read(layer, given)
        with torch.autocast("cpu", torch.bfloat16):
            for max_rows in (6, UNLIMITED):
                near = read(layer, given, max_rows=max_rows)
                for vectors, expected in zip(near, exact, strict=True):
                    assert vectors.dtype == torch.float32
                    torch.testing.assert_close(vectors, expected, rtol=0, atol=0.03)


@pytest.mark.parametrize("n_sequences", [FEWEST_SEQUENCES - 1, FEWEST_SEQUENCES])
def test_few_sequences_are_learned_from_in_fp32(layer: BiLstmLayer, n_sequences: int) -> None:
    given = sequences([5] * n_sequences)
    exact = torch.cat(read(layer, given))
    with torch.autocast("cpu", torch.bfloat16):
        found = torch.cat(read(layer, given))
    assert torch.equal(found, exact) == (n_sequences < FEWEST_SEQUENCES)
    torch.testing.assert_close(found, exact, rtol=0, atol=0.03)


def test_sequences_become_few_on_the_way(layer: BiLstmLayer) -> None:
    """The first windows are read in bf16, the last ones in fp32, in training."""
    given = [s.requires_grad_() for s in sequences([30, *[10] * FEWEST_SEQUENCES])]
    exact = torch.cat(read(layer, given))
    with torch.autocast("cpu", torch.bfloat16):
        found = torch.cat(read(layer, given, max_rows=5 * len(given)))
    torch.testing.assert_close(found, exact, rtol=0, atol=0.03)
    found.sum().backward()
    assert all(sequence.grad is not None for sequence in given)


def test_long_sequence_takes_the_memory_of_a_window_for_the_gates(layer: BiLstmLayer) -> None:
    """The largest tensors that torch makes within the LSTM are those of a window."""
    shapes: list[int] = []

    class Watched(nn.LSTM):
        def forward(self, inputs: Tensor, state: object = None) -> object:  # type: ignore[override]
            data = inputs.data if hasattr(inputs, "batch_sizes") else inputs
            shapes.append(data.shape[0])
            return super().forward(inputs, state)

    watched = BiLstmLayer(N_INPUTS, HIDDEN)
    for name in ("forwards", "backwards"):
        lstm = Watched(N_INPUTS, HIDDEN)
        lstm.load_state_dict(getattr(watched, name).state_dict())
        setattr(watched, name, lstm)
    with torch.inference_mode():
        read(watched, sequences([1000]), max_rows=64)
    assert max(shapes) == 64 and sum(shapes) == 2 * 1000


def test_forget_gates_start_open() -> None:
    layer = BiLstmLayer(N_INPUTS, HIDDEN)
    bias = layer.forwards.get_parameter("bias_ih_l0") + layer.forwards.get_parameter("bias_hh_l0")
    assert torch.equal(bias[HIDDEN : 2 * HIDDEN], torch.ones(HIDDEN))
