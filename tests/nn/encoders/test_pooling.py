from dataclasses import dataclass

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor

from spacy_ner_plus.nn.encoders.pooling import pool

REDUCE = {
    "first": lambda rows: rows[0],
    "last": lambda rows: rows[-1],
    "mean": lambda rows: rows.mean(0),
    "max": lambda rows: rows.amax(0),
}


@dataclass
class Case:
    vectors: Tensor  # (n_pieces, width)
    positions: Tensor
    segments: Tensor
    n_segments: int

    def by_loop(self, vectors: Tensor, how: str) -> Tensor:
        """One segment at a time."""
        rows = [vectors[self.positions[self.segments == s]] for s in range(self.n_segments)]
        return torch.stack([REDUCE[how](row) for row in rows])

    def edge(self, how: str) -> tuple[Tensor, Tensor]:
        """What a caller passes for "first" and "last": that piece of each segment only."""
        if how not in ("first", "last"):
            return self.positions, self.segments
        at = [torch.nonzero(self.segments == s).flatten() for s in range(self.n_segments)]
        kept = torch.stack([found[0 if how == "first" else -1] for found in at])
        return self.positions[kept], self.segments[kept]


@st.composite
def cases(draw: st.DrawFn) -> Case:
    sizes = draw(st.lists(st.integers(1, 5), min_size=1, max_size=8))
    n_pieces = draw(st.integers(1, 12))
    n_pairs = sum(sizes)
    positions = draw(st.lists(st.integers(0, n_pieces - 1), min_size=n_pairs, max_size=n_pairs))
    generator = torch.Generator().manual_seed(draw(st.integers(0, 999)))
    return Case(
        vectors=torch.randn(n_pieces, 3, generator=generator),
        positions=torch.tensor(positions),
        segments=torch.repeat_interleave(torch.arange(len(sizes)), torch.tensor(sizes)),
        n_segments=len(sizes),
    )


@pytest.mark.parametrize("how", REDUCE)
def test_pool_equals_reducing_one_segment_at_a_time(how: str) -> None:
    @settings(deadline=None)
    @given(case=cases())
    def check(case: Case) -> None:
        positions, segments = case.edge(how)
        pooled = pool(case.vectors, positions, segments, case.n_segments, how)
        torch.testing.assert_close(pooled, case.by_loop(case.vectors, how))

    check()


@pytest.mark.parametrize("how", REDUCE)
def test_pool_gradient_is_that_of_the_loop(how: str) -> None:
    @settings(deadline=None, max_examples=30)
    @given(case=cases())
    def check(case: Case) -> None:
        weights = torch.arange(3.0) + torch.arange(1.0, case.n_segments + 1).unsqueeze(1)
        gradients = []
        for pooled_of in (
            lambda v: pool(v, *case.edge(how), case.n_segments, how),
            lambda v: case.by_loop(v, how),
        ):
            vectors = case.vectors.clone().requires_grad_()
            (pooled_of(vectors) * weights).sum().backward()
            gradients.append(vectors.grad)
        torch.testing.assert_close(gradients[0], gradients[1])
        assert gradients[0].abs().sum() > 0

    check()


@pytest.mark.parametrize("how", REDUCE)
def test_pool_gives_full_precision(how: str) -> None:
    """The sum of many bf16 vectors would lose its last bits."""
    vectors = torch.rand(300, 2, dtype=torch.bfloat16)
    positions = torch.arange(300) if how in ("mean", "max") else torch.tensor([7])
    pooled = pool(vectors, positions, torch.zeros(len(positions), dtype=torch.int64), 1, how)
    assert pooled.dtype == torch.float32
    torch.testing.assert_close(pooled[0], REDUCE[how](vectors[positions].float()))


def test_pool_max_of_negative_numbers_is_negative() -> None:
    vectors = torch.tensor([[-3.0], [-1.0], [-2.0]])
    pooled = pool(vectors, torch.arange(3), torch.tensor([0, 0, 1]), 2, "max")
    assert pooled.tolist() == [[-1.0], [-2.0]]


def test_pool_refuses_an_unknown_way() -> None:
    with pytest.raises(ValueError, match="'sum': use 'first', 'last', 'mean' or 'max'"):
        pool(torch.zeros(1, 2), torch.tensor([0]), torch.tensor([0]), 1, "sum")
