import torch
from torch import nn

from spacy_ner_plus.models.runtime.table_gradients import TableGradients
from spacy_ner_plus.models.runtime.training_pass import GradientStash


def make_stash() -> tuple[list[nn.Parameter], GradientStash]:
    """Two parameters with gradients of 1 and 2 put aside, and two without any."""
    parameters = [nn.Parameter(torch.zeros(2, 1)) for _ in range(4)]
    for i, parameter in enumerate(parameters[:2]):
        parameter.grad = torch.full((2, 1), i + 1.0)
    stash = GradientStash(parameters, TableGradients())
    stash.take()
    return parameters, stash


def gradients(parameters: list[nn.Parameter]) -> list[list[float] | None]:
    return [None if p.grad is None else p.grad.flatten().tolist() for p in parameters]


def test_stash_puts_gradients_aside_and_restores_them() -> None:
    parameters, stash = make_stash()
    assert gradients(parameters) == [None] * 4
    parameters[0].grad = parameters[2].grad = torch.ones(2, 1)
    stash.restore()
    assert gradients(parameters) == [[1.0, 1.0], [2.0, 2.0], None, None]


def test_stash_adds_what_came_in_divided_by_the_scale() -> None:
    parameters, stash = make_stash()
    rows = torch.sparse_coo_tensor([[1, 1]], [[4.0], [8.0]], (2, 1))  # as of an embedding
    parameters[0].grad, parameters[2].grad = rows, torch.full((2, 1), 8.0)
    stash.add(4.0)
    assert gradients(parameters) == [[1.0, 4.0], [2.0, 2.0], [2.0, 2.0], None]
    assert not any(p.grad.is_sparse for p in parameters if p.grad is not None)


def test_stash_adds_nothing_where_nothing_came_in() -> None:
    parameters, stash = make_stash()
    stash.add(4.0)
    assert gradients(parameters) == [[1.0, 1.0], [2.0, 2.0], None, None]
