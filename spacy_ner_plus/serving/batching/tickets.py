"""What is asked of a model, and who waits for it."""

from collections.abc import Hashable
from concurrent.futures import Future
from dataclasses import dataclass, field
from typing import Any, Generic, Protocol, TypeVar

from .fair_queue import Priority


class Asked(Hashable, Protocol):
    """Something that is asked. What is equal is asked once, while it waits and while it runs."""

    @property
    def units(self) -> int:
        """How much work it is."""
        ...


Ask = TypeVar("Ask", bound=Asked)
Outcome = TypeVar("Outcome")


class RefusedError(Exception):
    """A request that a batcher does not take, or did not come to."""


class QueueFullError(RefusedError):
    """There is more to do than can be done in time.

    retry_after (float): Seconds after which there should be room.
    """

    def __init__(self, retry_after: float) -> None:
        super().__init__(f"The queue is full; there should be room in {retry_after:.1f} s.")
        self.retry_after = retry_after


class TooMuchError(RefusedError):
    """A request that could not be done in the time that interactive ones may wait.

    seconds (float): What it would take. limit (float): What it may take.
    """

    def __init__(self, seconds: float, limit: float) -> None:
        super().__init__(
            f"It would take about {seconds:.1f} s, and interactive requests {limit:.1f} s at most: "
            'send it in parts, or with priority "bulk".'
        )


class ClosedError(RefusedError):
    """The batcher takes nothing more, or was stopped before it came to it."""

    def __init__(self) -> None:
        super().__init__("The model is being stopped.")


class ExpiredError(RefusedError):
    """The request's time was up before its turn came."""

    def __init__(self) -> None:
        super().__init__("The time of the request was up before its turn came.")


@dataclass(eq=False)
class Job(Generic[Ask]):
    """What is asked, with all who wait for it.

    places: The tickets, each with the place among its answers.
    arrived (float): When it was asked first, by time.monotonic.
    """

    ask: Ask
    units: int
    priority: Priority
    arrived: float
    places: list[tuple["Ticket[Any]", int]] = field(default_factory=list)
    is_running: bool = False


@dataclass(eq=False)
class Ticket(Generic[Outcome]):
    """Somebody who waits for some answers.

    expires (float): When they are of no use any more, by time.monotonic.
    outcomes: What is known so far, in the order of what was asked; None: nothing yet.
    future (Future): All of it, each a result or the exception that came of it.
    jobs: What it waits for, or has waited for.
    """

    expires: float
    outcomes: list[Outcome | Exception | None]
    future: Future[list[Outcome | Exception]] = field(default_factory=Future)
    jobs: list[Job[Any]] = field(default_factory=list)
    n_left: int = 0

    def __post_init__(self) -> None:
        self.n_left = len(self.outcomes)
