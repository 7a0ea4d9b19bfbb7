"""Krippendorff's alpha: the published examples, the definition, and the `krippendorff` package."""

from itertools import permutations

import hypothesis.extra.numpy as np_strategies
import hypothesis.strategies as st
import numpy as np
import pytest
from hypothesis import given

from spacy_ner_plus.metrics.alpha import (
    MISSING,
    alpha_of,
    group_terms,
    nominal_alpha,
    unit_counts,
    unit_terms,
)

krippendorff = pytest.importorskip("krippendorff")

N_VALUES = 4
TABLES = st.tuples(st.integers(1, 5), st.integers(0, 12)).flatmap(
    lambda shape: np_strategies.arrays(np.int64, shape, elements=st.integers(MISSING, N_VALUES - 1))
)


def table(*rows: str) -> np.ndarray:
    """A letter or digit a value, "." where it is missing."""
    places = {value: i for i, value in enumerate(sorted({*"".join(rows)} - {"."}))}
    return np.array([[places.get(value, MISSING) for value in row] for row in rows])


def by_definition(values: np.ndarray) -> float | None:
    """1 - D_o / D_e, pair by pair."""
    units = [[int(v) for v in column if v != MISSING] for column in values.T]
    units = [unit for unit in units if len(unit) > 1]
    n = sum(map(len, units))
    observed = sum(
        sum(a != b for a, b in permutations(unit, 2)) / (len(unit) - 1) for unit in units
    )
    paired = [value for unit in units for value in unit]
    expected = sum(a != b for a, b in permutations(paired, 2))
    return 1 - (observed / n) / (expected / (n * (n - 1))) if expected else None


def test_published_examples() -> None:
    """Krippendorff (2011): B, two observers; C, four observers and missing values."""
    two = table("aabbdcccedda", "babbbcccedddd"[:12])
    assert nominal_alpha(two) == pytest.approx(0.692, abs=5e-4)
    four = table("123321412...", "1233224125.3", ".3332342251.", "12332441251.")
    assert nominal_alpha(four) == pytest.approx(0.743, abs=5e-4)


@given(TABLES)
def test_alpha_is_what_the_definition_says(values: np.ndarray) -> None:
    expected = by_definition(values)
    assert nominal_alpha(values) == (None if expected is None else pytest.approx(expected))


@pytest.mark.parametrize("seed", range(20))
def test_alpha_is_that_of_the_package(seed: int) -> None:
    random = np.random.default_rng(seed)
    truth = random.integers(0, N_VALUES, 200)
    noise = random.integers(MISSING, N_VALUES, (random.integers(2, 6), 200))
    values = np.where(random.random(noise.shape) < 0.4, noise, truth)
    known = np.where(values == MISSING, np.nan, values)
    expected = krippendorff.alpha(reliability_data=known, level_of_measurement="nominal")
    assert nominal_alpha(values) == pytest.approx(expected)


@given(TABLES, st.data())
def test_terms_of_groups_add_up(values: np.ndarray, data: st.DataObject) -> None:
    groups = np.array(
        data.draw(st.lists(st.integers(0, 3), min_size=(n := values.shape[1]), max_size=n)),
        dtype=int,
    )
    terms = group_terms(values, groups, 4, N_VALUES)
    whole = unit_terms(unit_counts(values, N_VALUES)).sum(axis=0)
    assert terms.sum(axis=0) == pytest.approx(whole)
    for group in range(4):
        expected = nominal_alpha(values[:, groups == group])
        found = alpha_of(terms)[group]
        assert (expected is None and np.isnan(found)) or found == pytest.approx(expected)


def test_units_in_steps_are_all_counted(monkeypatch: pytest.MonkeyPatch) -> None:
    values = np.random.default_rng(0).integers(MISSING, N_VALUES, (3, 100))
    groups = np.arange(100) // 30
    whole = group_terms(values, groups, 4, N_VALUES)
    monkeypatch.setattr("spacy_ner_plus.metrics.alpha._STEP", 7)
    assert group_terms(values, groups, 4, N_VALUES) == pytest.approx(whole)
