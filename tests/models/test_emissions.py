import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from spacy_ner_plus.models.decoding import emissions as module
from spacy_ner_plus.models.decoding.emissions import Emissions


def make_emissions(lengths: list[int]) -> Emissions:
    scores = torch.arange(2.0 * sum(lengths)).reshape(-1, 2)
    return Emissions(scores, [np.arange(length) for length in lengths])


@settings(deadline=None)
@given(lengths=st.lists(st.integers(0, 12), max_size=15), max_cells=st.integers(1, 60))
def test_groups_hold_each_doc_with_rows_once(lengths: list[int], max_cells: int) -> None:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(module, "MAX_CELLS", max_cells)
        groups = list(make_emissions(lengths).groups())
    order = [int(doc) for group in groups for doc in group.docs]
    assert sorted(order) == [doc for doc, length in enumerate(lengths) if length]
    ordered = [lengths[doc] for doc in order]
    assert ordered == sorted(ordered, reverse=True)
    first_row = np.cumsum([0, *lengths])
    for group in groups:
        own = group.layout.lengths.tolist()
        assert own == [lengths[doc] for doc in group.docs]
        assert len(own) == 1 or len(own) * max(own) <= max_cells
        for doc, rows in zip(group.docs, group.rows.split(own), strict=True):
            assert rows.tolist() == list(range(first_row[doc], first_row[doc + 1]))


def test_groups_fill_the_budget() -> None:
    (group,) = make_emissions([3, 0, 5, 1]).groups()
    assert group.docs.tolist() == [2, 0, 3]


def test_group_has_the_rows_of_the_docs_that_are_asked_for() -> None:
    emissions = make_emissions([1, 3, 0, 2])
    group = emissions.group(np.array([3, 1]))
    assert group.layout.lengths.tolist() == [2, 3]
    assert emissions.scores[group.rows, 0].tolist() == [8, 10, 2, 4, 6]


def test_emissions_lengths_are_rows_of_each_doc() -> None:
    row_tokens = [np.array([0, 2]), np.zeros(0, dtype=np.int64), np.array([5])]
    lengths = Emissions(torch.zeros(3, 2), row_tokens).lengths
    assert lengths.tolist() == [2, 0, 1]
    assert Emissions(torch.zeros(0, 2), []).lengths.shape == (0,)
