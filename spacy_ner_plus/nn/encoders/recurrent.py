"""Recurrent layers over sequences of different lengths, in memory that does not grow with them.

A long sequence is read in windows, with the state carried from each to the next: the forward
direction from the first word on, the backward one from the last. So the result is that of one pass.
"""

import torch
from torch import Tensor, nn
from torch.nn.utils.rnn import pack_padded_sequence, pad_packed_sequence
from torch.utils.checkpoint import checkpoint

State = tuple[Tensor, Tensor]

# In training: with fewer sequences at once, bf16 on a CPU with matrix units takes longer than fp32.
# Measured with 240 words each and hidden_size = 256, on one core: 1 sequence takes 2.4 times as
# long, 4 take 1.3 times, 8 take 0.84 and 16 take 0.55 times as long.
FEWEST_SEQUENCES = 8


class BiLstmLayer(nn.Module):
    """A bidirectional LSTM layer.

    Hochreiter and Schmidhuber (1997), "Long short-term memory"; the bias of the forget gate starts
    at 1, after Jozefowicz et al. (2015).

    n_inputs (int): Numbers of each word.
    hidden_size (int): Numbers of each direction's output.
    """

    def __init__(self, n_inputs: int, hidden_size: int) -> None:
        super().__init__()
        self.forwards = nn.LSTM(n_inputs, hidden_size)
        self.backwards = nn.LSTM(n_inputs, hidden_size)
        for lstm in (self.forwards, self.backwards):
            with torch.no_grad():
                lstm.get_parameter("bias_ih_l0")[hidden_size : 2 * hidden_size] = 1.0
                lstm.get_parameter("bias_hh_l0")[hidden_size : 2 * hidden_size] = 0.0

    def forward(self, inputs: Tensor, lengths: Tensor, max_rows: int) -> Tensor:
        """What is known of each word from what is before it and after it.

        inputs: (length, n_sequences, n_inputs), longest sequence first.
        lengths: (n_sequences,) int64, on the CPU.
        max_rows (int): Words with padding that are read at once.
        RETURNS: (length, n_sequences, 2 * hidden_size) float32; what it is in padding means
            nothing.
        """
        order = _reversal(lengths, len(inputs)).to(inputs.device)  # (length, n_sequences)
        onwards = _read(self.forwards, inputs, lengths, max_rows)
        reverse = _reordered(inputs, order)
        backwards = _reordered(_read(self.backwards, reverse, lengths, max_rows), order)
        return torch.cat([onwards, backwards], dim=2)


def _reversal(lengths: Tensor, length: int) -> Tensor:
    """Where to find the words of each sequence from the last to the first, (length, n) int64.

    Padding stays where it is, so that the reversal is its own reverse.
    """
    steps = torch.arange(length).unsqueeze(1)  # (length, 1)
    return torch.where(steps < lengths, lengths - 1 - steps, steps)


def _reordered(vectors: Tensor, order: Tensor) -> Tensor:
    """vectors: (length, n, width). order: (length, n). RETURNS: (length, n, width)."""
    return vectors.gather(0, order.unsqueeze(2).expand(-1, -1, vectors.shape[2]))


def _read(lstm: nn.LSTM, inputs: Tensor, lengths: Tensor, max_rows: int) -> Tensor:
    """One direction in windows of at most max_rows places. (length, n, width) float32.

    In training, what a window computes is not kept for the backward pass but computed again in it,
    if there are several windows.
    """
    length, n_sequences, _ = inputs.shape
    window = max(1, max_rows // max(1, n_sequences))
    if length <= window:
        return _run(lstm, inputs, lengths, None)[0]
    outputs: list[Tensor] = []
    state: State | None = None
    for start in range(0, int(lengths[0]), window):
        n_going_on = int((lengths > start).sum())  # they are the first ones
        part = inputs[start : start + window, :n_going_on]
        left = (lengths[:n_going_on] - start).clamp(max=window)
        if state is not None:
            state = (state[0][:, :n_going_on], state[1][:, :n_going_on])
        if torch.is_grad_enabled():
            output, state = checkpoint(_run, lstm, part, left, state, use_reentrant=False)
        else:
            output, state = _run(lstm, part, left, state)
        n_ended = n_sequences - n_going_on
        outputs.append(nn.functional.pad(output, (0, 0, 0, n_ended)))
    n_padding = length - sum(map(len, outputs))
    return nn.functional.pad(torch.cat(outputs), (0, 0, 0, 0, 0, n_padding))


def _run(
    lstm: nn.LSTM, inputs: Tensor, lengths: Tensor, state: State | None
) -> tuple[Tensor, State]:
    """One pass, and the state behind it, which means nothing for sequences that end within it.

    Both are float32.
    """
    if state is not None:
        state = (state[0].contiguous(), state[1].contiguous())
    if not _is_packed(inputs):
        output, (hidden, cell) = lstm(inputs, state)
        return output.float(), (hidden.float(), cell.float())
    with torch.autocast("cpu", enabled=False):
        packed, state = lstm(pack_padded_sequence(inputs, lengths), state)
    return pad_packed_sequence(packed, total_length=len(inputs))[0], state


def _is_packed(inputs: Tensor) -> bool:
    """Whether to compute words only, in fp32, and not padding too.

    That is fastest on a CPU in fp32. In bf16 on cores with matrix units (AMX), a pass over padding
    too takes a third of the time, but for the way back with few sequences.
    """
    if inputs.device.type != "cpu":
        return False
    has_few = torch.is_grad_enabled() and inputs.shape[1] < FEWEST_SEQUENCES
    return has_few or not torch.is_autocast_enabled("cpu")
