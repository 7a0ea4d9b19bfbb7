"""How much work a text is, and how large batches may be."""

from functools import cache

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tokenizers import Tokenizer

from spacy_ner_plus.serving.batching.work_rate import WorkRate
from spacy_ner_plus.serving.batching.work_units import work_units
from tests import tiny


@cache
def tokenizer() -> Tokenizer:
    return tiny.wordpiece()


@given(st.text(), st.text())
def test_work_of_texts_adds_up(one: str, other: str) -> None:
    """But for what each costs whatever its length, and what the seam may join."""
    together = work_units(f"{one} {other}")
    assert work_units(one) <= together
    assert together <= work_units(one) + work_units(other) <= together + 6


@pytest.mark.parametrize(
    "text",
    [
        "Effects of tetrandrine and fangchinoline on experimental thrombosis in mice .",
        "!" * 500,
        "a b c d " * 100,
        "北京是中华人民共和国的首都。" * 20,
        "x9Kq" * 400,
        "السلام عليكم يا محمد في القاهرة",
    ],
)
def test_work_is_not_far_below_the_wordpieces(text: str) -> None:
    pieces = len(tokenizer().encode(text).ids) if text.isascii() else len(text.replace(" ", ""))
    assert work_units(text) >= min(pieces, len(text)) / 4


def test_white_space_is_some_work() -> None:
    assert work_units("") == 4
    assert work_units(" " * 64_000) == 1004


def test_rate_falls_fast_and_rises_slowly() -> None:
    rate = WorkRate(limit=0.25, initial=1000)
    rate.learn(250, 0.5)  # twice what was thought
    assert rate.units_per_second == pytest.approx(750)
    rate.learn(250, 0.25)
    assert rate.units_per_second == pytest.approx(800)


def test_small_batches_do_not_lower_the_rate() -> None:
    rate = WorkRate(limit=0.25, initial=1000)
    rate.learn(5, 0.05)
    assert rate.units_per_second == 1000


@given(speed=st.floats(50, 100_000), overhead=st.floats(0, 0.02))
def test_full_batches_come_to_stay_within_the_limit(speed: float, overhead: float) -> None:
    rate = WorkRate(limit=0.25)
    for _ in range(200):
        rate.learn(rate.budget, overhead + rate.budget / speed)
    if rate.budget > 1:
        assert overhead + rate.budget / speed <= 0.25
        assert rate.budget >= 0.5 * speed * (0.2 - overhead) - 1  # and are not small either


@given(st.lists(st.tuples(st.integers(0, 10_000), st.floats(0, 10))))
def test_budget_is_never_empty(batches: list[tuple[int, float]]) -> None:
    rate = WorkRate(limit=0.25)
    for units, seconds in batches:
        rate.learn(units, seconds)
    assert rate.budget >= 1
    assert rate.units_per_second >= 1


@pytest.mark.parametrize(("limit", "initial"), [(0, 1), (1, 0), (float("nan"), 1)])
def test_rate_needs_numbers_above_0(limit: float, initial: float) -> None:
    with pytest.raises(ValueError, match="must be above 0"):
        WorkRate(limit, initial)
