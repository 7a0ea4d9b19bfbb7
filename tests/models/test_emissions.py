import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from spacy_ner_plus.models.decoding import emissions as module
from spacy_ner_plus.models.decoding.emissions import Emissions, sequence_groups


@settings(deadline=None)
@given(lengths=st.lists(st.integers(0, 12), max_size=15), max_cells=st.integers(1, 60))
def test_sequence_groups_hold_each_doc_with_rows_once(lengths: list[int], max_cells: int) -> None:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(module, "MAX_CELLS", max_cells)
        groups = list(sequence_groups(np.array(lengths, dtype=np.int64)))
    order = [int(doc) for group in groups for doc in group.docs]
    assert sorted(order) == [doc for doc, length in enumerate(lengths) if length]
    ordered = [lengths[doc] for doc in order]
    assert ordered == sorted(ordered, reverse=True)
    first_row = np.cumsum([0, *lengths])
    for group in groups:
        assert group.lengths.tolist() == [lengths[doc] for doc in group.docs]
        assert group.rows.shape == (len(group.docs), group.lengths.max())
        assert len(group.docs) == 1 or group.rows.size <= max_cells
        for doc, length, rows in zip(group.docs, group.lengths, group.rows, strict=True):
            assert rows[:length].tolist() == list(range(first_row[doc], first_row[doc] + length))
            assert not rows[length:].any()


def test_sequence_groups_fill_the_budget() -> None:
    (group,) = sequence_groups(np.array([3, 0, 5, 1]))
    assert group.docs.tolist() == [2, 0, 3]


def test_sequence_group_gathers_rows_of_any_shape() -> None:
    (group,) = sequence_groups(np.array([1, 3]))
    flat = torch.arange(8).reshape(4, 2)
    gathered = group.gather(flat)
    assert gathered.shape == (2, 3, 2)
    assert gathered[0].tolist() == flat[1:].tolist()
    assert gathered[1, 0].tolist() == flat[0].tolist()
    assert group.gather(flat[:, 0] > 2)[0].tolist() == [False, True, True]


def test_emissions_lengths_are_rows_of_each_doc() -> None:
    row_tokens = [np.array([0, 2]), np.zeros(0, dtype=np.int64), np.array([5])]
    lengths = Emissions(torch.zeros(3, 2), row_tokens).lengths
    assert lengths.tolist() == [2, 0, 1]
    assert Emissions(torch.zeros(0, 2), []).lengths.shape == (0,)
