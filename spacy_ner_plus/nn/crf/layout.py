"""Where each token of a batch lies when the batch is run one time step at a time."""

from collections.abc import Iterator, Sequence
from functools import cached_property

import numpy as np
import torch
from torch import Tensor

from .transfer import to_device

# Views are made for this many steps at once: one call for many views is fast, and a view costs
# about a kilobyte, too much to keep one for each of 100,000 tokens.
_STEPS_PER_SPLIT = 1024


class Layout:
    """Index arrays for a batch of sequences of different lengths.

    Two orders of the same N = sum(lengths) tokens are in use. *Flat* has the sequences one after
    the other: all arguments and results are in this order, and everything that needs no recursion
    works on it. *Packed* (as in `torch.nn.utils.rnn.PackedSequence`) has the first tokens of all
    sequences, then the second ones, ..., longest sequence first: the sequences that are still
    running at a step are one contiguous block, so that a recursion over time needs no masks.

    Attributes:
        lengths (Tensor): int64 on the CPU. *Shape:* (batch,)
        n_tokens (int): N.
        device (torch.device): where the index arrays below are.
        first (Tensor): flat position of each sequence's first token. *Shape:* (batch,)
        last (Tensor): flat position of each sequence's last token. *Shape:* (batch,)
        inner (Tensor): flat positions of all tokens that have a predecessor. *Shape:* (N - batch,)
        order (Tensor): the sequences in packed order, longest first. *Shape:* (batch,)
        sequence (Tensor): the sequence of each token in flat order. *Shape:* (N,)
        step_sizes (list[int]): number of sequences that are running at each time step.
    """

    def __init__(
        self,
        lengths: Sequence[int] | np.ndarray | Tensor,
        device: torch.device = torch.device("cpu"),  # noqa: B008 (it does not change)
    ) -> None:
        """Keep the lengths; the index arrays are made when they are first asked for.

        lengths (Sequence[int] | np.ndarray | Tensor): tokens of each sequence, at least 1.
        device (torch.device): where the emissions are, and the index arrays are wanted.
        RAISES (ValueError): a sequence has no token.
        """
        lens = torch.as_tensor(lengths, dtype=torch.int64).cpu().reshape(-1)
        if len(lens) and int(lens.min()) < 1:
            raise ValueError(f"sequences must have at least 1 token, got {int(lens.min())}")
        self.lengths = lens
        self.n_tokens = int(lens.sum())
        self.device = device
        # Index arrays are made when they are first asked for, on the host and with numpy: for a
        # single sentence torch's overhead per call would cost more than the recursion.
        self._lengths: np.ndarray = lens.numpy()
        self._packed_both: dict[int, Tensor] = {}  # by the number of chains
        counts = np.bincount(self._lengths, minlength=1)
        self._step_sizes: np.ndarray = (len(lens) - np.cumsum(counts))[:-1]
        self.step_sizes: list[int] = self._step_sizes.tolist()

    def _to_device(self, index: np.ndarray) -> Tensor:
        return to_device(index, self.device)

    @cached_property
    def _first(self) -> np.ndarray:
        return np.cumsum(self._lengths) - self._lengths

    @cached_property
    def _order(self) -> np.ndarray:
        return np.argsort(-self._lengths, kind="stable")

    @cached_property
    def _sequence(self) -> np.ndarray:
        return np.repeat(np.arange(len(self._lengths)), self._lengths)

    @cached_property
    def _time(self) -> np.ndarray:
        """(N,) position of each token in its sequence."""
        return np.arange(len(self._sequence)) - self._first[self._sequence]

    @cached_property
    def _step_starts(self) -> np.ndarray:
        """(steps,) packed position of each step's block."""
        return np.cumsum(self._step_sizes) - self._step_sizes

    @cached_property
    def _rank(self) -> np.ndarray:
        """(N,) place of each token's sequence in packed order."""
        rank = np.empty_like(self._order)
        rank[self._order] = np.arange(len(rank))
        return rank[self._sequence]

    @cached_property
    def first(self) -> Tensor:
        """Flat position of each sequence's first token, (batch,)."""
        return self._to_device(self._first)

    @cached_property
    def last(self) -> Tensor:
        """Flat position of each sequence's last token, (batch,)."""
        return self._to_device(self._first + self._lengths - 1)

    @cached_property
    def inner(self) -> Tensor:
        """Flat positions of all tokens that have a predecessor, (N - batch,)."""
        return self._to_device(np.flatnonzero(self._time))

    @cached_property
    def sequence(self) -> Tensor:
        """The sequence of each token in flat order, (N,)."""
        return self._to_device(self._sequence)

    @cached_property
    def order(self) -> Tensor:
        """The sequences in packed order, longest first, (batch,)."""
        return self._to_device(self._order)

    @cached_property
    def _padded(self) -> Tensor:
        return self._to_device(self._sequence * len(self.step_sizes) + self._time)

    @cached_property
    def _packed(self) -> Tensor:
        return self._to_device(self._step_starts[self._time] + self._rank)

    def _both_directions(self, n_chains: int) -> Tensor:
        """Positions for two directions at once, (2, n_chains * N).

        They share each step's block: its first half runs forward in time, its second half holds the
        same sequences from their ends backward. Each half has chain after chain.
        """
        if n_chains not in self._packed_both:
            reverse_time = self._lengths[self._sequence] - 1 - self._time
            starts, sizes = self._step_starts, self._step_sizes
            lanes = np.arange(2 * n_chains)[:, None]
            forward = starts[self._time] * len(lanes) + lanes[:n_chains] * sizes[self._time]
            backward = starts[reverse_time] * len(lanes) + lanes[n_chains:] * sizes[reverse_time]
            positions = np.stack([forward + self._rank, backward + self._rank])
            self._packed_both[n_chains] = self._to_device(positions.reshape(2, -1))
        return self._packed_both[n_chains]

    def repeated(self, n_times: int) -> "Layout":
        """RETURNS (Layout): that of the batch n_times over; flat arrays just concatenate."""
        return self if n_times == 1 else Layout(self.lengths.repeat(n_times), self.device)

    def pad(self, flat: Tensor) -> Tensor:
        """(N, ...) -> (batch, longest, ...) with zeros on padding."""
        batch, longest = len(self.lengths), len(self.step_sizes)
        padded = flat.new_zeros(batch * longest, *flat.shape[1:])
        padded[self._padded] = flat
        return padded.view(batch, longest, *flat.shape[1:])

    def sum(self, flat: Tensor) -> Tensor:
        """(N,) -> (batch,): the sum over each sequence."""
        return self.pad(flat).sum(1)

    def pack(self, flat: Tensor) -> Tensor:
        """(N, ...) -> (N, ...) in packed order."""
        return torch.empty_like(flat).index_copy_(0, self._packed, flat)

    def unpack(self, packed: Tensor) -> Tensor:
        """The inverse of `pack`."""
        return packed.index_select(0, self._packed)

    def unsort(self, rows: Tensor) -> Tensor:
        """(batch, ...) -> (batch, ...), from packed order, longest first, to the caller's."""
        return torch.empty_like(rows).index_copy_(0, self.order, rows)

    def pack_both(self, forward: Tensor, backward: Tensor, n_chains: int = 1) -> Tensor:
        """Twice (N, ...) -> (2 N, ...): each step's block forward in time, then backward.

        n_chains (int): arrays are those of so many chains over the batch, one chain after the other
            (n_chains * N, ...); so is each half of a block.
        """
        packed = forward.new_empty(2 * len(forward), *forward.shape[1:])
        positions = self._both_directions(n_chains).flatten()
        return packed.index_copy_(0, positions, torch.cat([forward, backward]))

    def unpack_both(self, packed: Tensor, n_chains: int = 1) -> tuple[Tensor, Tensor]:
        """The inverse of `pack_both`."""
        forward, backward = self._both_directions(n_chains)
        return packed.index_select(0, forward), packed.index_select(0, backward)


def iterate_steps(packed: Tensor, step_sizes: list[int]) -> Iterator[Tensor]:
    """Yield a view (step size, ...) of a packed tensor for each time step."""
    start = 0
    for i in range(0, len(step_sizes), _STEPS_PER_SPLIT):
        sizes = step_sizes[i : i + _STEPS_PER_SPLIT]
        yield from packed.narrow(0, start, sum(sizes)).split(sizes)
        start += sum(sizes)
