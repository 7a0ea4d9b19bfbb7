import torch
from torch import Tensor, nn

from spacy_ner_plus.models.runtime.table_gradients import TableGradients


def sparse(*rows: int) -> Tensor:
    """Ones in each of the rows of a table of four."""
    return torch.sparse_coo_tensor([list(rows)], torch.ones(len(rows), 2), (4, 2))


def test_memory_is_used_again_without_what_was_there() -> None:
    tables, table = TableGradients(), nn.Parameter(torch.zeros(4, 2))
    first = tables.dense(table, sparse(1, 1, 3))
    assert first[:, 0].tolist() == [0, 2, 0, 1]
    first.mul_(5)  # as clipping does
    second = tables.dense(table, sparse(0, 3))
    assert second.data_ptr() == first.data_ptr()
    assert second[:, 0].tolist() == [1, 0, 0, 1]


def test_each_table_has_its_own() -> None:
    tables = TableGradients()
    one, other = nn.Parameter(torch.zeros(4, 2)), nn.Parameter(torch.zeros(4, 2))
    assert tables.dense(one, sparse(1))[:, 0].tolist() == [0, 1, 0, 0]
    assert tables.dense(other, sparse(2))[:, 0].tolist() == [0, 0, 1, 0]
    assert tables.dense(one, sparse(3))[:, 0].tolist() == [0, 0, 0, 1]


def test_table_of_another_size_gets_other_memory() -> None:
    tables, table = TableGradients(), nn.Parameter(torch.zeros(4, 2))
    tables.dense(table, sparse(1))
    table.data = torch.zeros(5, 2)  # as for a label more
    grown = torch.sparse_coo_tensor([[4]], torch.ones(1, 2), (5, 2))
    assert tables.dense(table, grown)[:, 0].tolist() == [0, 0, 0, 0, 1]
