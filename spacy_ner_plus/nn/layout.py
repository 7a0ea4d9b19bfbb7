"""Where each token of a padded batch lies when the batch is run one time step at a time."""

from collections.abc import Iterator, Sequence

import torch
from torch import Tensor

# Views are made for this many steps at once: one call for many views is fast, and a view costs
# about a kilobyte, too much to keep one for each of 100,000 tokens.
_STEPS_PER_SPLIT = 1024


class Layout:
    """Index arrays for a batch of sequences of different lengths.

    Three orders of the same N = sum(lengths) tokens are in use. *Padded* is the caller's
    `(batch, time)`. *Flat* has the sequences one after the other, without padding: everything
    that needs no recursion works on it. *Packed* (as in `torch.nn.utils.rnn.PackedSequence`)
    has the first tokens of all sequences, then the second ones, ..., longest sequence first: the
    sequences that are still running at a step are one contiguous block, so that a recursion
    over time needs no masks.

    Attributes:
        lengths (Tensor): int64 on the CPU. *Shape:* (batch,)
        device (torch.device): where the index arrays below are.
        first (Tensor): flat position of each sequence's first token. *Shape:* (batch,)
        last (Tensor): flat position of each sequence's last token. *Shape:* (batch,)
        inner (Tensor): flat positions of all tokens that have a predecessor. *Shape:* (N - batch,)
        order (Tensor): the sequences in packed order, longest first. *Shape:* (batch,)
        sequence (Tensor): the sequence of each token in flat order. *Shape:* (N,)
        step_sizes (list[int]): number of sequences that are running at each time step.
    """

    def __init__(self, lengths: Sequence[int] | Tensor, n_times: int, device: torch.device) -> None:
        """lengths (Sequence[int] | Tensor): host integers, each from 1 to `n_times`.
        n_times (int): the padded length.
        device (torch.device): where the index arrays are wanted.
        RAISES (ValueError): a length is out of range.
        """
        lens = torch.as_tensor(lengths, dtype=torch.int64).cpu().reshape(-1)
        if len(lens) and not 1 <= int(lens.min()) <= int(lens.max()) <= n_times:
            raise ValueError(
                f"sequence lengths must be from 1 to {n_times} (the padded length), "
                f"got {int(lens.min())} to {int(lens.max())}"
            )
        self.lengths = lens
        self.n_times = n_times
        self.device = device
        order = torch.argsort(lens, descending=True, stable=True)
        rank = torch.argsort(order)
        running = len(lens) - torch.bincount(lens).cumsum(0)[:-1]  # (steps,)
        self.step_sizes: list[int] = running.tolist()
        step_starts = running.cumsum(0) - running  # packed position of each step's block

        first = lens.cumsum(0) - lens
        sequence = torch.repeat_interleave(torch.arange(len(lens)), lens)
        time = torch.arange(len(sequence)) - first[sequence]
        reverse_time = lens[sequence] - 1 - time
        rank = rank[sequence]
        self.first = first.to(device)
        self.last = (first + lens - 1).to(device)
        self.inner = torch.nonzero(time).squeeze(1).to(device)
        self.sequence = sequence.to(device)
        self.order = order.to(device)
        self._padded = (sequence * n_times + time).to(device)
        self._packed = (step_starts[time] + rank).to(device)
        # Two directions share each step's block: its first half runs forward in time, its
        # second half holds the same sequences from their ends backward.
        both = [
            2 * step_starts[time] + rank,
            2 * step_starts[reverse_time] + running[reverse_time] + rank,
        ]
        self._packed_both = torch.stack(both).to(device)  # (2, N)

    def doubled(self) -> "Layout":
        """RETURNS (Layout): that of the batch followed by itself; flat arrays just concatenate."""
        return Layout(torch.cat([self.lengths, self.lengths]), self.n_times, self.device)

    def flatten(self, padded: Tensor) -> Tensor:
        """(batch, time, ...) -> (N, ...). Differentiable; padding is never looked at."""
        return padded.flatten(0, 1).index_select(0, self._padded)

    def pad(self, flat: Tensor) -> Tensor:
        """(N, ...) -> (batch, time, ...) with zeros on padding."""
        batch = len(self.lengths)
        padded = flat.new_zeros(batch * self.n_times, *flat.shape[1:])
        padded[self._padded] = flat
        return padded.view(batch, self.n_times, *flat.shape[1:])

    def sum(self, flat: Tensor) -> Tensor:
        """(N,) -> (batch,): the sum over each sequence."""
        return self.pad(flat).sum(1)

    def pack(self, flat: Tensor) -> Tensor:
        """(N, ...) -> (N, ...) in packed order."""
        return torch.empty_like(flat).index_copy_(0, self._packed, flat)

    def unpack(self, packed: Tensor) -> Tensor:
        """The inverse of `pack`."""
        return packed.index_select(0, self._packed)

    def pack_both(self, flat: Tensor) -> Tensor:
        """(N, ...) -> (2 N, ...): each step's block forward in time, then backward."""
        packed = flat.new_empty(2 * len(flat), *flat.shape[1:])
        return packed.index_copy_(0, self._packed_both.flatten(), torch.cat([flat, flat]))

    def unpack_both(self, packed: Tensor) -> tuple[Tensor, Tensor]:
        """The inverse of `pack_both`, for results that differ between the two directions."""
        forward, backward = self._packed_both
        return packed.index_select(0, forward), packed.index_select(0, backward)


def iterate_steps(packed: Tensor, step_sizes: list[int]) -> Iterator[Tensor]:
    """Yield a view (step size, ...) of a packed tensor for each time step."""
    start = 0
    for i in range(0, len(step_sizes), _STEPS_PER_SPLIT):
        sizes = step_sizes[i : i + _STEPS_PER_SPLIT]
        yield from packed.narrow(0, start, sum(sizes)).split(sizes)
        start += sum(sizes)
