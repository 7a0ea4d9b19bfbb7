"""The learning rate at each step, where spaCy's optimizer has none."""

import itertools
import warnings
from collections.abc import Iterator

import pytest
from hypothesis import given
from hypothesis import strategies as st
from thinc.api import Adam, Optimizer, constant, decaying, warmup_linear

from spacy_ner_plus.models.runtime.learning_rate import LearningRate, WatchedSchedule

UNSTEPPED = "its schedule is not stepped"
rates = st.lists(st.floats(0, 1), min_size=1, max_size=12)


@pytest.fixture(autouse=True)
def _warnings_are_errors() -> Iterator[None]:
    with warnings.catch_warnings():
        warnings.simplefilter("error", UserWarning)
        yield


@given(rates, st.lists(st.booleans(), max_size=20))
def test_watched_schedule_gives_what_it_would_give(values: list[float], looks: list[bool]) -> None:
    schedule = WatchedSchedule(iter(values[1:]), values[0])
    seen = [values[0]]
    for is_look in looks:
        if is_look:
            schedule.peak()
        elif (value := next(schedule, None)) is not None:
            seen.append(value)
            assert schedule.n_steps == len(seen) - 1
    assert [*seen, *schedule] == values


@given(rates)
def test_peak_is_the_top_of_the_first_hill(values: list[float]) -> None:
    schedule = WatchedSchedule(iter(values[1:]), values[0])
    if values[0] > 0:
        assert schedule.peak() == values[0]  # no step further than need be
        return
    rising = list(itertools.dropwhile(lambda value: value == 0, values))
    top = 0.0
    for value in rising:
        if value < top:
            break
        top = value
    assert schedule.peak() == top


def read(optimizer: Optimizer, n: int, *, steps: bool) -> list[float]:
    """The rates of n steps."""
    rate, found = LearningRate(), []
    for _ in range(n):
        found.append(rate.read(optimizer))
        if steps:
            optimizer.step_schedules()
    return found


def test_stepped_schedule_is_left_as_it_is() -> None:
    optimizer = Adam(warmup_linear(0.1, 4, 8))
    expected = list(itertools.islice(warmup_linear(0.1, 4, 8), 8))
    assert expected[0] == 0 and max(expected) == 0.1
    assert read(optimizer, 8, steps=True) == expected


def test_unstepped_schedule_gives_its_peak() -> None:
    optimizer = Adam(warmup_linear(0.1, 4, 8))
    rate = LearningRate()
    assert rate.read(optimizer) == 0
    with pytest.warns(UserWarning, match=UNSTEPPED):
        assert rate.read(optimizer) == 0.1
    assert rate.read(optimizer) == 0.1 == optimizer.learn_rate
    optimizer.step_schedules()  # it goes on where it was
    assert rate.read(optimizer) == pytest.approx(0.025)


def test_spent_schedule_is_told_and_then_gives_its_peak() -> None:
    optimizer = Adam(warmup_linear(0.1, 1, 3))
    rate = LearningRate()
    found = []
    for _ in range(3):
        found.append(rate.read(optimizer))
        optimizer.step_schedules()
    assert max(found) == 0.1
    with warnings.catch_warnings(action="error"):
        assert rate.read(optimizer) == 0  # as in the step that `spacy train` takes after the last
    optimizer.step_schedules()
    with pytest.warns(UserWarning, match="come down to 0"):
        assert rate.read(optimizer) == 0
    with pytest.warns(UserWarning, match=UNSTEPPED):
        assert rate.read(optimizer) == 0.1


def test_fixed_rate_of_0_is_told() -> None:
    with pytest.warns(UserWarning, match="The learning rate is 0: nothing is learned"):
        read(Adam(0.0), 2, steps=False)


@pytest.mark.parametrize("schedule", [constant(0.1), decaying(0.1, 0.1), 0.1])
def test_rates_over_0_need_no_stepping(schedule: Iterator[float] | float) -> None:
    assert read(Adam(schedule), 3, steps=False) == [0.1] * 3


def test_schedule_of_zeros_alone_ends_the_search() -> None:
    optimizer = Adam(iter([0.0, 0.0, 0.0]))
    with pytest.warns(UserWarning, match="The learning rate is 0: nothing is learned"):
        assert read(optimizer, 3, steps=False) == [0.0] * 3


def test_two_models_share_one_optimizer() -> None:
    optimizer = Adam(warmup_linear(0.1, 4, 8))
    first, second = LearningRate(), LearningRate()
    assert [first.read(optimizer), second.read(optimizer)] == [0, 0]
    optimizer.step_schedules()
    assert first.read(optimizer) == second.read(optimizer) == pytest.approx(0.025)
