"""A model that answers by calculation, as fast or as slowly as a test says."""

import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field


@dataclass(frozen=True)
class Question:
    number: int
    units: int = field(default=1, compare=False)


class FakeEngine:
    """Answers n with 10 n; numbers in `fails` with an error. It may be held until `go` is set."""

    def __init__(self, *, is_held: bool = False, fails: Sequence[int] = ()) -> None:
        self.batches: list[list[Question]] = []
        self.threads: set[int] = set()
        self.begun = threading.Event()
        self.go = threading.Event()
        self.let_go = threading.Event()
        self.fails = set(fails)
        if not is_held:
            self.go.set()

    def samples(self) -> list[list[Question]]:
        return []

    def run(
        self, asks: Sequence[Question], between: Callable[[], None] | None = None
    ) -> list[int | Exception]:
        self.threads.add(threading.get_ident())
        self.batches.append(list(asks))
        self.begun.set()
        if between is None:
            assert self.go.wait(30)
        else:
            self._wait_with_pauses(between)
        return [
            ValueError(ask.number) if ask.number in self.fails else 10 * ask.number for ask in asks
        ]

    def _wait_with_pauses(self, between: Callable[[], None]) -> None:
        """As long work does; what is run at a pause is not held."""
        deadline = time.monotonic() + 30
        while not self.go.is_set():
            assert time.monotonic() < deadline
            self.go.set()
            between()
            self.go.clear()
            if self.let_go.wait(0.001):
                self.go.set()
