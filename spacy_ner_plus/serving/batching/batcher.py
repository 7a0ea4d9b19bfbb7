"""The thread that owns a model, and what waits for it."""

import math
import threading
import time
from collections.abc import Callable, Sequence
from concurrent.futures import Future
from dataclasses import dataclass
from functools import partial
from typing import Generic, Protocol, TypeVar, cast

from .admission import DEFAULT_LIMITS, BatchLimits, Waiting, check_room
from .fair_queue import FairQueue, Priority
from .tickets import (
    Ask,
    ClosedError,
    ExpiredError,
    Job,
    Outcome,
    Ticket,
)
from .work_rate import WorkRate

Result = TypeVar("Result", covariant=True)


class Engine(Protocol[Ask, Result]):
    """A model, used by one thread alone."""

    def samples(self) -> Sequence[Sequence[Ask]]:
        """Batches to warm up with, the last one of a size that tells the speed."""
        ...

    def run(
        self, asks: Sequence[Ask], between: Callable[[], None] | None = None
    ) -> Sequence[Result | Exception]:
        """The result of each, or why there is none.

        between (Callable[[], None]): To be called at the pauses of long work, if there are any: it
            runs what others wait for.
        """
        ...


@dataclass(frozen=True)
class BatchReport:
    """What a batch was.

    waited (float): Seconds since the first of its texts had arrived, when it was begun.
    n_waiting (int): How many texts wait after it.
    """

    texts: int
    units: int
    seconds: float
    waited: float
    n_waiting: int


class Batcher(Generic[Ask, Outcome]):
    """A queue before a model, and the thread that makes, warms up, uses and drops it.

    A batch is begun as soon as the model is free, with what waits, up to what can be done in the
    time that a batch may take: of that, the speed is learned. What alone takes longer is a batch of
    its own, and at its pauses interactive work is done. All methods may be called from any thread.

    make_engine (Callable[[], Engine]): Makes the model, in the thread.
    limits (BatchLimits): See there.
    on_batch (Callable[[BatchReport], None]): Is told of each batch, in the thread.

    Attributes:
        ready (Future[None]): Done when the model is made and warm, or with what went wrong.
        rate (WorkRate): How fast it is.
    """

    def __init__(
        self,
        make_engine: Callable[[], Engine[Ask, Outcome]],
        limits: BatchLimits = DEFAULT_LIMITS,
        on_batch: Callable[[BatchReport], None] = lambda report: None,
        name: str = "model",
    ) -> None:
        self.limits = limits
        self.rate = WorkRate(limits.batch_seconds)
        self.ready: Future[None] = Future()
        self._on_batch = on_batch
        self._queue: FairQueue[Job[Ask]] = FairQueue()
        self._in_flight: dict[Ask, Job[Ask]] = {}
        self._changed = threading.Condition()
        self._is_closed = False
        self._running_units = 0
        self._running_since: float | None = None
        self._idle_since = 0.0
        self._seconds_of_others = 0.0
        self._thread = threading.Thread(
            target=self._own, args=(make_engine,), name=f"ner-plus {name}", daemon=True
        )

    def start(self) -> "Batcher[Ask, Outcome]":
        """Begin to make the model. RETURNS (Batcher): Itself."""
        self.ready.set_running_or_notify_cancel()  # who waits for it may go, and changes nothing
        self._thread.start()
        return self

    # Asking

    def submit(
        self,
        asks: Sequence[Ask],
        *,
        priority: Priority | None = None,
        expires: float = math.inf,
    ) -> Ticket[Outcome]:
        """Put something into the queue, all of it or nothing.

        priority (Priority): None for what fits the size: what is done within one batch is
            interactive.
        expires (float): When nobody wants it any more, by time.monotonic.
        RAISES QueueFullError: If too much waits already. TooMuchError: If it is too much to be
            interactive. ClosedError: If the model is being stopped.
        """
        ticket: Ticket[Outcome] = Ticket(expires, [None] * len(asks))
        with self._changed:
            if self._is_closed:
                raise ClosedError
            new = {ask: ask.units for ask in asks if ask not in self._in_flight}
            if priority is None:
                fits = sum(new.values()) <= self.rate.budget
                priority = Priority.INTERACTIVE if fits else Priority.BULK
            rest = Waiting(self._queue, self._running_units, self.rate)
            check_room(rest, new.values(), priority, self.limits)
            for place, ask in enumerate(asks):
                self._add(ask, ticket, place, priority)
            self._changed.notify()
        if not asks:
            ticket.future.set_result([])
        return ticket

    def cancel(self, ticket: Ticket[Outcome]) -> None:
        """Nobody waits for it any more: what only it has asked leaves the queue.

        What runs already goes on, and its result is dropped. A ticket that has its answers is left
        as it is.
        """
        with self._changed:
            if ticket.future.done() and not ticket.future.cancelled():
                return
            self._forget(ticket)
        ticket.future.cancel()

    def close(self) -> None:
        """Take nothing more; what is in the queue is still done, and the thread ends then."""
        with self._changed:
            self._is_closed = True
            self._changed.notify()

    def abandon(self) -> None:
        """As close, and give up what waits: its tickets get a ClosedError."""
        with self._changed:
            self._is_closed = True
            tickets = {ticket for job in self._queue for ticket, _ in job.places}
            for ticket in tickets:
                self._forget(ticket)
            self._changed.notify()
        for ticket in tickets:
            _fail(ticket, ClosedError())

    def join(self, timeout: float | None = None) -> bool:
        """Wait until the thread has ended. RETURNS (bool): Whether it has."""
        self._thread.join(timeout)
        return not self._thread.is_alive()

    @property
    def n_waiting(self) -> int:
        """Texts in the queue."""
        return len(self._queue)

    @property
    def seconds_running(self) -> float:
        """For how long the batch has run that runs now; 0 if none does."""
        since = self._running_since
        return 0.0 if since is None else time.monotonic() - since

    @property
    def is_alive(self) -> bool:
        """Whether the thread runs."""
        return self._thread.is_alive()

    def _add(self, ask: Ask, ticket: Ticket[Outcome], place: int, priority: Priority) -> None:
        job = self._in_flight.get(ask)
        if job is None:
            job = Job(ask, ask.units, priority, time.monotonic())
            self._in_flight[ask] = job
            self._queue.push(job, job.units, priority)
        elif priority is Priority.INTERACTIVE and not job.is_running:
            self._queue.promote(job)
        job.places.append((ticket, place))
        ticket.jobs.append(job)

    def _forget(self, ticket: Ticket[Outcome]) -> None:
        """Take a ticket from all jobs. Those that nobody else wants leave the queue."""
        for job in ticket.jobs:
            job.places = [pair for pair in job.places if pair[0] is not ticket]
            if not job.places and not job.is_running and self._queue.remove(job):
                del self._in_flight[job.ask]
        ticket.jobs = []

    # The thread

    def _own(self, make_engine: Callable[[], Engine[Ask, Outcome]]) -> None:
        try:
            engine = make_engine()
            self._warm_up(engine)
        except BaseException as error:
            self.ready.set_exception(error)
            self.abandon()
            return
        self.ready.set_result(None)
        while batch := self._next_batch():
            self._work(engine, batch)

    def _warm_up(self, engine: Engine[Ask, Outcome]) -> None:
        """Twice: the first time, memory and kernels are made that the second one finds."""
        samples = engine.samples()
        seconds = 0.0
        for asks in [*samples, *samples]:
            started = time.monotonic()
            for outcome in engine.run(asks):
                if isinstance(outcome, Exception):
                    raise outcome
            seconds = time.monotonic() - started
        if samples:
            units = sum(ask.units for ask in samples[-1])
            self.rate.units_per_second = max(1.0, units / max(seconds, 1e-6))

    def _next_batch(self) -> list[Job[Ask]]:
        """What is to be done next, or nothing when all is done for good."""
        while True:
            with self._changed:
                while not len(self._queue) and not self._is_closed:
                    self._changed.wait()
                if not len(self._queue):
                    return []
                self._wait_for_more()
                batch, expired = self._fill()
            for ticket in expired:
                _fail(ticket, ExpiredError())
            if batch:
                return batch

    def _wait_for_more(self) -> None:
        """Until the batch is full, or the first has waited long enough; not if it found us idle."""
        first = min(job.arrived for job in self._queue.firsts())
        if first >= self._idle_since:
            return
        deadline = first + self.limits.max_delay
        while (
            self._queue.units < self.rate.budget
            and not self._is_closed
            and (left := deadline - time.monotonic()) > 0
        ):
            self._changed.wait(left)

    def _fill(self, *, in_pause: bool = False) -> tuple[list[Job[Ask]], list[Ticket[Outcome]]]:
        """Take a batch from the queue, and tickets whose time is up.

        in_pause (bool): Of interactive work alone, and of none that takes longer than a batch.
        """
        only = Priority.INTERACTIVE if in_pause else None
        now, budget, units = time.monotonic(), self.rate.budget, 0
        batch: list[Job[Ask]] = []
        expired: list[Ticket[Outcome]] = []
        while (head := self._queue.head(only)) is not None:
            job = head[0]
            for ticket in {t for t, _ in job.places if t.expires <= now}:
                self._forget(ticket)
                expired.append(ticket)
            if not job.places:  # it has left the queue
                continue
            is_full = units + job.units > budget or len(batch) == self.limits.batch_texts
            if is_full and (batch or in_pause):
                break
            self._queue.pop(only)
            job.is_running = True
            batch.append(job)
            units += job.units
        self._running_units += units
        if batch and self._running_since is None:
            self._running_since = now
        return batch, expired

    def _let_others(self, engine: Engine[Ask, Outcome]) -> None:
        """Do what has come while a long text is being read: it has its pause."""
        started = time.monotonic()
        with self._changed:
            batch, expired = self._fill(in_pause=True)
        for ticket in expired:
            _fail(ticket, ExpiredError())
        if batch:
            self._work(engine, batch)
            self._seconds_of_others += time.monotonic() - started

    def _work(self, engine: Engine[Ask, Outcome], batch: list[Job[Ask]]) -> None:
        started = time.monotonic()
        units = sum(job.units for job in batch)
        is_long = units > self.rate.budget and len(batch) == 1
        if is_long:
            self._seconds_of_others = 0.0
        between = partial(self._let_others, engine) if is_long else None
        outcomes: Sequence[Outcome | Exception]
        try:
            outcomes = engine.run([job.ask for job in batch], between)
            if len(outcomes) != len(batch):
                raise RuntimeError(f"{len(batch)} asked, but {len(outcomes)} answers.")
        except BaseException as error:  # the thread must live, whatever a component raises
            cause = error if isinstance(error, Exception) else RuntimeError(repr(error))
            outcomes = [cause] * len(batch)
        ended = time.monotonic()
        seconds = ended - started - (self._seconds_of_others if is_long else 0.0)
        self.rate.learn(units, seconds)
        done = self._hand_out(batch, outcomes, ended)
        for ticket in done:
            _succeed(ticket)
        waited = started - min(job.arrived for job in batch)
        self._on_batch(BatchReport(len(batch), units, seconds, waited, self.n_waiting))

    def _hand_out(
        self, batch: list[Job[Ask]], outcomes: Sequence[Outcome | Exception], ended: float
    ) -> list[Ticket[Outcome]]:
        """Give outcomes to who waits for them. RETURNS: Tickets that have all of theirs now."""
        done = []
        with self._changed:
            self._running_units -= sum(job.units for job in batch)
            if not self._running_units:
                self._running_since = None
            self._idle_since = ended
            for job, outcome in zip(batch, outcomes, strict=True):
                del self._in_flight[job.ask]
                for ticket, place in job.places:
                    ticket.outcomes[place] = outcome
                    ticket.n_left -= 1
                    if not ticket.n_left:
                        ticket.jobs = []  # which know the ticket: memory is freed at once
                        done.append(ticket)
                job.places = []
        return done


def _succeed(ticket: Ticket[Outcome]) -> None:
    if ticket.future.set_running_or_notify_cancel():
        ticket.future.set_result(cast("list[Outcome | Exception]", ticket.outcomes))


def _fail(ticket: Ticket[Outcome], error: Exception) -> None:
    if ticket.future.set_running_or_notify_cancel():
        ticket.future.set_exception(error)
