"""A model that answers by calculation, as fast or as slowly as a test says."""

import threading
from collections.abc import Sequence
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
        self.fails = set(fails)
        if not is_held:
            self.go.set()

    def samples(self) -> list[list[Question]]:
        return []

    def run(self, asks: Sequence[Question]) -> list[int | Exception]:
        self.threads.add(threading.get_ident())
        self.batches.append(list(asks))
        self.begun.set()
        assert self.go.wait(30)
        return [
            ValueError(ask.number) if ask.number in self.fails else 10 * ask.number for ask in asks
        ]
