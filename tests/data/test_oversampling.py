import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from spacy_ner_plus.data.oversampling import (
    draw_repeats,
    effect_of,
    read_oversampling,
    repeat_factors,
)

LABELS = st.lists(st.sets(st.sampled_from("ABC")), min_size=1, max_size=20)


@settings(deadline=None)
@given(labels=LABELS, threshold=st.floats(0.01, 1), cap=st.floats(1, 6))
def test_factors_are_those_of_the_stated_formula(
    labels: list[set[str]], threshold: float, cap: float
) -> None:
    found = repeat_factors(labels, threshold, cap)
    for one, factor in zip(labels, found, strict=True):
        shares = [sum(label in other for other in labels) / len(labels) for label in one]
        wanted = max([1.0, *(np.sqrt(threshold / share) for share in shares)])
        assert factor == pytest.approx(min(cap, wanted))


@settings(deadline=None)
@given(factors=st.lists(st.floats(1, 6), min_size=1, max_size=30), start=st.floats(0, 0.999))
def test_repeats_are_factors_rounded_and_their_sum_too(factors: list[float], start: float) -> None:
    found = draw_repeats(np.array(factors), start)
    assert (found >= 1).all()
    assert (np.abs(found - factors) < 1 + 1e-6).all()
    assert abs(found.sum() - sum(factors)) < 1 + 1e-6


def test_repeats_come_to_the_factors_on_average() -> None:
    factors = np.array([1.0, 1.25, 2.5, 1.0, 3.75])
    starts = (np.arange(400) + 0.5) / 400
    mean = np.mean([draw_repeats(factors, start) for start in starts], axis=0)
    np.testing.assert_allclose(mean, factors, atol=1e-9)


def test_whole_factors_are_what_they_are() -> None:
    assert draw_repeats(np.array([1.0, 3.0, 1.0, 2.0]), 0.99).tolist() == [1, 3, 1, 2]


def test_effect_names_the_rarest_first() -> None:
    labels = [{"A"}, {"A", "B"}, {"A"}, set()]
    factors = repeat_factors(labels, 1.0, 5.0)
    assert factors.tolist() == pytest.approx([np.sqrt(4 / 3), 2.0, np.sqrt(4 / 3), 1.0])
    assert effect_of(labels, factors) == {
        "B": (1, pytest.approx(2.0)),
        "A": (3, pytest.approx(2 + 2 * np.sqrt(4 / 3))),
    }


@pytest.mark.parametrize(
    ("threshold", "cap", "message"),
    [
        (0.0, 2.0, r"oversample = 0.0 must be over 0"),
        (1.5, 2.0, r"oversample = 1.5"),
        ("x", 2.0, r"oversample = 'x' must be a number"),
        (0.1, 0.5, r"max_repeats = 0.5 must be at least 1"),
    ],
)
def test_settings_out_of_range_are_errors(threshold: object, cap: float, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        read_oversampling(threshold, cap)  # type: ignore[arg-type]
