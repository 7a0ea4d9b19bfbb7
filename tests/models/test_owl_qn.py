"""L-BFGS with absolute values, by the conditions that hold at a minimum and nowhere else."""

from itertools import pairwise

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor

from spacy_ner_plus.models.runtime.owl_qn import minimize


def quadratic(n: int, seed: int) -> tuple[Tensor, Tensor]:
    """A matrix of second derivatives, and a gradient at 0."""
    generator = torch.Generator().manual_seed(seed)
    root = torch.randn(n, n, dtype=torch.float64, generator=generator)
    return root @ root.T + torch.eye(n), torch.randn(n, dtype=torch.float64, generator=generator)


@settings(max_examples=40)
@given(st.integers(1, 12), st.integers(0, 2**31), st.sampled_from([0.0, 0.1, 0.7]))
def test_minimum_of_a_quadratic(n: int, seed: int, l1: float) -> None:
    second, first = quadratic(n, seed)
    values = []
    x = minimize(
        lambda x: (float(x @ second @ x / 2 + first @ x), second @ x + first),
        torch.zeros(n, dtype=torch.float64),
        l1=l1,
        max_iterations=500,
        report=lambda iteration, value: values.append((iteration, value)),
    )
    gradient = second @ x + first
    assert [i for i, _ in values] == list(range(1, len(values) + 1))
    assert all(later <= before for (_, before), (_, later) in pairwise(values))
    tolerance = 5e-2  # it stops where little is gained
    assert ((gradient + l1 * x.sign())[x != 0].abs() < tolerance).all()
    assert (gradient[x == 0].abs() <= l1 + tolerance).all()


def test_independent_parameters_are_shrunk() -> None:
    """Of sum (x - a)^2 / 2 + sum |x| the minimum is a, less 1, and 0 in between."""
    wanted = torch.tensor([3.0, -2.0, 0.5, -0.9, 1.0], dtype=torch.float64)
    x = minimize(
        lambda x: (float(((x - wanted) ** 2).sum() / 2), x - wanted),
        torch.zeros(5, dtype=torch.float64),
        l1=1.0,
        max_iterations=100,
    )
    assert x.tolist() == pytest.approx([2.0, -1.0, 0.0, 0.0, 0.0], abs=1e-4)
    assert (x[2:] == 0).all()  # exactly


def test_it_ends_where_it_begins_if_that_is_the_minimum() -> None:
    start = torch.zeros(3, dtype=torch.float64)
    found = minimize(lambda x: (float(x @ x), 2 * x), start, l1=0.5, max_iterations=9)
    assert torch.equal(found, start)


def test_it_says_so_if_no_step_lowers_the_value(caplog: pytest.LogCaptureFixture) -> None:
    start = torch.ones(3, dtype=torch.float64)
    with caplog.at_level("INFO", logger="spacy_ner_plus"):
        found = minimize(lambda x: (1.0, torch.ones_like(x)), start, l1=0.0, max_iterations=9)
    assert torch.equal(found, start)
    assert "No step lowers the loss after 0 iterations" in caplog.text
