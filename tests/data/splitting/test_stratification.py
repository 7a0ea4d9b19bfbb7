import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from spacy_ner_plus.data.splitting.stratification import part_sizes, stratify

SHARES = [[0.5, 0.5], [0.2] * 5, [0.1] * 10, [0.9, 0.1], [0.125, 0.125, 0.25, 0.5]]

counts = st.tuples(st.integers(0, 40), st.integers(1, 5)).flatmap(
    lambda shape: arrays(np.int64, shape, elements=st.integers(0, 6))
)


def make_counts(seed: int, *, n_docs: int = 300, n_labels: int = 6) -> np.ndarray:
    """Labels from frequent to rare, in bursts, as entities are."""
    rng = np.random.default_rng(seed)
    rates = np.exp(-np.arange(n_labels))
    bursts = rng.geometric(0.4, size=(n_docs, n_labels))
    return rng.poisson(rates, size=(n_docs, n_labels)) * bursts


def imbalance(counts: np.ndarray, parts: np.ndarray, shares: list[float]) -> float:
    """Chi-squared distance of entities and of documents by label to the wanted ones."""
    amounts = np.hstack([counts, counts > 0])
    amounts = amounts[:, amounts.any(axis=0)]
    found = np.array([amounts[parts == part].sum(axis=0) for part in range(len(shares))])
    wanted = np.outer(shares, amounts.sum(axis=0))
    return float(((found - wanted) ** 2 / wanted).sum())


@settings(deadline=None)
@given(counts, st.sampled_from(SHARES), st.integers(0, 5))
def test_stratify_puts_each_document_into_one_part_of_its_size(
    counts: np.ndarray, shares: list[float], seed: int
) -> None:
    parts = stratify(counts, shares, seed)
    assert parts.shape == (len(counts),)
    found = np.bincount(parts, minlength=len(shares)).tolist()
    assert found == part_sizes(len(counts), shares).tolist()
    assert stratify(counts, shares, seed).tolist() == parts.tolist()


@given(st.integers(0, 200), st.integers(2, 12))
def test_part_sizes_of_equal_shares_differ_by_one_at_most(n_docs: int, n_parts: int) -> None:
    sizes = part_sizes(n_docs, [1 / n_parts] * n_parts)
    assert sizes.sum() == n_docs
    assert sizes.max() - sizes.min() <= 1


@pytest.mark.parametrize("shares", [[0.5, 0.6], [1.0, 0.0], [1.2, -0.2]])
def test_part_sizes_refuses_shares_that_are_none(shares: list[float]) -> None:
    with pytest.raises(ValueError, match=r"greater than 0 and add up to 1"):
        part_sizes(10, shares)


@pytest.mark.parametrize("shares", SHARES)
def test_stratify_balances_labels_better_than_chance(shares: list[float]) -> None:
    stratified, random = [], []
    for seed in range(10):
        counts = make_counts(seed)
        parts = stratify(counts, shares, seed)
        chance = np.random.default_rng(seed).permutation(parts)
        stratified.append(imbalance(counts, parts, shares))
        random.append(imbalance(counts, chance, shares))
    assert np.mean(stratified) < 0.5 * np.mean(random)
    assert np.mean(np.array(stratified) < np.array(random)) == 1.0


def test_stratify_puts_a_rare_label_into_every_part() -> None:
    for seed in range(10):
        counts = make_counts(seed)
        counts[:, -1] = 0
        counts[np.random.default_rng(seed).choice(len(counts), size=5, replace=False), -1] = 1
        parts = stratify(counts, [0.2] * 5, seed)
        assert sorted(parts[counts[:, -1] > 0].tolist()) == [0, 1, 2, 3, 4]


def test_stratify_spreads_documents_without_entities() -> None:
    counts = np.zeros((100, 2), dtype=int)
    counts[:50] = make_counts(0, n_docs=50, n_labels=2) + 1
    parts = stratify(counts, [0.2] * 5, 0)
    assert set(np.bincount(parts[50:]).tolist()) <= {9, 10, 11}


def test_stratify_keeps_a_single_document_for_the_large_part() -> None:
    counts = np.array([[1, 0]] * 20 + [[1, 3]])
    assert {int(stratify(counts, [0.9, 0.1], seed)[-1]) for seed in range(10)} == {0}


def test_stratify_divides_otherwise_with_another_seed() -> None:
    counts = make_counts(0)
    assert stratify(counts, [0.5, 0.5], 0).tolist() != stratify(counts, [0.5, 0.5], 1).tolist()


@settings(deadline=None)
@given(
    st.lists(st.lists(st.integers(0, 3), min_size=2, max_size=2), min_size=3, max_size=30),
    st.data(),
)
def test_stratify_keeps_groups_together(rows: list[list[int]], data: st.DataObject) -> None:
    counts = np.array(rows)
    groups = np.array([data.draw(st.integers(0, len(rows) - 1)) for _ in rows])
    shares = [0.6, 0.2, 0.2]
    parts = stratify(counts, shares, 0, groups)
    assert set(parts) <= {0, 1, 2}
    for group in set(groups):
        assert len(set(parts[groups == group])) == 1
    alone = stratify(counts, shares, 0, np.arange(len(rows)))
    assert alone.tolist() == stratify(counts, shares, 0).tolist()
    # no part is over its size but by one group
    sizes, largest = part_sizes(len(rows), shares), max(np.bincount(groups))
    assert all(np.bincount(parts, minlength=3) < sizes + largest)
