import random

import numpy as np
import pytest
import torch

from spacy_ner_plus.training.randomness import capture, restore, starting_from


def draw() -> list[float]:
    return [
        random.random(),
        random.gauss(),  # draws two, keeps one
        float(np.random.normal()),  # noqa: NPY002  # the same
        float(np.random.uniform()),  # noqa: NPY002
        float(torch.rand(())),
        float(torch.randn(())),
    ]


@pytest.fixture(autouse=True)
def leave_random_state() -> object:
    before = capture()
    yield
    restore(before)


@pytest.mark.parametrize("n_draws", [0, 1, 2, 700])
def test_restored_generators_give_the_same_numbers(n_draws: int) -> None:
    for _ in range(n_draws):
        draw()
    random.gauss()
    states = capture()
    first = [draw(), draw()]
    restore(states)
    assert [draw(), draw()] == first


def test_starting_from_leaves_no_trace() -> None:
    states = capture()
    first = draw()
    expected = draw()
    restore(states)
    draw()
    with starting_from(states):
        assert draw() == first
    assert draw() == expected


@pytest.mark.gpu
def test_restored_cuda_generators_give_the_same_numbers() -> None:
    torch.rand(3, device="cuda")
    states = capture(cuda=True)
    first = torch.rand(3, device="cuda")
    restore(states)
    assert torch.equal(torch.rand(3, device="cuda"), first)
