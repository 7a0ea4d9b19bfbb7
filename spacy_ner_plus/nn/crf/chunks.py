"""Long sequences cut into chunks that run side by side.

A recursion over a linear chain takes one step for each token of the longest sequence, and on a
short batch a step costs the same for one sequence as for hundreds. So long sequences are cut into
chunks, in three phases:

1. All chunks together, the same number of steps as a chunk has tokens: each chunk's *transfer
   matrix*, which takes the messages at its first token to those at its last token, for every tag
   that it may start with. This costs tags^3 for a token, where the recursion itself costs tags^2.
2. Chunk by chunk: the message that reaches each chunk, by way of the matrices before it.
3. All chunks together: the ordinary recursion, in each chunk from the message that reaches it.

So n tokens take about 3 sqrt(n) steps, and exactly the same sums and maxima are computed, only
bracketed in another way. It is the two-level form of the parallel scan of Hassan, Särkkä and
García-Fernández (2021), "Temporal parallelization of inference in hidden Markov models".

Whether and where a sequence is cut depends on its length and the number of tags alone, never on
the other sequences in the batch.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass

import torch
from torch import Tensor

from .layout import Layout, iterate_steps
from .transfer import to_device

# A sequence of n tokens is cut into chunks of about this many times sqrt(n) tokens.
CHUNK_RATIO = 0.8

# Takes running matrices (chains, last tag, first tag, chunks) over a transition to the next token,
# which has the given weights (chains, last tag, 1, chunks).
Advance = Callable[[Tensor, Tensor], Tensor]


@dataclass(frozen=True)
class Limits:
    """From where on chunks pay, measured on a CPU.

    A sequence on its own gains from about 100 tokens on, while in a large batch the matrices cost
    more than the steps they save; so the more a matrix costs, the longer a sequence has to be.

    shortest (int): sequences with fewer tokens are not cut.
    per_cube (float): nor are those with fewer tokens than this times tags^3.
    most_tags (int): with more tags, nothing is cut.
    """

    shortest: int
    per_cube: float
    most_tags: int


@dataclass(frozen=True)
class Chunks:
    """Where the sequences of a batch are cut. Short ones are one chunk.

    layout (Layout): the chunks as sequences of their own. Its flat order is that of the batch.
    chain (Layout): the chunks as the tokens of the batch's sequences.
    parts (Layout): of the chunks of those sequences that have two or more.
    part_ids (Tensor): int64, which chunks these are. *Shape:* (parts,)
    part_tokens (Tensor): int64, flat positions of their tokens. *Shape:* (N of parts,)
    """

    layout: Layout
    chain: Layout
    parts: Layout
    part_ids: Tensor
    part_tokens: Tensor

    @property
    def heads(self) -> Tensor:
        """Flat positions of the first tokens of all chunks that have a chunk before them."""
        return self.layout.first[self.chain.inner]


def cut(layout: Layout, n_tags: int, limits: Limits) -> Chunks | None:
    """RETURNS (Chunks | None): None where no sequence is long enough for two chunks."""
    lengths = layout.lengths
    shortest = max(limits.shortest, limits.per_cube * n_tags**3)
    if n_tags > limits.most_tags or len(layout.step_sizes) < shortest:
        return None
    counts = (lengths.double().sqrt() / CHUNK_RATIO).long().clamp_min(1)
    counts = torch.where(lengths < shortest, 1, counts)
    n_chunks = int(counts.sum())
    if n_chunks == len(lengths):
        return None
    chain = Layout(counts, layout.device)
    sequence = torch.repeat_interleave(torch.arange(len(lengths)), counts)
    within = torch.arange(n_chunks) - (counts.cumsum(0) - counts)[sequence]
    sizes = (lengths // counts)[sequence] + (within < (lengths % counts)[sequence])
    is_part = (counts > 1)[sequence]
    # positions, not masks: of these a GPU would have to be asked how many are true
    part_ids = is_part.nonzero().squeeze(1)
    part_tokens = torch.repeat_interleave(is_part, sizes).nonzero().squeeze(1)
    return Chunks(
        layout=Layout(sizes, layout.device),
        chain=chain,
        parts=Layout(sizes[is_part], layout.device),
        part_ids=to_device(part_ids.numpy(), layout.device),
        part_tokens=to_device(part_tokens.numpy(), layout.device),
    )


def transfer_matrices(
    weights: Tensor, chunks: Chunks, advance: Advance, zero: float, block: int
) -> Tensor:
    """The matrix of each chunk from the tags of its first token to those of its last one.

    It holds all paths between them, with the weights of all its tokens. Nobody needs that of a
    whole sequence: it stays zero.

    weights (Tensor): of each token's tags. *Shape:* (chains, N, tags)
    advance (Advance): one step, in the semiring of the recursion.
    zero (float): the weight of what is impossible.
    block (int): number of chunks to run at once, for the sake of caches.
    RETURNS (Tensor): *Shape:* (chains, chunks, first tag, last tag)
    """
    n_chains, _, n_tags = weights.shape
    parts = chunks.parts
    by_token = weights[:, chunks.part_tokens].transpose(0, 1)  # (N of parts, chains, tags)
    packed = parts.pack(by_token)
    # The chunks are the innermost dimension: a CPU's vector units want long rows.
    n_parts = len(parts.lengths)
    # (chains, last, first, parts)
    matrices = weights.new_full((n_chains, n_tags, n_tags, n_parts), zero)
    for start in range(0, n_parts, block):
        own = slice(start, start + block)  # in packed order, longest chunk first
        steps = (step[own] for step in iterate_steps(packed, parts.step_sizes))
        _fill(matrices[..., own], steps, advance)
    n_chunks = len(chunks.layout.lengths)
    result = weights.new_full((n_chains, n_chunks, n_tags, n_tags), zero)
    by_part = parts.unsort(matrices.permute(3, 0, 2, 1))  # (parts, chains, first, last)
    result[:, chunks.part_ids] = by_part.transpose(0, 1)
    return result


def _fill(matrices: Tensor, steps: Iterator[Tensor], advance: Advance) -> None:
    """Run some chunks side by side, from matrices that hold the weight of the impossible.

    matrices (Tensor): get the results. *Shape:* (chains, last tag, first tag, chunks), longest
        chunk first
    steps (Iterator[Tensor]): for each time step the weights of the chunks that are still running.
        *Shape:* (running chunks, chains, tags)
    """
    running = matrices  # (chains, last, first, running chunks)
    # (chains, chunks, tags): a chunk's first tag leads to itself
    running.diagonal(dim1=1, dim2=2).copy_(next(steps).transpose(0, 1))
    for weight in steps:
        n = len(weight)  # chunks that have a token at this step
        if n < running.shape[-1]:
            matrices[..., n : running.shape[-1]] = running[..., n:]
            running = running[..., :n].contiguous()  # (chains, last, first, n)
        if n == 0:
            return
        # weight: (chains, last, 1, n)
        running = advance(running, weight.permute(1, 2, 0).unsqueeze(2))
    matrices[..., : running.shape[-1]] = running
