"""The thread that owns a model: every request is answered once, within bounds and in order."""

import gc
import threading
import time
import weakref
from concurrent.futures import CancelledError, ThreadPoolExecutor
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from spacy_ner_plus.serving.batching.admission import BatchLimits
from spacy_ner_plus.serving.batching.batcher import Batcher, BatchReport
from spacy_ner_plus.serving.batching.fair_queue import Priority
from spacy_ner_plus.serving.batching.tickets import (
    ClosedError,
    ExpiredError,
    QueueFullError,
    TooMuchError,
)
from spacy_ner_plus.serving.batching.work_rate import WorkRate
from tests.serving.batching.fake_engine import FakeEngine, Question

WAIT = 30
INTERACTIVE, BULK = Priority.INTERACTIVE, Priority.BULK
Started = tuple[Batcher[Question, int], FakeEngine]


class FixedRate(WorkRate):
    """Learns nothing: fake batches take no time."""

    def learn(self, units: float, seconds: float) -> None:
        pass


def start(engine: FakeEngine, **limits: Any) -> Batcher[Question, int]:
    batcher: Batcher[Question, int] = Batcher(lambda: engine, BatchLimits(**limits)).start()
    batcher.ready.result(WAIT)
    return batcher


def held(**limits: Any) -> Started:
    """A batcher whose model is at work on question 0, and stays so until engine.go."""
    engine = FakeEngine(is_held=True)
    batcher = start(engine, **limits)
    batcher.submit([Question(0)])
    assert engine.begun.wait(WAIT)
    return batcher, engine


def release(batcher: Batcher[Question, int], engine: FakeEngine) -> None:
    engine.go.set()
    batcher.close()
    assert batcher.join(WAIT)


@settings(deadline=None, max_examples=30)
@given(
    requests=st.lists(
        st.tuples(
            st.lists(st.integers(0, 8), max_size=6),
            st.sampled_from([None, *Priority]),
            st.booleans(),
        ),
        max_size=25,
    ),
    budget=st.integers(1, 12),
    fails=st.sets(st.integers(0, 8), max_size=2),
)
def test_every_request_is_answered_once_and_in_order(
    requests: list[tuple[list[int], Priority | None, bool]], budget: int, fails: set[int]
) -> None:
    engine = FakeEngine(fails=sorted(fails))
    batcher = start(engine, batch_texts=4)
    batcher.rate = FixedRate(0.25, budget / (0.25 * 0.8) * 1.001)
    done: list[int] = []

    def ask(numbers: list[int], priority: Priority | None, is_cancelled: bool) -> Any:
        ticket = batcher.submit([Question(n) for n in numbers], priority=priority)
        ticket.future.add_done_callback(lambda _: done.append(id(ticket)))
        if is_cancelled:
            batcher.cancel(ticket)
        return ticket

    with ThreadPoolExecutor(4) as pool:
        tickets = list(pool.map(lambda request: ask(*request), requests))
    for (numbers, _, is_cancelled), ticket in zip(requests, tickets, strict=True):
        try:
            outcomes = ticket.future.result(WAIT)
        except CancelledError:
            assert is_cancelled
            continue
        assert len(outcomes) == len(numbers)
        for n, outcome in zip(numbers, outcomes, strict=True):
            assert isinstance(outcome, ValueError) if n in fails else outcome == 10 * n
    batcher.close()
    assert batcher.join(WAIT)
    assert len(done) == len(set(done)) == len(requests)
    assert batcher.n_waiting == batcher.seconds_running == 0
    assert len(engine.threads) <= 1
    assert all(len(batch) <= 4 for batch in engine.batches)


def test_batches_fill_up_to_their_budget_and_not_beyond() -> None:
    batcher, engine = held()
    batcher.rate = FixedRate(0.25, 50.1)  # a budget of 10 units
    sizes = [4, 6, 1, 9, 3, 40, 2, 2]
    tickets = [
        batcher.submit([Question(n, size)], priority=BULK) for n, size in enumerate(sizes, 1)
    ]
    engine.go.set()
    assert [t.future.result(WAIT) for t in tickets] == [[10 * n] for n in range(1, 9)]
    batcher.close()
    assert batcher.join(WAIT)
    sizes_of_batches = [[q.units for q in batch] for batch in engine.batches[1:]]
    assert sizes_of_batches == [[4, 6], [1, 9], [3], [40], [2, 2]]
    assert [q.number for batch in engine.batches for q in batch] == list(range(9))


def test_what_is_too_long_for_a_batch_is_a_batch_of_its_own() -> None:
    batcher, engine = held()
    batcher.rate = FixedRate(0.25, 50.1)
    tickets = [batcher.submit([Question(n, size)]) for n, size in [(1, 50), (2, 60)]]
    release(batcher, engine)
    assert [len(batch) for batch in engine.batches] == [1, 1, 1]
    assert all(ticket.future.result(WAIT) for ticket in tickets)


def test_interactive_work_is_done_at_the_pauses_of_what_is_long() -> None:
    engine = FakeEngine(is_held=True)
    batcher = start(engine, max_bulk_wait=1000.0)
    batcher.rate = FixedRate(0.25, 50.1)  # 10 units fill a batch
    long = batcher.submit([Question(0, 1000)], priority=BULK)
    assert engine.begun.wait(WAIT)
    bulk = batcher.submit([Question(9, 1)], priority=BULK)
    late = batcher.submit([Question(8, 1)], expires=time.monotonic() - 1)
    short = [batcher.submit([Question(n, 4)], priority=INTERACTIVE) for n in range(1, 8)]
    assert [ticket.future.result(WAIT) for ticket in short] == [[10 * n] for n in range(1, 8)]
    with pytest.raises(ExpiredError):
        late.future.result(WAIT)
    assert not long.future.done() and not bulk.future.done()
    again = batcher.submit([Question(1, 4), Question(0, 1000)], priority=BULK)
    assert batcher.seconds_running > 0
    engine.let_go.set()
    assert long.future.result(WAIT) == [0]
    assert bulk.future.result(WAIT) == [90]
    assert again.future.result(WAIT) == [10, 0]
    assert all(sum(q.units for q in batch) <= 10 for batch in engine.batches[1:])
    batcher.close()
    assert batcher.join(WAIT)
    assert batcher.seconds_running == 0 and len(engine.threads) == 1


def test_same_question_is_asked_once_while_it_is_in_flight() -> None:
    batcher, engine = held()
    waiting = [batcher.submit([Question(1), Question(1), Question(2)]) for _ in range(5)]
    running = batcher.submit([Question(0)])
    assert batcher.n_waiting == 2
    release(batcher, engine)
    assert [t.future.result(WAIT) for t in waiting] == [[10, 10, 20]] * 5
    assert running.future.result(WAIT) == [0]
    assert sorted(q.number for batch in engine.batches for q in batch) == [0, 1, 2]


def test_who_asks_later_the_same_question_is_not_hurt_by_a_cancelled_one() -> None:
    batcher, engine = held()
    first, second = batcher.submit([Question(1), Question(2)]), batcher.submit([Question(1)])
    batcher.cancel(first)
    assert batcher.n_waiting == 1
    release(batcher, engine)
    assert first.future.cancelled()
    assert second.future.result(WAIT) == [10]
    assert [q.number for batch in engine.batches for q in batch] == [0, 1]


def test_cancelled_request_that_runs_is_dropped() -> None:
    batcher, engine = held()
    ticket = batcher.submit([Question(0)])  # with the one that runs
    batcher.cancel(ticket)
    after = batcher.submit([Question(1)])
    release(batcher, engine)
    assert ticket.future.cancelled()
    assert after.future.result(WAIT) == [10]
    batcher.cancel(after)  # too late, and no harm
    assert after.future.result(WAIT) == [10]


def test_request_whose_future_was_cancelled_leaves_the_queue_too() -> None:
    batcher, engine = held()
    ticket = batcher.submit([Question(1)])
    ticket.future.cancel()
    batcher.cancel(ticket)
    assert batcher.n_waiting == 0
    release(batcher, engine)
    assert [q.number for batch in engine.batches for q in batch] == [0]


def test_nobody_can_take_back_that_a_model_is_made() -> None:
    batcher: Batcher[Question, int] = Batcher(FakeEngine).start()
    batcher.ready.cancel()
    assert batcher.ready.result(WAIT) is None
    batcher.close()
    assert batcher.join(WAIT)


def test_expired_request_is_not_computed() -> None:
    batcher, engine = held()
    late = batcher.submit([Question(1), Question(2)], expires=time.monotonic() - 1)
    good = batcher.submit([Question(2)])
    release(batcher, engine)
    with pytest.raises(ExpiredError):
        late.future.result(WAIT)
    assert good.future.result(WAIT) == [20]
    assert sorted(q.number for batch in engine.batches for q in batch) == [0, 2]


def test_thread_goes_on_when_all_that_waited_has_expired() -> None:
    batcher, engine = held()
    late = batcher.submit([Question(1)], expires=time.monotonic() - 1)
    engine.go.set()
    with pytest.raises(ExpiredError):
        late.future.result(WAIT)
    assert batcher.submit([Question(3)]).future.result(WAIT) == [30]
    batcher.close()


def test_interactive_requests_come_before_bulk_ones() -> None:
    batcher, engine = held(batch_texts=1)
    for n in range(1, 4):
        batcher.submit([Question(n)], priority=BULK)
    for n in range(11, 15):
        batcher.submit([Question(n)], priority=INTERACTIVE)
    release(batcher, engine)
    order = [batch[0].number for batch in engine.batches]
    assert order.index(14) < order.index(2)
    assert [n for n in order if n > 10] == [11, 12, 13, 14]


def test_bulk_question_that_somebody_waits_for_is_hurried_on() -> None:
    batcher, engine = held(batch_texts=1)
    for n in range(1, 6):
        batcher.submit([Question(n)], priority=BULK)
    batcher.submit([Question(5)], priority=INTERACTIVE)
    release(batcher, engine)
    assert [batch[0].number for batch in engine.batches].index(5) <= 2


def test_queue_is_bounded_by_the_time_that_its_work_takes() -> None:
    batcher, engine = held(max_wait=1.0, max_bulk_wait=4.0)
    batcher.rate = FixedRate(0.25, 100.0)
    batcher.submit([Question(1, 50)], priority=INTERACTIVE)
    with pytest.raises(QueueFullError) as caught:
        batcher.submit([Question(2, 60)], priority=INTERACTIVE)
    assert caught.value.retry_after == pytest.approx(0.11)  # 50 + 60 + the one that runs
    batcher.submit([Question(3, 40)], priority=INTERACTIVE)
    batcher.submit([Question(1, 50)], priority=INTERACTIVE)  # waits already
    batcher.submit([Question(4, 300)], priority=BULK)
    with pytest.raises(QueueFullError):
        batcher.submit([Question(5, 20)], priority=BULK)
    assert batcher.n_waiting == 3
    with pytest.raises(TooMuchError, match="in parts, or with priority"):
        batcher.submit([Question(6, 101)], priority=INTERACTIVE)
    release(batcher, engine)


def test_what_does_not_fit_is_not_taken_in_part() -> None:
    batcher, engine = held(max_jobs=3)
    batcher.submit([Question(1), Question(2)])
    with pytest.raises(QueueFullError):
        batcher.submit([Question(2), Question(3), Question(4)])
    assert batcher.n_waiting == 2
    batcher.submit([Question(2), Question(3)])
    release(batcher, engine)


def test_bulk_work_of_any_size_is_taken_when_nothing_waits() -> None:
    batcher, engine = held()
    ticket = batcher.submit([Question(n, 100_000) for n in range(1, 5)])
    release(batcher, engine)
    assert ticket.future.result(WAIT) == [10, 20, 30, 40]


def test_closed_batcher_finishes_what_it_took() -> None:
    batcher, engine = held()
    tickets = [batcher.submit([Question(n)]) for n in range(1, 20)]
    batcher.close()
    with pytest.raises(ClosedError):
        batcher.submit([Question(99)])
    engine.go.set()
    assert batcher.join(WAIT)
    assert [t.future.result(0) for t in tickets] == [[10 * n] for n in range(1, 20)]
    assert not batcher.is_alive


def test_abandoned_batcher_says_so_to_who_waits() -> None:
    batcher, engine = held()
    running, waiting = batcher.submit([Question(0)]), batcher.submit([Question(1)])
    both = batcher.submit([Question(0), Question(1)])
    batcher.abandon()
    for ticket in (waiting, both):
        with pytest.raises(ClosedError):
            ticket.future.result(WAIT)
    engine.go.set()
    assert running.future.result(WAIT) == [0]
    assert batcher.join(WAIT)


class Failing(FakeEngine):
    def __init__(self, error: BaseException) -> None:
        super().__init__()
        self.error: BaseException | None = error

    def run(self, asks: Any, between: Any = None) -> Any:
        if self.error is not None:
            error, self.error = self.error, None
            raise error
        return super().run(asks, between)


@pytest.mark.parametrize("error", [MemoryError(), SystemExit(3)])
def test_model_that_fails_fails_one_batch(error: BaseException) -> None:
    batcher = start(Failing(error))
    [outcome] = batcher.submit([Question(1)]).future.result(WAIT)
    assert isinstance(outcome, (MemoryError, RuntimeError))
    assert batcher.submit([Question(1)]).future.result(WAIT) == [10]
    batcher.close()


def test_model_that_cannot_be_made_takes_no_requests() -> None:
    def make() -> FakeEngine:
        raise ValueError("no such folder")

    batcher: Batcher[Question, int] = Batcher(make).start()
    with pytest.raises(ValueError, match="no such folder"):
        batcher.ready.result(WAIT)
    assert batcher.join(WAIT)
    with pytest.raises(ClosedError):
        batcher.submit([Question(1)])


class Warm(FakeEngine):
    def samples(self) -> list[list[Question]]:
        return [[Question(1, 5)], [Question(2, 50), Question(3, 50)]]

    def run(self, asks: Any, between: Any = None) -> Any:
        time.sleep(0.01)
        return super().run(asks, between)


def test_warm_up_is_done_twice_by_the_owner_and_tells_the_speed() -> None:
    engine = Warm()
    reports: list[BatchReport] = []
    batcher: Batcher[Question, int] = Batcher(lambda: engine, on_batch=reports.append).start()
    batcher.ready.result(WAIT)
    assert [len(batch) for batch in engine.batches] == [1, 2, 1, 2]
    assert 1 < batcher.rate.units_per_second <= 10_000
    assert batcher.submit([Question(4, 7)]).future.result(WAIT) == [40]
    batcher.close()
    assert batcher.join(WAIT)
    assert engine.threads != {threading.get_ident()} and len(engine.threads) == 1
    assert [(report.texts, report.units) for report in reports] == [(1, 7)]


def test_idle_model_does_not_wait_for_more() -> None:
    """The delay is so long that the test would fail."""
    batcher = start(FakeEngine(), max_delay=1000.0)
    assert batcher.submit([Question(1)]).future.result(WAIT) == [10]
    assert batcher.submit([Question(2)]).future.result(WAIT) == [20]
    batcher.close()


def test_model_that_was_at_work_waits_for_a_full_batch() -> None:
    batcher, engine = held(max_delay=1000.0)
    batcher.rate = FixedRate(0.25, 50.1)  # 10 units fill a batch
    first = batcher.submit([Question(1, 5)], priority=BULK)
    engine.go.set()
    second = batcher.submit([Question(2, 5)], priority=BULK)
    assert first.future.result(WAIT) == [10]
    assert second.future.result(WAIT) == [20]
    assert [q.number for q in engine.batches[1]] == [1, 2]
    batcher.close()


def test_memory_of_requests_is_freed_at_once() -> None:
    """Without the garbage collector: large texts must not wait for it."""
    batcher = start(FakeEngine())
    gc.disable()
    try:
        ticket = batcher.submit([Question(1), Question(2)])
        ticket.future.result(WAIT)
        gone, known = threading.Event(), weakref.ref(ticket)
        weakref.finalize(ticket, gone.set)
        del ticket
        assert gone.wait(WAIT) and known() is None
    finally:
        gc.enable()
    batcher.close()


def test_empty_request_has_an_empty_answer() -> None:
    batcher = start(FakeEngine())
    assert batcher.submit([]).future.result(WAIT) == []
    batcher.close()
