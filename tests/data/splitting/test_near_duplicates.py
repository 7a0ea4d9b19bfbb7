"""Texts that are nearly the same, against all pairs."""

from itertools import combinations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from spacy_ner_plus.data.splitting.near_duplicates import (
    Groups,
    near_duplicates,
    shingles,
    similarity,
)

TEXT = "The patient was given aspirin for a headache, and had no further complaints that day."


def groups_by_brute_force(texts: list[str], least: float) -> list[int]:
    groups = Groups(len(texts))
    for i, j in combinations(range(len(texts)), 2):
        are_texts = texts[i].strip() and texts[j].strip()
        if are_texts and similarity(shingles(texts[i]), shingles(texts[j])) >= least:
            groups.join(i, j)
    return groups.numbers().tolist()


def variants() -> list[str]:
    """Copies of a text with more and more of its words replaced, and others."""
    words = TEXT.split()
    changed = [" ".join(["x" * 9] * n + words[n:]) for n in range(len(words))]
    return [*changed, "", " ", "", TEXT.upper(), TEXT.replace(" ", "\n "), "aspirin", "Aspirin"]


@pytest.mark.parametrize("least", [0.5, 0.8, 0.95, 1.0])
def test_groups_are_those_of_all_pairs(least: float) -> None:
    """0.5 is below what the bands are made for: few pairs suffice to join a chain."""
    texts = variants()
    found = near_duplicates(texts, least).tolist()
    expected = groups_by_brute_force(texts, least)
    if least >= 0.8:
        assert found == expected
    same = [(i, j) for i, j in combinations(range(len(texts)), 2) if found[i] == found[j]]
    assert all(expected[i] == expected[j] for i, j in same)


def test_case_and_white_space_do_not_count_and_empty_texts_are_alone() -> None:
    texts = ["", " ", "Aspirin helps", "aspirin\n helps ", "gout"]
    assert near_duplicates(texts, 1.0).tolist() == [0, 1, 2, 2, 4]
    with pytest.raises(ValueError, match="--near must be over 0 and 1 at most, got"):
        near_duplicates(texts, 1.5)


@settings(max_examples=50)
@given(st.lists(st.tuples(st.integers(0, 8), st.integers(0, 8)), max_size=12))
def test_groups_are_what_can_be_reached(pairs: list[tuple[int, int]]) -> None:
    groups = Groups(9)
    reach = np.eye(9, dtype=bool)
    for i, j in pairs:
        groups.join(i, j)
        reach[i, j] = reach[j, i] = True
    for _ in range(4):
        reach = reach @ reach
    assert groups.numbers().tolist() == [int(np.flatnonzero(row)[0]) for row in reach]
